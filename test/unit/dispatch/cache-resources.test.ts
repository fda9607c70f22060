import { describe, expect, it } from 'vitest';
import { inputRequired, ResourceTemplate, type ServerContext } from '../../../src/registry/registry.ts';
import { FakeClock } from '../../../src/testing/testing.ts';
import { ProtocolError, type ReadResourceResult } from '../../../src/wire/wire.ts';
import { type HttpOptions, legacy, modern, openModern } from '../support/http.ts';
import { codeOf, type Rpc } from '../support/messages.ts';
import { faultsOf, gate, serverWith, settle, type TestServer } from '../support/test-server.ts';

type Config = NonNullable<Parameters<typeof serverWith>[1]>;
type ResourceOptions = Parameters<TestServer['registerResource']>[2];
type Reading = (uri: URL, run: number, context: ServerContext) => unknown;

const NOTE = 'x://note';
const READ: Reading = (uri, run) => ({ contents: [{ uri: uri.href, text: `run ${run}` }] });

/** A resource at `x://note` and a family at `x://item/{id}`, both kept. */
function kept(cache: ResourceOptions['cache'] = { ttlSeconds: 60 }, reading = READ, more: Config = {}, options = {}) {
  const clock = new FakeClock();
  const runs: string[] = [];
  const handler = (uri: URL, context: ServerContext) => {
    runs.push(uri.href);
    return reading(uri, runs.length, context) as ReadResourceResult;
  };
  const server = serverWith(() => {}, { clock, ...more });
  const note = server.registerResource('note', NOTE, { cache, ...options }, handler);
  const template = new ResourceTemplate('x://item/{id}{?part}', { list: undefined });
  const family = server.registerResource('item', template, { cache, ...options }, (uri, _variables, context) =>
    handler(uri, context),
  );
  return { server, clock, runs, note, family };
}

const readOf = (server: TestServer, uri = NOTE, options: HttpOptions = {}) =>
  modern(server, 'resources/read', { uri }, options);

function shown({ result }: Rpc) {
  const { contents, ttlMs, cacheScope } = (result ?? {}) as Record<string, unknown> & { contents?: { text: string }[] };
  return [contents?.[0]?.text, ttlMs, cacheScope];
}

describe('what was read of a resource', () => {
  it('is kept, and says how long it may be used from now on, in whole milliseconds', async () => {
    const { server, clock, runs } = kept({ ttlSeconds: 60 });
    const seen = [];
    for (const ms of [0, 0, 10_000.25, 49_998.75, 0.9999, 0.0001]) {
      clock.advance(ms);
      seen.push(shown(await readOf(server)));
    }
    expect(seen).toEqual([
      ['run 1', 60_000, 'private'],
      ['run 1', 60_000, 'private'],
      ['run 1', 49_999, 'private'],
      ['run 1', 1, 'private'],
      ['run 1', 0, 'private'],
      ['run 2', 60_000, 'private'],
    ]);
    expect(runs).toHaveLength(2);
  });

  it.each([1.005, 0.001, 2.3, 4.35, 1_001.001])('is kept for %f seconds to the millisecond', async (ttlSeconds) => {
    const { server } = kept({ ttlSeconds });
    expect(shown(await readOf(server))[1]).toBe(Math.round(ttlSeconds * 1_000));
  });

  it('says 0 where it is older than that', async () => {
    let fails = false;
    const { server, clock } = kept(
      { ttlSeconds: 10, staleSeconds: 10, staleIfErrorSeconds: 60 },
      (uri, run, context) => {
        if (fails) throw new Error('down');
        return READ(uri, run, context);
      },
    );
    await readOf(server);
    clock.advance(15_000);
    expect(shown(await readOf(server))).toEqual(['run 1', 0, 'private']);
    await settle();
    expect(shown(await readOf(server))).toEqual(['run 2', 10_000, 'private']);
    fails = true;
    clock.advance(30_000);
    const faults = faultsOf(server);
    expect(shown(await readOf(server))).toEqual(['run 2', 0, 'private']);
    expect(faults).toMatchObject([{ where: 'resources/read note', error: { message: 'down' } }]);
  });

  it('has neither lifetime nor scope in the legacy revisions', async () => {
    const { server, runs } = kept({ scope: 'public' }, (uri, run) => ({
      contents: [{ uri: uri.href, text: `run ${run}` }],
      ttlMs: 5_000,
      cacheScope: 'public',
    }));
    for (const _ of [1, 2]) {
      const { result } = await legacy(server, 'resources/read', { uri: NOTE });
      expect(result).toEqual({ contents: [{ uri: NOTE, text: 'run 1' }] });
    }
    expect(shown(await readOf(server))).toEqual(['run 2', 5_000, 'public']);
    expect(runs).toHaveLength(2);
  });

  it('may say itself that it lives shorter, not longer', async () => {
    const { server, clock } = kept({ ttlSeconds: 60 }, (uri, run) => ({
      ...(READ(uri, run, undefined as never) as object),
      ttlMs: run === 1 ? 2_000 : 120_000,
    }));
    expect(shown(await readOf(server))[1]).toBe(2_000);
    clock.advance(2_000);
    expect(shown(await readOf(server))).toEqual(['run 2', 60_000, 'private']);
  });

  it.each([0, -1, 1.5, '5'])('is kept as its resource says, or not at all, with a ttlMs of %s', async (ttlMs) => {
    const { server, runs } = kept({}, (uri, run) => ({ contents: [{ uri: uri.href, text: `run ${run}` }], ttlMs }));
    for (const _ of [1, 2]) expect(shown(await readOf(server))[1]).toBe(ttlMs === 0 ? 0 : 3_600_000);
    expect(runs).toHaveLength(ttlMs === 0 ? 2 : 1);
  });

  it('is everybody’s only where both the resource and the answer say so', async () => {
    const scopes: [string, string | undefined, string, number][] = [
      ['public', undefined, 'public', 1],
      ['public', 'public', 'public', 1],
      ['public', 'private', 'private', 2],
      ['private', undefined, 'private', 1],
      ['private', 'public', 'public', 1],
      ['private', 'nonsense', 'private', 1],
    ];
    for (const [scope, own, onTheWire, computed] of scopes) {
      const { server, runs } = kept({ scope: scope as 'public' }, (uri) => ({
        contents: [{ uri: uri.href, text: '' }],
        ...(own === undefined ? {} : { cacheScope: own }),
      }));
      const both = await Promise.all([readOf(server), readOf(server)]);
      expect(both.map((reply) => shown(reply)[2])).toEqual([onTheWire, onTheWire]);
      expect([scope, own, runs.length]).toEqual([scope, own, computed]);
    }
  });

  it('is what its handler’s result wants to be, as where nothing is kept', async () => {
    class Result {
      get contents() {
        return [{ uri: NOTE, text: 'by a getter' }];
      }
      toJSON() {
        return { contents: this.contents, ttlMs: 7, cacheScope: 'public' };
      }
    }
    const plain = kept(undefined as never, () => new Result(), {}, { cache: undefined });
    const { server } = kept({ ttlSeconds: 60 }, () => new Result());
    const expected = ['by a getter', 7, 'public'];
    expect(shown(await readOf(plain.server))[0]).toBe('by a getter');
    for (const _ of [1, 2]) expect(shown(await readOf(server))).toEqual(expected);
  });

  it('is made once for all who read it at the same time, and for each URI', async () => {
    const { server, runs } = kept();
    const uris = [NOTE, 'x://item/1', 'x://item/2', 'x://item/1?part=a', 'x://item/%31'];
    const replies = await Promise.all([...uris, ...uris].map((uri) => readOf(server, uri)));
    expect(runs).toEqual(uris);
    expect(replies.map((reply) => shown(reply)[0])).toEqual([1, 2, 3, 4, 5, 1, 2, 3, 4, 5].map((run) => `run ${run}`));
  });

  it('is made for each who shows credentials that nothing checks, with the same lifetime on the wire', async () => {
    const { server, runs } = kept({ ttlSeconds: 60 });
    for (const who of ['a', 'b', 'a'])
      expect(shown(await readOf(server, NOTE, { headers: { Authorization: who } }))).toEqual([
        `run ${runs.length}`,
        60_000,
        'private',
      ]);
    expect(runs).toHaveLength(3);
  });

  it('outlives the client that asked first, but not the last one', async () => {
    const hold = gate();
    const { server, runs } = kept({}, async (uri, run, { signal }) => {
      await hold.opened;
      return { contents: [{ uri: uri.href, text: `run ${run} ${signal.aborted}` }] };
    });
    const leaving = [new AbortController(), new AbortController()];
    const open = (uri: string, { signal }: AbortController) =>
      openModern(server, 'resources/read', { uri }, { signal }).catch(() => {});
    void open(NOTE, leaving[0] as AbortController);
    void open('x://item/1', leaving[1] as AbortController);
    await settle();
    const next = readOf(server);
    await settle();
    for (const each of leaving) each.abort();
    await settle();
    hold.open();
    expect(shown(await next)[0]).toBe('run 1 false');
    await settle();
    expect(shown(await readOf(server, 'x://item/1'))[0]).toBe('run 3 false');
    expect(runs).toHaveLength(3);
  });
});

describe('what invalidates it', () => {
  it('is word that it changed, of exactly its URI', async () => {
    const { server } = kept({ scope: 'public' });
    const uris = [NOTE, 'x://item/1', 'x://item/2'];
    const all = async () => Promise.all(uris.map(async (uri) => shown(await readOf(server, uri))[0]));
    expect(await all()).toEqual(['run 1', 'run 2', 'run 3']);
    server.sendResourceUpdated({ uri: 'x://item/1' });
    expect(await all()).toEqual(['run 1', 'run 4', 'run 3']);
    server.sendResourceUpdated({ uri: 'x://item/' });
    server.sendResourceUpdated({ uri: 'x://item/*' });
    expect(await all()).toEqual(['run 1', 'run 4', 'run 3']);
    server.sendResourceUpdated({ uri: NOTE });
    expect(await all()).toEqual(['run 5', 'run 4', 'run 3']);
  });

  it('is a tag, fixed or by the URI, or a pattern', async () => {
    const { server } = kept({ tags: (uri) => [`path:${uri.pathname}`, 'all'] });
    const read = async () => [
      shown(await readOf(server, 'x://item/1'))[0],
      shown(await readOf(server, 'x://item/2'))[0],
    ];
    expect(await read()).toEqual(['run 1', 'run 2']);
    await server.cache.invalidate({ tags: ['path:/1'] });
    expect(await read()).toEqual(['run 3', 'run 2']);
    await server.cache.invalidate({ tags: ['all'] });
    expect(await read()).toEqual(['run 4', 'run 5']);
    await server.cache.invalidate({ pattern: 'resource:item:*' });
    expect(await read()).toEqual(['run 6', 'run 7']);
  });

  it('is word that comes while it is read', async () => {
    const hold = gate();
    const { server } = kept({}, async (uri, run) => {
      if (run === 1) await hold.opened;
      return { contents: [{ uri: uri.href, text: `run ${run}` }] };
    });
    const early = readOf(server);
    await settle();
    server.sendResourceUpdated({ uri: NOTE });
    expect(shown(await readOf(server))[0]).toBe('run 2');
    hold.open();
    await early;
    expect(shown(await readOf(server))[0]).toBe('run 2');
  });

  it('is a change of the resource, or another one in its place', async () => {
    const { server, note, family } = kept({ scope: 'public' });
    const other = (text: string) => (uri: URL) => ({ contents: [{ uri: uri.href, text }] });
    for (const uri of [NOTE, 'x://item/1']) await readOf(server, uri);
    note.update({ callback: other('changed') });
    expect(shown(await readOf(server))[0]).toBe('changed');
    note.disable();
    expect(codeOf(await readOf(server))).toBe(-32602);
    note.remove();
    server.registerResource('note', NOTE, { cache: { scope: 'public' } }, other('in its place'));
    expect(shown(await readOf(server))[0]).toBe('in its place');
    server.registerResource('one', 'x://item/1', {}, other('of its own'));
    expect(shown(await readOf(server, 'x://item/1'))[0]).toBe('of its own');
    family.update({ callback: other('of a new family') });
    expect(shown(await readOf(server, 'x://item/2'))[0]).toBe('of a new family');
  });
});

describe('what is never kept of a resource', () => {
  const never: [string, Reading, number][] = [
    ['that there is nothing', () => ({ contents: [] }), -32602],
    ['an error of the handler’s choice', () => Promise.reject(new ProtocolError(-32042, 'no')), -32042],
    ['a thrown error', () => Promise.reject(new Error('no')), -32603],
    ['a result that is none', () => ({}), -32603],
    ['a request for input that the client cannot give', () => ASK(), -32021],
  ];
  const ASK = () =>
    inputRequired({
      inputRequests: {
        name: inputRequired.elicit({ message: 'Name?', requestedSchema: { type: 'object', properties: {} } }),
      },
      requestState: 'state',
    });

  it.each(never)('%s', async (_title, reading, code) => {
    const { server, runs } = kept({ scope: 'public', staleSeconds: 60 }, reading);
    for (const _ of [1, 2]) expect(codeOf(await readOf(server))).toBe(code);
    expect(runs).toHaveLength(2);
  });

  it('a request for input, and what is made of the responses, which no client may use again', async () => {
    const { server, runs } = kept(
      { scope: 'private' },
      (uri, run, { mcpReq }) =>
        mcpReq.requestState() === undefined ? ASK() : { contents: [{ uri: uri.href, text: `run ${run}` }] },
      { cacheHints: { 'resources/read': { ttlMs: 60_000, cacheScope: 'public' } } },
    );
    const can = { capabilities: { elicitation: {} } };
    const first = await readOf(server, NOTE, can);
    expect(Object.keys(first.result ?? {}).sort()).toEqual(['_meta', 'inputRequests', 'requestState', 'resultType']);
    const later = { uri: NOTE, requestState: first.result?.requestState, inputResponses: {} };
    for (const run of [2, 3])
      expect(shown(await modern(server, 'resources/read', later, can))).toEqual([`run ${run}`, 0, 'private']);
    expect((await readOf(server, NOTE, can)).result?.resultType).toBe('input_required');
    expect(runs).toHaveLength(4);
  });

  it('what stands in for a resource that is gone: a handler’s own error is no fault', async () => {
    let gone = false;
    const { server, clock } = kept({ ttlSeconds: 1, staleIfErrorSeconds: 60 }, (uri, run, context) =>
      gone ? { contents: [] } : READ(uri, run, context),
    );
    await readOf(server);
    gone = true;
    clock.advance(1_000);
    expect(codeOf(await readOf(server))).toBe(-32602);
    expect(codeOf(await legacy(server, 'resources/read', { uri: NOTE }))).toBe(-32002);
  });

  it('an answer whose tags fail, though the client gets it', async () => {
    const { server, runs } = kept({
      ttlSeconds: 60,
      tags: () => {
        throw new Error('boom');
      },
    });
    const faults = faultsOf(server);
    for (const run of [1, 2]) expect(shown(await readOf(server))).toEqual([`run ${run}`, 60_000, 'private']);
    expect(faults).toMatchObject(Array(2).fill({ where: 'resources/read note', error: { message: 'boom' } }));
    expect(runs).toHaveLength(2);
  });
});

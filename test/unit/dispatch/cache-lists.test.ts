import { describe, expect, it } from 'vitest';
import { type ListResourcesHandler, ResourceTemplate } from '../../../src/registry/registry.ts';
import { FakeClock } from '../../../src/testing/testing.ts';
import { ProtocolError } from '../../../src/wire/wire.ts';
import { type HttpOptions, legacy, modern } from '../support/http.ts';
import { codeOf, namesOf, type Rpc } from '../support/messages.ts';
import { faultsOf, gate, serverWith, settle, type TestServer } from '../support/test-server.ts';

const READ = () => ({ contents: [] });

/** A server whose list of resources is partly named by a family, and how often the family was asked. */
function listing(hint: object | null = { ttlMs: 60_000 }, answer?: ListResourcesHandler, pageSize = 2) {
  const clock = new FakeClock();
  const asked: unknown[] = [];
  const list: ListResourcesHandler = (context) => {
    asked.push(context.http?.req.headers.get('authorization') ?? null);
    if (answer !== undefined) return answer(context);
    const description = `time ${asked.length}`;
    return { resources: ['a', 'b', 'c'].map((name) => ({ uri: `x://item/${name}`, name, description })) };
  };
  const server = serverWith(
    (each) => {
      each.registerResource('fixed', 'x://fixed', {}, READ);
      each.registerResource('item', new ResourceTemplate('x://item/{id}', { list }), {}, READ);
    },
    { clock, listPageSize: pageSize, ...(hint === null ? {} : { cacheHints: { 'resources/list': hint } }) },
  );
  return { server, clock, asked };
}

const page = (server: TestServer, cursor?: unknown, options: HttpOptions = {}) =>
  modern(server, 'resources/list', cursor === undefined ? {} : { cursor }, options);
const cursorOf = ({ result }: Rpc) => result?.nextCursor as string;
const hintOf = ({ result }: Rpc) => [result?.ttlMs, result?.cacheScope];
const cursorTo = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('a list that a family of resources names', () => {
  it('is kept for as long as clients may keep it, page by page', async () => {
    const { server, clock, asked } = listing();
    const first = await page(server);
    const second = await page(server, cursorOf(first));
    expect([namesOf(first, 'resources'), namesOf(second, 'resources')]).toEqual([
      ['fixed', 'a'],
      ['b', 'c'],
    ]);
    clock.advance(20_000);
    const again = await page(server);
    expect([again.result, hintOf(again)]).toEqual([{ ...first.result, ttlMs: 40_000 }, [40_000, 'private']]);
    expect(hintOf(await page(server, cursorOf(first)))).toEqual([40_000, 'private']);
    clock.advance(40_000);
    const later = await page(server);
    expect([hintOf(later), later.result?.resources]).toMatchObject([
      [60_000, 'private'],
      [{}, { description: 'time 3' }],
    ]);
    expect(asked).toHaveLength(3);
  });

  it('is asked for each time where clients may not keep it', async () => {
    const { server, asked } = listing(null);
    for (const _ of [1, 2]) expect(hintOf(await page(server))).toEqual([0, 'private']);
    expect(asked).toHaveLength(2);
  });

  it('has neither lifetime nor scope in the legacy revisions, and answers of its own there', async () => {
    const { server, asked } = listing({ ttlMs: 1_000, cacheScope: 'public' });
    await page(server);
    for (const _ of [1, 2]) {
      const { result } = await legacy(server, 'resources/list');
      expect(Object.keys(result ?? {}).sort()).toEqual(['nextCursor', 'resources']);
      expect(result?.resources).toMatchObject([{ name: 'fixed' }, { description: 'time 2' }]);
    }
    expect(hintOf(await page(server))).toEqual([1_000, 'public']);
    expect(asked).toHaveLength(2);
  });

  it('is asked for once by all who want it at the same time', async () => {
    const { server, asked } = listing();
    const pages = await Promise.all(Array.from({ length: 20 }, () => page(server)));
    expect(new Set(pages.map(({ text }) => text)).size).toBe(1);
    expect(asked).toHaveLength(1);
  });

  it('is nobody else’s where who asks is not known, unless it is public', async () => {
    const own = listing({ ttlMs: 60_000 });
    for (const who of ['a', 'b', 'a'])
      expect(hintOf(await page(own.server, undefined, { headers: { Authorization: who } }))).toEqual([
        60_000,
        'private',
      ]);
    expect(own.asked).toEqual(['a', 'b', 'a']);
    const shared = listing({ ttlMs: 60_000, cacheScope: 'public' });
    for (const who of ['a', 'b']) await page(shared.server, undefined, { headers: { Authorization: who } });
    expect(shared.asked).toEqual(['a']);
  });

  it('is made anew when resources come, go or change, or someone says so', async () => {
    const { server, asked } = listing(null, undefined, 100);
    const kept = listing({ ttlMs: 60_000 }, undefined, 100);
    const changes: ((each: TestServer) => void)[] = [
      (each) => each.registerResource('more', 'x://more', {}, READ),
      (each) => each.sendResourceListChanged(),
      (each) => void each.cache.invalidate({ pattern: 'list:resources:*' }),
      (each) => {
        const list = () => ({ resources: [{ uri: 'x://other/1', name: 'other' }] });
        each.registerResource('other', new ResourceTemplate('x://other/{id}', { list }), {}, READ).disable();
      },
    ];
    for (const change of [() => {}, ...changes]) {
      for (const each of [server, kept.server]) change(each);
      expect((await page(kept.server)).result?.resources).toEqual((await page(server)).result?.resources);
      expect((await page(kept.server)).result?.resources).toEqual((await page(kept.server)).result?.resources);
    }
    expect([asked.length, kept.asked.length]).toEqual([5, 5]);
  });

  it('wins when word of a change comes while it is made', async () => {
    const hold = gate();
    let times = 0;
    const { server } = listing({ ttlMs: 60_000 }, async () => {
      const name = `n${++times}`;
      if (times === 1) await hold.opened;
      return { resources: [{ uri: `x://item/${name}`, name }] };
    });
    const early = page(server);
    await settle();
    server.sendResourceListChanged();
    expect(namesOf(await page(server), 'resources')).toEqual(['fixed', 'n2']);
    hold.open();
    await early;
    expect(namesOf(await page(server), 'resources')).toEqual(['fixed', 'n2']);
  });

  it('keeps no error, and serves the older list only for a fault', async () => {
    let fail: Error | undefined = new Error('down');
    const { server, asked } = listing({ ttlMs: 1_000 }, () => {
      if (fail) throw fail;
      return { resources: [] };
    });
    for (const _ of [1, 2]) expect(codeOf(await page(server))).toBe(-32603);
    fail = new ProtocolError(-32042, 'not for you');
    expect(codeOf(await page(server))).toBe(-32042);
    fail = undefined;
    expect(namesOf(await page(server), 'resources')).toEqual(['fixed']);
    expect(asked).toHaveLength(4);
  });

  it('is served older than it is for a fault, where the server is set up so', async () => {
    let fails = false;
    const clock = new FakeClock();
    const list = () => {
      if (fails) throw new Error('down');
      return { resources: [] };
    };
    const server = serverWith(
      (each) => {
        each.registerResource('fixed', 'x://fixed', {}, READ);
        each.registerResource('item', new ResourceTemplate('x://item/{id}', { list }), {}, READ);
      },
      { clock, cache: { staleIfErrorSeconds: 60 }, cacheHints: { 'resources/list': { ttlMs: 1_000 } } },
    );
    const faults = faultsOf(server);
    await page(server);
    fails = true;
    clock.advance(30_000);
    const reply = await page(server);
    expect([namesOf(reply, 'resources'), hintOf(reply)]).toEqual([['fixed'], [0, 'private']]);
    expect(faults).toMatchObject([{ where: 'resources/list', error: { message: 'down' } }]);
  });
});

describe('the cursors of such a list', () => {
  it('are looked at before any family is asked', async () => {
    const { server, asked } = listing();
    for (const cursor of ['junk', '', 5, null, cursorTo(['tools', 1, 'x']), cursorTo(['resources', 0, 'x'])])
      expect(codeOf(await page(server, cursor))).toBe(-32602);
    expect(asked).toHaveLength(0);
  });

  it('that lead to the same place share a page, however they are written', async () => {
    const { server, asked } = listing();
    const next = cursorOf(await page(server));
    const [list, order, key] = JSON.parse(Buffer.from(next, 'base64url').toString('utf8'));
    const spaced = Buffer.from(`[ "${list}" , ${order}, "${key}" , "more"]`).toString('base64url');
    const first = await page(server, next);
    expect((await page(server, spaced)).result).toEqual(first.result);
    expect(asked).toHaveLength(2);
  });

  it('that the list does not have are answered, but take no room', async () => {
    const { server } = listing({ ttlMs: 60_000 }, () => ({
      resources: ['a', 'b', 'c'].map((name) => ({ uri: `x://item/${name}`, name })),
    }));
    const first = await page(server);
    await page(server, cursorOf(first));
    for (let made = 1; made < 30; made++) {
      const reply = await page(server, cursorTo(['resources', made, `x://made/${made}`]));
      expect(reply.status).toBe(200);
    }
    expect(server.cache.statistics().size).toBe(2);
  });
});

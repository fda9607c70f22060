import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { callTool, legacy } from '../support/http.ts';
import { textOf } from '../support/messages.ts';
import { Peer } from '../support/peer.ts';
import { gate, serverWith, settle, text } from '../support/test-server.ts';
import { cachedTool, READ_ONLY } from './cached-tool.ts';

const SECOND = 1_000;

describe('an answer that is kept', () => {
  it('is made once, and has an end', async () => {
    const { server, clock, runs } = cachedTool({ ttlSeconds: 60 });
    const first = await callTool(server, 'find', { q: 1 }, { id: 'a' });
    clock.advance(59_999);
    const second = await callTool(server, 'find', { q: 1 }, { id: 'b' });
    expect([second.id, second.result]).toEqual(['b', first.result]);
    clock.advance(1);
    expect(textOf(await callTool(server, 'find', { q: 1 }))).toBe('run 2');
    expect(runs).toHaveLength(2);
  });

  it('is kept for the server’s own time where the tool says none, and not at all without `cache`', async () => {
    const { server, clock, runs } = cachedTool({}, undefined, { server: { cache: { cacheTTL: 5 } } });
    for (const ms of [0, 4_999, 1]) {
      clock.advance(ms);
      await callTool(server, 'find');
    }
    expect(runs).toHaveLength(2);
    const plain = cachedTool(undefined, undefined, { tool: { cache: undefined } });
    for (const _ of [1, 2]) await callTool(plain.server, 'find');
    expect(plain.runs).toHaveLength(2);
    const never = cachedTool({ ttlSeconds: 0, staleSeconds: 60 });
    for (const _ of [1, 2]) await callTool(never.server, 'find');
    expect(never.runs).toHaveLength(2);
  });

  it('counts as a hit, and as a request that went well', async () => {
    const { server } = cachedTool();
    const seen: unknown[] = [];
    server.signals.request.on(({ target, outcome }) => seen.push([target, outcome]));
    for (const _ of [1, 2, 3]) await callTool(server, 'find', { q: 1 });
    expect(seen).toEqual(Array(3).fill(['find', 'ok']));
    expect(server.cache.statistics()).toMatchObject({ memoryHits: 2, misses: 1, computations: 1, size: 1 });
  });

  it('is the same whatever the order and spacing of its arguments', async () => {
    const { server, runs } = cachedTool();
    const peer = await Peer.to(server);
    const written = ['{"a":1,"b":{"x":[1,2],"y":null}}', '{ "b" : {"y":null, "x":[1, 2.0]},"a":1e0 }'];
    for (const [id, args] of written.entries()) {
      const { params } = JSON.parse(`{"params":{"name":"find","arguments":${args}}}`);
      expect(textOf(await peer.modern('tools/call', params, { id: `n${id}` }))).toBe('run 1');
    }
    expect(textOf(await callTool(server, 'find', { a: 1, b: { x: [2, 1], y: null } }))).toBe('run 2');
    expect(textOf(await callTool(server, 'find', { a: '1', b: { x: [1, 2], y: null } }))).toBe('run 3');
    expect(textOf(await callTool(server, 'find', { a: 1, b: { x: [1, 2] } }))).toBe('run 4');
    expect(runs).toHaveLength(4);
  });

  it('is found by what the schema made of the arguments', async () => {
    const inputSchema = z.object({ q: z.string().trim(), limit: z.number().default(10), page: z.number().optional() });
    const { server, runs } = cachedTool(undefined, undefined, { tool: { inputSchema } });
    for (const args of [{ q: 'a' }, { limit: 10, q: ' a ' }, { q: 'a', limit: 10, unknown: true }])
      expect(textOf(await callTool(server, 'find', args))).toBe('run 1');
    expect(textOf(await callTool(server, 'find', { q: 'a', limit: 11 }))).toBe('run 2');
    expect((await callTool(server, 'find', { q: 5 })).result).toMatchObject({ isError: true });
    expect(runs).toHaveLength(2);
  });

  it('is the same without arguments and with none', async () => {
    const { server, runs } = cachedTool();
    for (const args of [undefined, {}]) await callTool(server, 'find', args);
    expect(runs).toHaveLength(1);
  });

  it('is made anew for arguments that JSON cannot tell apart', async () => {
    const inputSchema = z.object({ ids: z.array(z.string()).transform((ids) => new Set(ids)) });
    const { server, runs } = cachedTool(undefined, undefined, { tool: { inputSchema } });
    for (const ids of [['a'], ['b'], ['a']]) await callTool(server, 'find', { ids });
    expect(runs).toHaveLength(3);
  });

  it('is one for 100 clients that ask at the same time', async () => {
    const hold = gate();
    const { server, runs } = cachedTool(undefined, async ({ number }) => {
      await hold.opened;
      return text(`run ${number}`);
    });
    const calls = Array.from({ length: 100 }, (_, id) => callTool(server, 'find', { q: 1 }, { id }));
    await settle();
    hold.open();
    const replies = await Promise.all(calls);
    expect(replies.map(({ id }) => id)).toEqual(calls.map((_, id) => id));
    expect(new Set(replies.map(textOf))).toEqual(new Set(['run 1']));
    expect(runs).toHaveLength(1);
    expect(server.cache.statistics()).toMatchObject({ coalesced: 99, computations: 1 });
  });
});

describe('an answer after its end', () => {
  it('is served while it is made anew', async () => {
    const { server, clock, runs } = cachedTool({ ttlSeconds: 10, staleSeconds: 5 });
    await callTool(server, 'find');
    clock.advance(12 * SECOND);
    expect(textOf(await callTool(server, 'find'))).toBe('run 1');
    await settle();
    expect(textOf(await callTool(server, 'find'))).toBe('run 2');
    expect(runs).toHaveLength(2);
    clock.advance(15 * SECOND);
    expect(textOf(await callTool(server, 'find'))).toBe('run 3');
  });

  it('is served where making it anew fails, to all who wait, and the operator hears of it', async () => {
    let fails = false;
    const { server, clock, runs } = cachedTool({ ttlSeconds: 10, staleIfErrorSeconds: 60 }, ({ number }) => {
      if (fails) throw new Error('down');
      return text(`run ${number}`);
    });
    const faults: unknown[] = [];
    server.signals.fault.on(({ where }) => faults.push(where));
    await callTool(server, 'find');
    fails = true;
    clock.advance(69_999);
    const both = await Promise.all([callTool(server, 'find'), callTool(server, 'find')]);
    expect(both.map(textOf)).toEqual(['run 1', 'run 1']);
    expect(both.map(({ result }) => result?.isError)).toEqual([undefined, undefined]);
    expect(faults).toEqual(['tools/call find']);
    clock.advance(1);
    expect((await callTool(server, 'find')).result).toMatchObject({ isError: true, content: [{ text: 'down' }] });
    expect(runs).toHaveLength(3);
  });
});

describe('what invalidates answers', () => {
  const tags = ({ id }: Record<string, unknown>) => [`item:${id}`, 'items'];

  it.each([
    ['a tag of all', { tags: ['items'] }, ['run 3', 'run 4']],
    ['a tag by arguments', { tags: ['item:1'] }, ['run 3', 'run 2']],
    ['another tag', { tags: ['item:3', 'users'] }, ['run 1', 'run 2']],
    ['a pattern', { pattern: 'tool:fi*' }, ['run 3', 'run 4']],
    ['another pattern', { pattern: 'tool:search_*' }, ['run 1', 'run 2']],
    ['a pattern of resources', { pattern: 'resource:find*' }, ['run 1', 'run 2']],
  ])('%s', async (_title, target, expected) => {
    const { server } = cachedTool({ tags });
    for (const id of [1, 2]) await callTool(server, 'find', { id });
    await server.cache.invalidate(target);
    const after = [await callTool(server, 'find', { id: 1 }), await callTool(server, 'find', { id: 2 })];
    expect(after.map(textOf)).toEqual(expected);
  });

  it('wins over an answer that was being made', async () => {
    const hold = gate();
    const { server } = cachedTool({ tags: ['t'] }, async ({ number }) => {
      if (number === 1) await hold.opened;
      return text(`run ${number}`);
    });
    const early = callTool(server, 'find');
    await settle();
    await server.cache.invalidate({ tags: ['t'] });
    expect(textOf(await callTool(server, 'find'))).toBe('run 2');
    hold.open();
    expect(textOf(await early)).toBe('run 1');
    expect(textOf(await callTool(server, 'find'))).toBe('run 2');
  });

  it('by a pattern, tools of a family at once', async () => {
    let runs = 0;
    const server = serverWith((each) => {
      for (const name of ['search_a', 'search_b', 'fetch'])
        each.registerTool(name, { ...READ_ONLY, cache: { scope: 'public' } }, () => text(`${name} ${++runs}`));
    });
    const all = async () => {
      const texts: unknown[] = [];
      for (const name of ['search_a', 'search_b', 'fetch']) texts.push(textOf(await callTool(server, name)));
      return texts;
    };
    expect(await all()).toEqual(['search_a 1', 'search_b 2', 'fetch 3']);
    await server.cache.invalidate({ pattern: 'tool:search_*' });
    expect(await all()).toEqual(['search_a 4', 'search_b 5', 'fetch 3']);
  });
});

describe('a key of the author’s own', () => {
  it('is all that an answer depends on, and may keep it out', async () => {
    const key = ({ id, fresh }: Record<string, unknown>) => (fresh === true ? undefined : id);
    const { server, runs } = cachedTool({ key });
    for (const args of [
      { id: 1, trace: 'a' },
      { id: 1, trace: 'b' },
      { id: 1, fresh: true },
      { id: 1, fresh: true },
    ])
      await callTool(server, 'find', args);
    expect(textOf(await callTool(server, 'find', { id: 2 }))).toBe('run 4');
    expect(textOf(await callTool(server, 'find', { id: 1 }))).toBe('run 1');
    expect(runs).toHaveLength(4);
  });

  it.each([[null], [''], [0], [false], [{ a: [1] }]])('may be %j', async (value) => {
    const { server, runs } = cachedTool({ key: () => value });
    for (const q of [1, 2]) await callTool(server, 'find', { q });
    expect(runs).toHaveLength(1);
  });
});

describe('the eras', () => {
  it('have answers of their own, each in its form', async () => {
    const { server, runs } = cachedTool();
    const modern = [await callTool(server, 'find', { q: 1 }), await callTool(server, 'find', { q: 1 })];
    const old = [];
    for (const _ of [1, 2]) old.push(await legacy(server, 'tools/call', { name: 'find', arguments: { q: 1 } }));
    expect([...modern, ...old].map(textOf)).toEqual(['run 1', 'run 1', 'run 2', 'run 2']);
    expect(modern[1]?.result).toMatchObject({ resultType: 'complete' });
    expect(old[1]?.result).toEqual({ content: [{ type: 'text', text: 'run 2' }] });
    expect(runs).toHaveLength(2);
  });

  it('share neither a structured answer, which one of them wraps', async () => {
    const { server } = cachedTool(undefined, () => ({ content: [], structuredContent: [1] as never }), {
      tool: { outputSchema: { type: 'array' } },
    });
    for (const _ of [1, 2]) {
      expect((await callTool(server, 'find')).result?.structuredContent).toEqual([1]);
      const { result } = await legacy(server, 'tools/call', { name: 'find' });
      expect(result?.structuredContent).toEqual({ result: [1] });
    }
  });
});

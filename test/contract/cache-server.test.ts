import { createClient } from 'redis';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import type { CacheOptions } from '../../src/cache/cache.ts';
import type { CacheSignal } from '../../src/signal/signal.ts';
import { uniqueName } from '../services/unique-name.ts';
import { callTool, modern } from '../unit/support/http.ts';
import { textOf } from '../unit/support/messages.ts';
import { serverWith, type TestServer, text } from '../unit/support/test-server.ts';

const READ_ONLY = { annotations: { readOnlyHint: true } } as const;
const CLOSED_PORT_URL = 'redis://127.0.0.1:1';
/** For what comes over the network, on a machine that has other work. */
const SLOW = { timeout: 20_000 };

/** A server with a second tier; its tool `find` and its resource `x://note` say how often they were asked here. */
function instance(cache: CacheOptions, { version = '1.0.0', name = 'one' } = {}) {
  const runs: unknown[] = [];
  const events: CacheSignal[] = [];
  const server = serverWith(
    (each) => {
      const inputSchema = { type: 'object' };
      const tags = ({ id }: Record<string, unknown>) => [`item:${id}`];
      each.registerTool('find', { ...READ_ONLY, inputSchema, cache: { ttlSeconds: 60, tags } }, (args) =>
        text(`by ${name}, run ${runs.push(args)}`),
      );
      each.registerResource('note', 'x://note', { cache: { ttlSeconds: 60, scope: 'public' } }, (uri) => ({
        contents: [{ uri: uri.href, text: `by ${name}, run ${runs.push(uri.href)}` }],
      }));
    },
    { version, cache: { enableRedisCache: true, redisTimeoutMs: 5_000, ...cache } },
  );
  server.signals.cache.on((event) => events.push(event));
  onTestFinished(() => server.stop());
  return { server, runs, events };
}

const usable = (server: TestServer) => expect.poll(() => server.cache.statistics().isRedisUsable, SLOW).toBe(true);

/** Two instances of one server on the shared Redis, both in step with it, and what Redis holds of their answers. */
async function cluster(second: Parameters<typeof instance>[1] = {}) {
  const keyPrefix = uniqueName('server');
  const { redisUrl } = inject('services');
  const one = instance({ keyPrefix, redisUrl });
  const other = instance({ keyPrefix, redisUrl }, { name: 'other', ...second });
  await Promise.all([one, other].map(({ server }) => usable(server)));
  const redis = createClient({ url: redisUrl });
  await redis.connect();
  onTestFinished(() => redis.destroy());
  const written = (kind: string, count: number) =>
    expect.poll(async () => (await redis.keys(`${keyPrefix}:${kind}:*`)).length, SLOW).toBe(count);
  return { one, other, written };
}

const ask = async (server: TestServer, id: number) => textOf(await callTool(server, 'find', { id }));
const read = async (server: TestServer) => {
  const { result } = await modern(server, 'resources/read', { uri: 'x://note' });
  const { contents, ttlMs } = result as unknown as { contents: { text: string }[]; ttlMs: number };
  return { text: contents[0]?.text, ttlMs };
};

describe('two servers and one Redis', () => {
  it('answer what one of them has worked out', async () => {
    const { one, other, written } = await cluster();
    expect(await ask(one.server, 1)).toBe('by one, run 1');
    await written('tool', 1);
    for (const _ of [1, 2]) expect(await ask(other.server, 1)).toBe('by one, run 1');
    expect(await ask(other.server, 2)).toBe('by other, run 1');
    expect(other.server.cache.statistics()).toMatchObject({ redisHits: 1, memoryHits: 1, computations: 1 });
  });

  it('say of a resource how much of its time is left', async () => {
    const { one, other, written } = await cluster();
    expect(await read(one.server)).toEqual({ text: 'by one, run 1', ttlMs: 60_000 });
    await written('resource', 1);
    const { text: found, ttlMs } = await read(other.server);
    expect(found).toBe('by one, run 1');
    expect(ttlMs).toBeGreaterThan(0);
    expect(ttlMs).toBeLessThan(60_000);
  });

  it('hear of each other’s invalidations: by tag, by pattern, of a resource', async () => {
    const { one, other, written } = await cluster();
    for (const id of [1, 2]) await ask(one.server, id);
    await read(one.server);
    await written('tool', 2);
    await written('resource', 1);
    for (const id of [1, 2]) expect(await ask(other.server, id)).toBe(`by one, run ${id}`);
    expect((await read(other.server)).text).toBe('by one, run 3');

    expect(await one.server.cache.invalidate({ tags: ['item:1'] })).toBe(true);
    await expect.poll(() => ask(other.server, 1), SLOW).toBe('by other, run 1');
    expect(await ask(other.server, 2)).toBe('by one, run 2');

    one.server.sendResourceUpdated({ uri: 'x://note' });
    await expect.poll(async () => (await read(other.server)).text, SLOW).toBe('by other, run 2');

    await other.server.cache.invalidate({ pattern: 'tool:find:*' });
    await expect.poll(() => ask(one.server, 2), SLOW).toBe('by one, run 4');
  });

  it('do not take each other’s answers where their versions differ', async () => {
    const { one, other, written } = await cluster({ version: '1.0.1' });
    expect(await ask(one.server, 1)).toBe('by one, run 1');
    await written('tool', 1);
    expect(await ask(other.server, 1)).toBe('by other, run 1');
    await written('tool', 2);
    expect(await ask(one.server, 1)).toBe('by one, run 1');
  });

  it('do not take each other’s answers after a change of a tool', async () => {
    const { one, other, written } = await cluster();
    const changed = other.server.registerTool('own', { ...READ_ONLY, cache: { scope: 'public' } }, () => text('old'));
    one.server.registerTool('own', { ...READ_ONLY, cache: { scope: 'public' } }, () => text('first'));
    expect(textOf(await callTool(one.server, 'own'))).toBe('first');
    await written('tool', 1);
    changed.update({ callback: () => text('new') });
    expect(textOf(await callTool(other.server, 'own'))).toBe('new');
  });

  it('work out once what both are asked for at the same time', async () => {
    const { one, other } = await cluster();
    const calls = Array.from({ length: 40 }, (_, index) => ask((index % 2 === 0 ? one : other).server, 7));
    const texts = new Set(await Promise.all(calls));
    expect(texts.size).toBe(1);
    expect(one.runs.length + other.runs.length).toBe(1);
  });

  it('keep what is written when one of them stops', async () => {
    const { one, other, written } = await cluster();
    for (let id = 0; id < 100; id++) await ask(one.server, id);
    await one.server.stop();
    await written('tool', 100);
    expect(await ask(other.server, 99)).toBe('by one, run 100');
    expect(other.runs).toHaveLength(0);
  });
});

it('a server whose Redis is missing starts, answers, keeps what it can, and says so', async () => {
  const { server, runs, events } = instance({ redisUrl: CLOSED_PORT_URL, keyPrefix: uniqueName('missing') });
  await server.ready();
  expect(await ask(server, 1)).toBe('by one, run 1');
  expect(await ask(server, 1)).toBe('by one, run 1');
  expect(await server.cache.invalidate({ tags: ['item:1'] })).toBe(false);
  expect(await ask(server, 1)).toBe('by one, run 2');
  expect(runs).toHaveLength(2);
  await expect.poll(() => events.map(({ kind }) => kind), SLOW).toContain('error');
  expect(server.cache.statistics()).toMatchObject({ isRedisUsable: false, memoryHits: 1 });
});

import { expect, inject, it, onTestFinished, vi } from 'vitest';
import { StateStoreError } from '../../src/state/state.ts';
import { openProxy } from '../contract/proxy.ts';
import { openRedisState } from '../contract/redis-state.ts';
import { startRedis } from '../services/redis.ts';
import { uniqueName } from '../services/unique-name.ts';
import { greet, noise, startFalseRedis } from './false-redis.ts';

const SOON = { timeout: 30_000, interval: 10 };
const LONG = { ttlMs: 600_000 };
const LIMITS = { ...LONG, maxEntries: 10, maxLength: 1_000 };

type Store = Awaited<ReturnType<typeof openRedisState>>;

/** Every call of a store that is out of reach fails as it is to. One that came too late may still be carried out. */
async function expectDown(store: Store): Promise<void> {
  const calls = [
    () => store.get('of nobody'),
    () => store.put('of nobody', 'text', LONG),
    () => store.touch('of nobody', 1),
    () => store.delete('of nobody'),
    () => store.count('all'),
    () => store.append('of nobody', 'text', LIMITS),
    () => store.read('of nobody', 0),
    () => store.drop('of nobody'),
  ];
  for (const outcome of await Promise.allSettled(calls.map((call) => call()))) {
    expect(outcome.status).toBe('rejected');
    expect((outcome as PromiseRejectedResult).reason).toBeInstanceOf(StateStoreError);
  }
}

const isBack = (store: Store): Promise<void> =>
  vi.waitFor(async () => expect(await store.put('back', 'text', LONG)).toEqual(expect.any(Number)), SOON);

it.each([
  ['with its data', true],
  ['empty', false],
])('a Redis that is killed and restarted %s is used again', async (_name, save) => {
  const server = await startRedis({ save, settings: save ? { appendfsync: 'always' } : {} });
  onTestFinished(() => server.stop());
  const store = await openRedisState({ url: server.url });
  const version = await store.put('a', 'text', LONG);
  for (const text of ['one', 'two']) await store.append('log', text, LIMITS);
  await server.kill('SIGKILL');
  await vi.waitFor(() => expectDown(store), SOON);
  await server.restart();
  await isBack(store);
  expect(await store.get('a')).toEqual(save ? { text: 'text', version } : undefined);
  expect(await store.read('log', 1)).toEqual(
    save ? { entries: [{ number: 2, text: 'two' }], isWhole: true } : { entries: [], isWhole: false },
  );
  expect(await store.append('log', 'three', LIMITS)).toBe(save ? 3 : 1);
});

it('a Redis that stands still fails each call in its time, and is used when it goes on', async () => {
  const server = await startRedis();
  onTestFinished(() => server.stop());
  const store = await openRedisState({ url: server.url, timeoutMs: 1_000 });
  await isBack(store);
  await store.put('a', 'text', LONG);
  await server.kill('SIGSTOP');
  await expectDown(store);
  // The connection is given up by now: nobody waits any more.
  await expectDown(store);
  await server.kill('SIGCONT');
  await isBack(store);
  expect((await store.get('a'))?.text).toBe('text');
});

it('connects to a Redis that comes later, and opens without it', async () => {
  const proxy = await openProxy(inject('services').redisUrl);
  proxy.cut(true);
  const store = await openRedisState({ url: proxy.url });
  await expectDown(store);
  proxy.cut(false);
  await isBack(store);
});

it('says that the password is wrong, and shows none', async () => {
  const server = await startRedis();
  onTestFinished(() => server.stop());
  const store = await openRedisState({ url: server.url.replace('//', '//someone:hunter2@') });
  const error = await store.get('a').catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(StateStoreError);
  expect(String(error)).toMatch(/WRONGPASS|without any password/);
  expect(JSON.stringify([String(error), (error as Error).cause])).not.toContain('hunter2');
});

it('fails, and does not fall, over a Redis that answers nonsense', async () => {
  const redis = await startFalseRedis((command) => greet(command) ?? noise());
  const store = await openRedisState({ url: redis.url, timeoutMs: 500 });
  for (let round = 0; round < 20; round++) {
    const outcomes = await Promise.allSettled([store.get('a'), store.put('a', 'text', LONG), store.read('log', 0)]);
    for (const outcome of outcomes)
      if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(StateStoreError);
  }
});

it('carries messages again after its connection was lost; who is in the same process hears them without Redis', async () => {
  const proxy = await openProxy(inject('services').redisUrl);
  const prefix = uniqueName('state');
  const [near, far] = [await openRedisState({ url: proxy.url, prefix }), await openRedisState({ prefix })];
  const heard: string[] = [];
  near.bus.subscribe('channel', (text) => heard.push(`near ${text}`));
  far.bus.subscribe('channel', (text) => heard.push(`far ${text}`));
  far.bus.publish('channel', '1');
  expect(heard).toEqual(['far 1']);
  await vi.waitFor(() => expect(heard).toEqual(['far 1', 'near 1']), SOON);
  proxy.cut(true);
  await vi.waitFor(() => expectDown(near), SOON);
  near.bus.publish('channel', '2');
  expect(heard.splice(0)).toEqual(['far 1', 'near 1', 'near 2']);
  proxy.cut(false);
  await isBack(near);
  // The subscription follows the connection; until it is there, messages are lost.
  await vi.waitFor(() => {
    far.bus.publish('channel', '3');
    expect(heard).toContain('near 3');
  }, SOON);
  near.bus.publish('channel', '4');
  await vi.waitFor(() => expect(heard).toContain('far 4'), SOON);
  expect(heard.filter((text) => text.endsWith('4'))).toEqual(['near 4', 'far 4']);
  expect(heard.filter((text) => text.endsWith('2'))).toEqual([]);
});

it('hears nothing of another server, and does not mind what is no message', async () => {
  const prefix = uniqueName('state');
  const [store, other] = [await openRedisState({ prefix }), await openRedisState()];
  const heard: string[] = [];
  store.bus.subscribe('channel', (text) => heard.push(text));
  other.bus.publish('channel', 'of another');
  const { createClient } = await import('redis');
  const client = await createClient({ url: inject('services').redisUrl }).connect();
  onTestFinished(() => client.destroy());
  for (const text of ['', '{', '[]', '5', '["a"]', '["a","channel",5]', '["a","channel","fine"]'])
    await client.publish(`{${prefix}}:bus`, text);
  await vi.waitFor(() => expect(heard).toEqual(['fine']), SOON);
});

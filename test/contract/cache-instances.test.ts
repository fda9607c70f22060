import { createClient } from 'redis';
import { expect, inject, it, onTestFinished, vi } from 'vitest';
import { type Cache, createRedisTier, type Invalidation } from '../../src/cache/cache.ts';
import { startRedis } from '../services/redis.ts';
import { uniqueName } from '../services/unique-name.ts';
import { read, Work } from '../unit/cache/instances.ts';
import { openProxy } from './proxy.ts';
import { inStep, openCluster, openOverRedis, type RedisInstance } from './redis-instances.ts';

const KEY = 'tool:find:["1","modern","alice",{"id":1}]';
const TAGGED = { tags: ['product:1'] };
const SOON = { timeout: 10_000, interval: 5 };

type Pair = [RedisInstance, RedisInstance];

async function openAdmin(url = inject('services').redisUrl) {
  const client = createClient({ url });
  client.on('error', () => {});
  await client.connect();
  onTestFinished(() => client.destroy());
  return client;
}

/** Both instances have the value in memory. */
async function fill({ cache: one }: RedisInstance, { cache: other }: RedisInstance, work: Work): Promise<void> {
  await read(one, KEY, work, TAGGED);
  await vi.waitFor(async () => expect(await other.find(KEY)).toBe(work.text), SOON);
  expect(other.peek(KEY)).toBe(work.text);
}

const isForgottenBy = (cache: Cache): Promise<void> => vi.waitFor(() => expect(cache.peek(KEY)).toBeUndefined(), SOON);

it('computes once in the cluster for 1,000 who miss at the same time on two instances', async () => {
  const [one, other] = (await openCluster(2)) as Pair;
  const work = new Work();
  work.block();
  const reads = Array.from({ length: 1_000 }, (_, n) => read(n % 2 === 0 ? one.cache : other.cache, KEY, work));
  await vi.waitFor(() => expect(work.runs).toBe(1), SOON);
  work.finish();
  for (const { text } of await Promise.all(reads)) expect(text).toBe('value');
  expect(work.runs).toBe(1);
  const [a, b] = [one.cache.statistics(), other.cache.statistics()];
  expect(a.computations + b.computations).toBe(1);
  expect(a.redisHits + b.redisHits).toBe(1);
  expect(a.coalesced + b.coalesced).toBe(998);
});

it('computes once in the cluster however the reads of many keys meet', async () => {
  const [one, other] = (await openCluster(2)) as Pair;
  const works = Array.from({ length: 200 }, () => new Work());
  await Promise.all(
    works.flatMap((work, n) =>
      [one, other].map(async ({ cache }, turn) => {
        for (let wait = (n * 7 + turn * 3) % 11; wait > 0; wait--) await new Promise(setImmediate);
        await read(cache, `tool:find:[${n}]`, work);
      }),
    ),
  );
  expect(works.filter(({ runs }) => runs !== 1)).toEqual([]);
});

it.each<Invalidation>([
  { kind: 'key', value: KEY },
  { kind: 'tag', value: 'product:1' },
  { kind: 'pattern', value: 'tool:fi*:*' },
])('tells the other instance of an invalidation by $kind', async (invalidation) => {
  const [one, other] = (await openCluster(2)) as Pair;
  const work = new Work();
  await fill(one, other, work);
  expect(await one.cache.invalidate(invalidation)).toBe(true);
  expect(one.cache.peek(KEY)).toBeUndefined();
  await isForgottenBy(other.cache);
  work.text = 'new';
  expect((await read(other.cache, KEY, work, TAGGED)).text).toBe('new');
});

it('tells of what no UTF-8 can carry, and keeps apart what it cannot tell apart', async () => {
  const [one, other] = (await openCluster(2)) as Pair;
  const [works, keys] = [
    [new Work(), new Work()],
    ['app:\ud800', 'app:\udbff'],
  ] as const;
  works[1].text = 'other';
  for (const [n, work] of works.entries()) await read(one.cache, keys[n] as string, work);
  for (const [n, work] of works.entries())
    await vi.waitFor(async () => expect(await other.cache.find(keys[n] as string)).toBe(work.text), SOON);
  await one.cache.invalidate({ kind: 'key', value: keys[0] });
  await vi.waitFor(() => expect(other.cache.peek(keys[0])).toBeUndefined(), SOON);
  expect(other.cache.peek(keys[1])).toBe('other');
});

it('does not serve what was invalidated while it was cut off, once it is in step again', async () => {
  const prefix = uniqueName('cache');
  const proxy = await openProxy(inject('services').redisUrl);
  const [one, other] = [await openOverRedis({ prefix }), await openOverRedis({ prefix, url: proxy.url })];
  await inStep(one, other);
  const work = new Work();
  await fill(one, other, work);

  proxy.cut(true);
  await vi.waitFor(() => expect(other.cache.statistics().isRedisUsable).toBe(false), SOON);
  expect(other.told.map(({ kind }) => kind)).toContain('degraded');
  await one.cache.invalidate({ kind: 'tag', value: 'product:1' });
  expect((await read(other.cache, KEY, work, TAGGED)).text).toBe('value'); // It cannot know yet.
  proxy.cut(false);
  await inStep(other);

  expect(other.told.map(({ kind }) => kind)).toContain('recovered');
  expect(other.cache.peek(KEY)).toBeUndefined();
  work.text = 'new';
  expect((await read(other.cache, KEY, work, TAGGED)).text).toBe('new');
});

it('tells others of what it invalidated while it was cut off', async () => {
  const prefix = uniqueName('cache');
  const proxy = await openProxy(inject('services').redisUrl);
  const [one, other] = [await openOverRedis({ prefix }), await openOverRedis({ prefix, url: proxy.url })];
  await inStep(one, other);
  const work = new Work();
  await fill(one, other, work);
  proxy.cut(true);
  await vi.waitFor(() => expect(other.cache.statistics().isRedisUsable).toBe(false), SOON);
  expect(await other.cache.invalidate({ kind: 'tag', value: 'product:1' })).toBe(false);
  expect(one.cache.peek(KEY)).toBe('value');
  proxy.cut(false);
  await isForgottenBy(one.cache);
});

it('goes on after its connection was killed', async () => {
  const server = await startRedis();
  onTestFinished(() => server.stop());
  const admin = await openAdmin(server.url);
  const [one, other] = (await openCluster(2, { url: server.url })) as Pair;
  const work = new Work();
  await fill(one, other, work);
  await admin.sendCommand(['CLIENT', 'KILL', 'TYPE', 'pubsub']);
  await admin.sendCommand(['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes']);
  await vi.waitFor(() => expect(other.told.map(({ kind }) => kind)).toContain('degraded'), SOON);
  await inStep(one, other);
  await one.cache.invalidate({ kind: 'tag', value: 'product:1' });
  await isForgottenBy(other.cache);
});

it('takes all for invalidated where the log does not reach back to what it knows', async () => {
  const prefix = uniqueName('cache');
  const proxy = await openProxy(inject('services').redisUrl);
  const admin = await openAdmin();
  const [one, other] = [await openOverRedis({ prefix }), await openOverRedis({ prefix, url: proxy.url })];
  await inStep(one, other);
  const work = new Work();
  await fill(one, other, work);
  proxy.cut(true);
  await vi.waitFor(() => expect(other.cache.statistics().isRedisUsable).toBe(false), SOON);
  await one.cache.invalidate({ kind: 'tag', value: 'product:1' });
  await one.cache.invalidate({ kind: 'tag', value: 'another' });
  await admin.xTrim(`${prefix}:log`, 'MAXLEN', 1);
  proxy.cut(false);
  await inStep(other);
  expect(other.cache.peek(KEY)).toBeUndefined();
});

it.each(['all', 'the number', 'the log', 'both, replaced by other types'])(
  'stays coherent after Redis lost %s',
  async (what) => {
    const server = await startRedis();
    onTestFinished(() => server.stop());
    const admin = await openAdmin(server.url);
    const prefix = uniqueName('cache');
    const [one, other] = (await openCluster(2, { url: server.url, prefix })) as Pair;
    for (let round = 0; round < 6; round++) {
      const work = new Work();
      await fill(one, other, work);
      if (what === 'all') await admin.flushAll();
      else if (what === 'the number') await admin.del(`${prefix}:number`);
      else if (what === 'the log') await admin.del(`${prefix}:log`);
      else {
        await admin.del([`${prefix}:number`, `${prefix}:log`]);
        await admin.lPush(`${prefix}:number`, 'x');
        await admin.set(`${prefix}:log`, 'x');
      }
      await one.cache.invalidate({ kind: 'tag', value: 'product:1' });
      await isForgottenBy(other.cache);
      work.text = 'new';
      expect((await read(other.cache, KEY, work, TAGGED)).text).toBe('new');
      await one.cache.invalidate({ kind: 'tag', value: 'product:1' });
      await isForgottenBy(other.cache);
      await inStep(one, other);
    }
  },
);

it('lets an instance that starts late judge which old values still hold', async () => {
  const prefix = uniqueName('cache');
  const one = await openOverRedis({ prefix });
  await inStep(one);
  const [kept, gone] = [new Work(), new Work()];
  await read(one.cache, KEY, gone, TAGGED);
  await read(one.cache, 'tool:find:[2]', kept, { tags: ['product:2'] });
  await vi.waitFor(() => expect(one.cache.statistics().waitingWrites).toBe(0), SOON);
  await one.cache.invalidate({ kind: 'tag', value: 'product:1' });

  const late = await openOverRedis({ prefix });
  await inStep(late);
  gone.text = 'new';
  expect((await read(late.cache, KEY, gone, TAGGED)).text).toBe('new');
  expect(await read(late.cache, 'tool:find:[2]', kept)).toMatchObject({ text: 'value', from: 'redis' });
});

it('takes garbage under a key for a miss and replaces it', async () => {
  const prefix = uniqueName('cache');
  const admin = await openAdmin();
  const [one, other] = (await openCluster(2, { prefix })) as Pair;
  const work = new Work();
  await read(one.cache, KEY, work);
  const names = await vi.waitFor(async () => {
    const found = await admin.keys(`${prefix}:tool:*`);
    expect(found).toHaveLength(1);
    return found;
  }, SOON);
  await admin.set(names[0] as string, Buffer.from([0, 1, 2, 255, 254]));
  expect(await read(other.cache, KEY, work)).toMatchObject({ text: 'value', from: 'computed' });
  expect(other.cache.statistics().garbage).toBeGreaterThan(0);
  await vi.waitFor(async () => expect((await admin.get(names[0] as string)) ?? '').toContain('value'), SOON);

  await admin.del(names);
  await admin.lPush(names[0] as string, 'of another type');
  const [third] = (await openCluster(1, { prefix })) as [RedisInstance];
  expect(await read(third.cache, KEY, work)).toMatchObject({ text: 'value', from: 'computed' });
  await vi.waitFor(async () => expect(await admin.type(names[0] as string)).toBe('string'), SOON);
});

it('gives locks back', async () => {
  const prefix = uniqueName('cache');
  const admin = await openAdmin();
  const [one] = (await openCluster(1, { prefix })) as [RedisInstance];
  const work = new Work();
  await read(one.cache, KEY, work);
  work.error = new Error('no value');
  await expect(read(one.cache, 'tool:find:[3]', work)).rejects.toThrow('no value');
  await vi.waitFor(async () => expect(await admin.keys(`${prefix}:lock:*`)).toEqual([]), SOON);
});

it('does not wait long for a lock that another instance left behind', async () => {
  const prefix = uniqueName('cache');
  const [one] = (await openCluster(1, { prefix, options: { lockMs: 150 } })) as [RedisInstance];
  const tier = await createRedisTier({
    url: inject('services').redisUrl,
    prefix,
    random: Math.random,
    connectTimeoutMs: 2_000,
  });
  onTestFinished(() => tier.close());
  await new Promise<void>((up) => tier.open({ logged: () => {}, error: () => {}, state: (isUp) => isUp && up() }));
  const admin = await openAdmin();
  const work = new Work();
  await read(one.cache, KEY, work);
  await vi.waitFor(async () => {
    const [name] = await admin.keys(`${prefix}:tool:*`);
    const isTaken = await tier.lock(`:${name?.slice(prefix.length + 1)}`, 'left', 60_000); // Once it was given back.
    expect([name === undefined, isTaken]).toEqual([false, true]);
  }, SOON);
  await one.cache.invalidate({ kind: 'key', value: KEY });
  const startedAt = performance.now();
  expect((await read(one.cache, KEY, work)).from).toBe('computed');
  expect(performance.now() - startedAt).toBeGreaterThan(100);
});

it('writes and logs what waits before it closes', async () => {
  const prefix = uniqueName('cache');
  const admin = await openAdmin();
  const [one, other] = (await openCluster(2, { prefix })) as Pair;
  const work = new Work();
  await fill(one, other, work);
  await Promise.all(Array.from({ length: 300 }, (_, n) => read(one.cache, `tool:find:[${n}]`, work)));
  const told = one.cache.invalidate({ kind: 'tag', value: 'product:1' });
  await one.cache.close();
  expect(await told).toBe(true);
  await isForgottenBy(other.cache);
  expect(await admin.keys(`${prefix}:tool:*`)).toHaveLength(301);
  expect(await admin.keys(`${prefix}:lock:*`)).toEqual([]);
  expect(one.cache.statistics()).toMatchObject({ droppedWrites: 0, isRedisUsable: false });
});

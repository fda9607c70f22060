import { afterEach, beforeEach, describe, expect, inject, it, onTestFinished, vi } from 'vitest';
import type { CacheOptions } from '../../src/cache/cache.ts';
import { openProxy } from '../contract/proxy.ts';
import { inStep, openCluster, openOverRedis, type RedisInstance } from '../contract/redis-instances.ts';
import { startRedis } from '../services/redis.ts';
import { uniqueName } from '../services/unique-name.ts';
import { read, Work } from '../unit/cache/instances.ts';
import { type Answer, greet, noise, startFalseRedis } from './false-redis.ts';

const SOON = { timeout: 30_000, interval: 10 };
/** Longest time of a read whose computation takes none: far more than a time limit and a wait for a lock, far less than to hang. */
const BOUND_MS = 5_000;
const OPTIONS: CacheOptions = { redisTimeoutMs: 50, lockMs: 500 };

let unhandled: unknown[] = [];
const note = (reason: unknown): void => void unhandled.push(reason);
beforeEach(() => {
  unhandled = [];
  process.on('unhandledRejection', note).on('uncaughtExceptionMonitor', note);
});
afterEach(() => {
  process.off('unhandledRejection', note).off('uncaughtExceptionMonitor', note);
  expect(unhandled).toEqual([]);
});

/** Readers who never stop, each in its turn; what they found at the end. */
function load(instances: readonly RedisInstance[], readers: number) {
  const work = new Work();
  const result = { work, answers: 0, slowestMs: 0, wrong: [] as unknown[] };
  let isOver = false;
  const readOn = async (reader: number): Promise<void> => {
    for (let turn = 0; !isOver; turn++) {
      const { cache } = instances[(reader + turn) % instances.length] as RedisInstance;
      const key = `tool:find:[${(reader * 31 + turn * 17) % 200}]`;
      const startedAt = performance.now();
      try {
        const { text } = await read(cache, key, work, { ttlMs: 100 + (turn % 7) * 20, tags: ['t'] });
        if (text !== 'value') result.wrong.push(text);
      } catch (error) {
        result.wrong.push(error);
      }
      result.answers++;
      result.slowestMs = Math.max(result.slowestMs, performance.now() - startedAt);
      await new Promise((resume) => setTimeout(resume, 5));
    }
  };
  const all = Promise.all(Array.from({ length: readers }, (_, reader) => readOn(reader)));
  const end = async () => {
    isOver = true;
    await all;
    return result;
  };
  /** Resolves when so many more were answered. */
  const more = (count: number): Promise<void> => {
    const until = result.answers + count;
    return vi.waitFor(() => expect(result.answers).toBeGreaterThan(until), SOON);
  };
  return { end, more };
}

const kindsOf = ({ told }: RedisInstance): Set<string> => new Set(told.map(({ kind }) => kind));

const isGone = (...instances: readonly RedisInstance[]): Promise<void> =>
  vi.waitFor(() => {
    for (const { cache } of instances) expect(cache.statistics().isRedisUsable).toBe(false);
  }, SOON);

/** The tier is in use again for values and for invalidations. */
async function expectWhole([one, other]: readonly RedisInstance[]): Promise<void> {
  if (one === undefined || other === undefined) throw new Error('two instances, please');
  const work = new Work();
  const key = `tool:again:[${Math.random()}]`;
  await vi.waitFor(async () => {
    await read(one.cache, key, work, { tags: ['again'] });
    expect(await other.cache.find(key)).toBe('value');
  }, SOON);
  await vi.waitFor(async () => expect(await one.cache.invalidate({ kind: 'tag', value: 'again' })).toBe(true), SOON);
  await vi.waitFor(() => expect(other.cache.peek(key)).toBeUndefined(), SOON);
}

describe.each([
  ['killed and restarted empty', false],
  ['killed and restarted with its data', true],
])('a Redis that is %s', (_name, save) => {
  it('is done without, and used again', async () => {
    const server = await startRedis({ save });
    onTestFinished(() => server.stop());
    const instances = await openCluster(2, { url: server.url, options: OPTIONS });
    const { more, end } = load(instances, 100);
    await more(2_000);
    for (let round = 0; round < 2; round++) {
      await server.kill('SIGKILL');
      await isGone(...instances);
      await more(2_000);
      const [one] = instances as [RedisInstance];
      expect(await one.cache.invalidate({ kind: 'tag', value: 't' })).toBe(false);
      await server.restart();
      await inStep(...instances);
      await more(2_000);
    }
    const { wrong, slowestMs } = await end();
    expect(wrong).toEqual([]);
    expect(slowestMs).toBeLessThan(BOUND_MS);
    for (const instance of instances) {
      expect([...kindsOf(instance)]).toEqual(expect.arrayContaining(['degraded', 'recovered', 'error']));
      expect(instance.cache.statistics().errors).toBeGreaterThan(0);
    }
    await expectWhole(instances);
  });
});

it('does without a Redis that stands still, and uses it again when it goes on', async () => {
  const server = await startRedis();
  onTestFinished(() => server.stop());
  const instances = await openCluster(2, { url: server.url, options: OPTIONS });
  const { more, end } = load(instances, 100);
  await more(2_000);
  await server.kill('SIGSTOP');
  await isGone(...instances);
  await more(5_000);
  await server.kill('SIGCONT');
  await inStep(...instances);
  await more(1_000);
  const { wrong, slowestMs } = await end();
  expect(wrong).toEqual([]);
  expect(slowestMs).toBeLessThan(BOUND_MS);
  for (const instance of instances) {
    expect(kindsOf(instance)).toContain('recovered');
    expect(instance.cache.statistics().waitingWrites).toBeLessThan(500);
  }
  await expectWhole(instances);
});

it('says at the start that there is no Redis, goes on without, and finds the one that comes later', async () => {
  const server = await startRedis();
  onTestFinished(() => server.stop());
  await server.kill('SIGKILL');
  const prefix = uniqueName('cache');
  const instances = [
    await openOverRedis({ url: server.url, prefix, options: OPTIONS }),
    await openOverRedis({ url: server.url, prefix, options: OPTIONS }),
  ];
  const work = new Work();
  for (const { cache } of instances) expect((await read(cache, 'tool:find:[1]', work)).from).toBe('computed');
  await vi.waitFor(() => expect(kindsOf(instances[0] as RedisInstance)).toContain('degraded'), SOON);
  expect(await instances[0]?.cache.invalidate({ kind: 'tag', value: 't' })).toBe(false);
  await server.restart();
  await inStep(...instances);
  await expectWhole(instances);
});

it('stays without a Redis that refuses scripts, and uses it when it no longer does', async () => {
  const server = await startRedis();
  onTestFinished(() => server.stop());
  const { createClient } = await import('redis');
  const admin = createClient({ url: server.url });
  admin.on('error', () => {});
  await admin.connect();
  onTestFinished(() => admin.destroy());
  const instances = await openCluster(2, { url: server.url, options: OPTIONS });
  await admin.sendCommand(['ACL', 'SETUSER', 'default', '-eval']);
  const { more, end } = load(instances, 20);
  expect(await instances[0]?.cache.invalidate({ kind: 'tag', value: 't' })).toBe(false);
  await isGone(instances[0] as RedisInstance);
  await more(500);
  await admin.sendCommand(['ACL', 'SETUSER', 'default', '+eval']);
  await inStep(...instances);
  const { wrong, slowestMs } = await end();
  expect(wrong).toEqual([]);
  expect(slowestMs).toBeLessThan(BOUND_MS);
  await expectWhole(instances);
});

it('goes on over a Redis that has no memory left', async () => {
  const server = await startRedis({ settings: { maxmemory: '1', 'maxmemory-policy': 'noeviction' } });
  onTestFinished(() => server.stop());
  const [one] = (await Promise.all([openOverRedis({ url: server.url, options: OPTIONS })])) as [RedisInstance];
  const { more, end } = load([one], 50);
  await more(1_000);
  const { wrong, slowestMs } = await end();
  expect(wrong).toEqual([]);
  expect(slowestMs).toBeLessThan(BOUND_MS);
  expect(one.cache.statistics().errors).toBeGreaterThan(0);
});

const random = (): number => Math.random();
const oneOf = (answers: readonly string[]): string => answers[Math.floor(random() * answers.length)] as string;
const WRONG = [
  ':1\r\n',
  '+OK\r\n',
  '$5\r\nhello\r\n',
  '_\r\n',
  '*0\r\n',
  '*2\r\n:1\r\n+x\r\n',
  '#t\r\n',
  '-ERR no\r\n',
];
const WORSE = [
  ...WRONG,
  ',1.5\r\n',
  '%1\r\n+a\r\n+b\r\n',
  '>1\r\n+push\r\n',
  '*2\r\n$1\r\nx\r\n*1\r\n:3\r\n',
  '*1\r\n*-1\r\n',
];

/** Each from its first word on, or once it has greeted. */
const LIARS: readonly (readonly [string, Answer])[] = [
  ['answers random bytes', () => noise()],
  ['answers random bytes once it has greeted', (command) => greet(command) ?? noise()],
  ['answers values of wrong types', () => oneOf(WORSE)],
  ['answers values of wrong types once it has greeted', (command) => greet(command) ?? oneOf(WRONG)],
  ['answers twice', (command) => greet(command) ?? oneOf(WRONG) + oneOf(WRONG)],
  ['answers with numbers out of range', (command) => greet(command) ?? '*2\r\n$20\r\n99999999999999999999\r\n*0\r\n'],
  ['never answers', () => undefined],
  ['never answers once it has greeted', (command) => greet(command)],
];

it.each(LIARS)('computes all by itself over a Redis that %s, without trying in haste', async (_name, answer) => {
  const redis = await startFalseRedis(answer);
  const instance = await openOverRedis({ url: redis.url, options: OPTIONS });
  const { more, end } = load([instance], 50);
  await vi.waitFor(() => expect(kindsOf(instance)).toContain('degraded'), SOON);
  const startedAt = performance.now();
  const before = redis.connections + redis.commands.length;
  await more(3_000);
  const perSecond = ((redis.connections + redis.commands.length - before) * 1_000) / (performance.now() - startedAt);
  const { wrong, slowestMs } = await end();
  expect(wrong).toEqual([]);
  expect(slowestMs).toBeLessThan(BOUND_MS);
  expect(instance.cache.statistics()).toMatchObject({ isRedisUsable: false, redisHits: 0 });
  expect(perSecond).toBeLessThan(200);
});

it.each(LIARS.filter(([name]) => /^(never|answers random)/.test(name)))(
  'leaves by itself a connection to one that %s, and uses the next',
  async (_name, answer) => {
    const redis = await startFalseRedis(answer);
    const proxy = await openProxy(redis.url);
    const prefix = uniqueName('cache');
    const instances = [
      await openOverRedis({ url: proxy.url, prefix, options: OPTIONS }),
      await openOverRedis({ prefix, options: OPTIONS }),
    ];
    await vi.waitFor(() => expect(redis.connections).toBeGreaterThan(0), SOON);
    proxy.lead(inject('services').redisUrl);
    await inStep(...instances);
    await expectWhole(instances);
  },
);

import { expect, inject, onTestFinished, vi } from 'vitest';
import { Cache, type CacheOptions, createRedisTier, resolveCacheOptions } from '../../src/cache/cache.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { type CacheSignal, Signal } from '../../src/signal/signal.ts';
import { uniqueName } from '../services/unique-name.ts';

export interface RedisInstance {
  readonly cache: Cache;
  readonly told: CacheSignal[];
}

export interface RedisInstanceOptions {
  readonly url?: string;
  readonly prefix?: string;
  readonly options?: CacheOptions;
}

/** A cache over a real Redis, closed at the end of the test; it may not be in step yet. */
export async function openOverRedis(given: RedisInstanceOptions = {}): Promise<RedisInstance> {
  const { url = inject('services').redisUrl, prefix = uniqueName('cache') } = given;
  const told: CacheSignal[] = [];
  const signal = new Signal<CacheSignal>();
  signal.on((event) => told.push(event));
  const cache = new Cache({
    // A busy machine that runs tests is slower than one that serves.
    options: resolveCacheOptions(
      { keyPrefix: prefix, earlyRefresh: 0, redisTimeoutMs: 1_000, ...given.options },
      'test',
    ),
    clock: systemClock,
    random: Math.random,
    signal,
    tier: await createRedisTier({ url, prefix, random: Math.random, connectTimeoutMs: 2_000 }),
  });
  onTestFinished(() => cache.close());
  return { cache, told };
}

export async function inStep(...instances: readonly RedisInstance[]): Promise<void> {
  for (const { cache } of instances)
    await vi.waitFor(() => expect(cache.statistics().isRedisUsable).toBe(true), { timeout: 20_000, interval: 5 });
}

/** Instances over one place in one Redis, all in step. */
export async function openCluster(count: number, given: RedisInstanceOptions = {}): Promise<RedisInstance[]> {
  const prefix = given.prefix ?? uniqueName('cache');
  const instances = await Promise.all(Array.from({ length: count }, () => openOverRedis({ ...given, prefix })));
  await inStep(...instances);
  return instances;
}

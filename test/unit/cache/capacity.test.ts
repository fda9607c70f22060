import { describe, expect, it } from 'vitest';
import { createBoundedMap } from '../../../src/cache/adapter/lru.ts';
import { resolveCacheOptions } from '../../../src/cache/cache.ts';
import { FakeClock } from '../../../src/testing/testing.ts';
import { createInstance, read, Work } from './instances.ts';

const keysOf = (count: number): string[] => Array.from({ length: count }, (_, index) => `k${index}`);

describe('a map whose bound changes', () => {
  function full(entries: number) {
    let evicted = 0;
    const map = createBoundedMap<string>(entries, 1_000_000, () => evicted++);
    for (const key of keysOf(entries)) map.set(key, key, 10);
    return { map, evictions: () => evicted };
  }

  it('drops what was not used for the longest time when it falls, and holds to it', () => {
    const { map, evictions } = full(10);
    map.get('k0');
    map.resize(3);
    expect([map.size, map.bytes, evictions()]).toEqual([3, 30, 7]);
    expect(keysOf(10).filter((key) => map.get(key) !== undefined)).toEqual(['k0', 'k8', 'k9']);
    map.set('k9', 'again', 10);
    expect([map.size, map.get('k9'), evictions()]).toEqual([3, 'again', 7]);
    for (const key of ['a', 'b', 'c', 'd']) map.set(key, key, 10);
    expect([map.size, map.bytes, map.get('d'), map.get('k9'), evictions()]).toEqual([3, 30, 'd', undefined, 11]);
  });

  it('keeps everything and its order when it rises, also beyond what it was made for', () => {
    const { map, evictions } = full(10);
    map.get('k0');
    map.resize(12);
    for (const key of ['a', 'b', 'c']) map.set(key, key, 10);
    expect([map.size, map.bytes, evictions()]).toEqual([12, 120, 1]);
    expect([map.get('k0'), map.get('k1'), map.get('c')]).toEqual(['k0', undefined, 'c']);
    map.resize(5);
    map.resize(11);
    for (const key of keysOf(11)) map.set(key, key, 10);
    expect(map.size).toBe(11);
  });
});

it('a cache with another capacity goes on serving what it still has', async () => {
  const { cache } = createInstance({ clock: new FakeClock() });
  const work = new Work();
  expect(cache.capacity).toBe(resolveCacheOptions({}, 'x').lruCacheSize);
  for (const key of keysOf(20)) await read(cache, key, work);
  cache.capacity = 5;
  expect(cache.statistics().size).toBe(5);
  expect([cache.peek('k19'), cache.peek('k0')]).toEqual(['value', undefined]);
  await read(cache, 'k0', work);
  expect([cache.statistics().size, cache.peek('k0')]).toEqual([5, 'value']);
});

import { describe, expect, it } from 'vitest';
import { MemoryStateStore, StateStoreError } from '../../../src/state/state.ts';
import { FakeClock } from '../../../src/testing/testing.ts';

const LIMITS = { ttlMs: 1_000, maxEntries: 3, maxLength: 100 };

describe('MemoryStateStore', () => {
  it('leaves nothing behind of what nobody deleted', () => {
    const clock = new FakeClock();
    const store = new MemoryStateStore(clock);
    store.open();
    for (let each = 0; each < 1_000; each++) {
      store.put(`key ${each}`, 'text', { ttlMs: 1_000, within: [{ set: `set ${each % 7}`, max: 1_000 }] });
      store.append(`log ${each}`, 'text', LIMITS);
    }
    expect(store.size).toMatchObject({ texts: 1_000, logs: 1_000, sets: 7 });
    clock.advance(20_000);
    expect(store.size).toEqual({ texts: 0, logs: 0, sets: 0, characters: 0 });
    store.close();
  });

  it('lets members in for those whose time is over, before these are swept', () => {
    const clock = new FakeClock();
    const store = new MemoryStateStore(clock);
    const within = [{ set: 'all', max: 1 }];
    expect(store.put('a', '1', { ttlMs: 100, within })).toBe(1);
    expect(store.put('b', '1', { ttlMs: 100, within })).toBe('full');
    clock.advance(100);
    expect(store.put('b', '1', { ttlMs: 100, within })).toBe(2);
    expect(store.count('all')).toBe(1);
  });

  it('keeps no more characters than it may, and has room again for what is over', () => {
    const clock = new FakeClock();
    const store = new MemoryStateStore(clock, 10_000);
    const long = { ttlMs: 100_000 };
    expect(store.put('a', 'x'.repeat(9_000), long)).toBe(1);
    expect(store.put('b', 'x'.repeat(1_000), long)).toBe('full');
    expect(store.put('a', 'x'.repeat(10_000), long)).toBe('full');
    expect(store.put('a', 'x'.repeat(5_000), long)).toBe(2);
    const limits = { ...long, maxEntries: 100, maxLength: 100_000 };
    for (let number = 1; number <= 6; number++) expect(store.append('log', 'y'.repeat(1_000), limits)).toBe(number);
    expect(store.read('log', 0).entries.map(({ number }) => number)).toEqual([3, 4, 5, 6]);
    expect(store.append('log', 'y'.repeat(6_000), limits)).toBe(7);
    expect(store.read('log', 0)).toEqual({ entries: [], isWhole: false });
    expect(store.put('c', 'x'.repeat(4_000), { ttlMs: 5_000 })).toBe(3);
    const fill = (): void => {
      for (let each = 0; each < 100; each++) store.append(`log ${each}`, 'y', limits);
    };
    expect(fill).toThrow(StateStoreError);
    expect(store.size.characters).toBeLessThanOrEqual(10_000);
    expect(() => store.append('one more', 'y', limits)).toThrow('there is no room for another log');
    expect(store.read('one more', 1)).toEqual({ entries: [], isWhole: false });
    clock.advance(5_000);
    expect(store.put('d', 'x'.repeat(4_000), long)).toBe(4);
    clock.advance(200_000);
    expect(store.size.characters).toBe(0);
  });
});

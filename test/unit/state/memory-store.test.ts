import { describe, expect, it } from 'vitest';
import { MemoryStateStore } from '../../../src/state/state.ts';
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
    expect(store.size).toEqual({ texts: 1_000, logs: 1_000, sets: 7 });
    clock.advance(20_000);
    expect(store.size).toEqual({ texts: 0, logs: 0, sets: 0 });
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

  it('says of a log whether something is missing', () => {
    const store = new MemoryStateStore(new FakeClock());
    for (const text of ['a', 'b', 'c', 'd']) store.append('log', text, LIMITS);
    expect(store.read('log', 0)).toEqual({
      entries: [
        { number: 2, text: 'b' },
        { number: 3, text: 'c' },
        { number: 4, text: 'd' },
      ],
      isWhole: false,
    });
    expect(store.read('log', 3)).toEqual({ entries: [{ number: 4, text: 'd' }], isWhole: true });
    expect(store.read('log', 4)).toEqual({ entries: [], isWhole: true });
    expect(store.read('log', 5)).toEqual({ entries: [], isWhole: false });
    expect(store.read('no log', 1)).toEqual({ entries: [], isWhole: false });
  });
});

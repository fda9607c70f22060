import { describe, expect, it } from 'vitest';
import { batchWindow, type Conditions, cacheEntries, type Tuning } from '../../../src/optimizer/optimizer.ts';

const CALM: Conditions = { memory: 'ok', pressure: 0.2 };

/** A seeded generator: numbers of an even spread from 0 to 1. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** One interval: work, then a decision. @returns The value after it. */
function interval({ tunable, law }: Tuning, conditions = CALM): number {
  const step = law.decide(tunable, conditions);
  if (step !== undefined) tunable.apply(step.to);
  return tunable.value;
}

/** A cache whose reads miss at the rate that its number of values gives. */
class ModelCache {
  capacity = 10_000;
  size = 10_000;
  readonly counts = { memoryHits: 0, staleHits: 0, misses: 0, evictions: 0 };
  readonly #missRate: (capacity: number) => number;
  readonly #random: () => number;

  constructor(missRate: (capacity: number) => number, seed = 1) {
    this.#missRate = missRate;
    this.#random = seeded(seed);
  }

  work(reads: number): void {
    const rate = this.#missRate(this.capacity);
    for (let read = 0; read < reads; read++) {
      if (this.#random() < rate) {
        this.counts.misses++;
        if (rate > 0.01) this.counts.evictions++;
      } else this.counts.memoryHits++;
    }
  }

  statistics() {
    return { size: this.size, ...this.counts };
  }
}

describe('the size of the cache', () => {
  const run = (cache: ModelCache, intervals: number, reads = 20_000, conditions = CALM): number[] => {
    const tuning = cacheEntries(cache, 625, 40_000);
    return Array.from({ length: intervals }, () => {
      cache.work(reads);
      return interval(tuning, conditions);
    });
  };

  it.each([1, 2, 3])('grows to where more values help no more, and stays there (seed %d)', (seed) => {
    const needed = 30_000;
    const values = run(new ModelCache((capacity) => (capacity >= needed ? 0.02 : 0.4 - capacity / 100_000), seed), 400);
    expect(values.at(-1)).toBeGreaterThanOrEqual(needed);
    expect(Math.max(...values)).toBeLessThanOrEqual(40_000);
    expect(new Set(values.slice(200)).size).toBeLessThanOrEqual(2); // a rare trial, and back
  });

  it.each([1, 2, 3])('does not grow for chance alone (seed %d)', (seed) => {
    const values = run(new ModelCache(() => 0.3, seed), 400);
    expect(values.at(-1)).toBe(10_000);
    expect(Math.max(...values)).toBe(15_000);
    expect(values.filter((value) => value !== 10_000).length).toBeLessThan(30);
  });

  it('stands while nothing happens, nothing is evicted, or there is no memory', () => {
    const helps = (capacity: number) => 0.4 - capacity / 100_000;
    expect(new Set(run(new ModelCache(helps), 50, 0))).toEqual(new Set([10_000]));
    expect(new Set(run(new ModelCache(() => 0.005), 50))).toEqual(new Set([10_000]));
    for (const conditions of [
      { memory: 'ok', pressure: 0.7 },
      { memory: 'elevated', pressure: 0.5 },
    ] as const)
      expect(new Set(run(new ModelCache(helps), 50, 20_000, conditions))).toEqual(new Set([10_000]));
  });
});

/** A batcher whose keys come at a rate; each load takes as long. */
class ModelBatcher {
  windowMs = 0;
  keysPerMs: number;
  readonly #loadMs: number;
  readonly #total = { keys: 0, loads: 0, loadMs: 0 };

  constructor(keysPerMs: number, loadMs: number) {
    this.keysPerMs = keysPerMs;
    this.#loadMs = loadMs;
  }

  work(loads: number): void {
    this.#total.loads += loads;
    this.#total.keys += loads * Math.min(100, 1 + this.keysPerMs * this.windowMs);
    this.#total.loadMs += loads * this.#loadMs;
  }

  statistics() {
    return { ...this.#total };
  }
}

describe('the window of a batcher', () => {
  const run = (batcher: ModelBatcher, tuning: Tuning, intervals: number): number[] =>
    Array.from({ length: intervals }, () => {
      batcher.work(2_000);
      return interval(tuning);
    });

  it('grows as long as keys come faster than they are loaded, and shrinks when they do not any more', () => {
    const batcher = new ModelBatcher(5, 2);
    const tuning = batchWindow('rows', batcher, 10);
    const busy = run(batcher, tuning, 300);
    expect(busy.at(-1)).toBeGreaterThanOrEqual(5);
    expect(Math.max(...busy)).toBeLessThanOrEqual(10);
    batcher.keysPerMs = 0.01;
    const quiet = run(batcher, tuning, 300);
    expect(quiet.at(-1)).toBeLessThanOrEqual(1);
    expect(Math.min(...quiet)).toBeGreaterThanOrEqual(0);
  });

  it('does not begin to delay where nothing is collected', () => {
    const batcher = new ModelBatcher(0, 2);
    const values = run(batcher, batchWindow('rows', batcher, 10), 300);
    expect(values.at(-1)).toBe(0);
    expect(values.filter((value) => value > 0).length).toBeLessThan(30);
  });

  it('is checked', () => {
    expect(() => batchWindow('rows', {} as ModelBatcher, 1)).toThrow('option "batcher" must be a Batcher');
    expect(() => batchWindow('rows', new ModelBatcher(1, 1), -1)).toThrow('option "maxMs"');
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Invalidation } from '../../../src/cache/cache.ts';
import { Generations, isConcerned } from '../../../src/cache/generations.ts';

const KEYS = ['tool:a:[1]', 'tool:a:[2]', 'tool:b:[1]', 'app:x', 'app:y'];
const TAGS = ['t1', 't2', 't3'];
const PATTERNS = ['*', 'tool:*', 'tool:a:*', '*[1]', 'x', 'app:*', 'y*'];

const invalidation: fc.Arbitrary<Invalidation> = fc.oneof(
  fc.constantFrom(...KEYS).map((value) => ({ kind: 'key', value }) as const),
  fc.constantFrom(...TAGS).map((value) => ({ kind: 'tag', value }) as const),
  fc.constantFrom(...PATTERNS).map((value) => ({ kind: 'pattern', value }) as const),
);
const value = fc.record({ key: fc.constantFrom(...KEYS), tags: fc.subarray(TAGS) });

describe('generations', () => {
  it('know what holds as a list of all that happened does', () => {
    fc.assert(
      fc.property(fc.array(invalidation, { maxLength: 30 }), value, fc.nat(30), (all, { key, tags }, at) => {
        const generations = new Generations(100);
        for (const one of all) generations.record(one);
        const since = Math.min(at, all.length);
        expect(generations.holds(key, tags, since)).toBe(!all.slice(since).some((one) => isConcerned(one, key, tags)));
      }),
      { numRuns: 2_000 },
    );
  });

  it('never hold by having forgotten', () => {
    fc.assert(
      fc.property(
        fc.array(invalidation, { maxLength: 30 }),
        value,
        fc.nat(30),
        fc.integer({ min: 1, max: 3 }),
        (all, { key, tags }, at, limit) => {
          const generations = new Generations(limit);
          for (const one of all) generations.record(one);
          const since = Math.min(at, all.length);
          if (generations.holds(key, tags, since))
            expect(all.slice(since).filter((one) => isConcerned(one, key, tags))).toEqual([]);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('hold what began after an invalidation that is forgotten, however many there were', () => {
    for (const kind of ['key', 'tag', 'pattern'] as const) {
      const generations = new Generations(256);
      for (let n = 0; n < 1_000; n++) generations.record({ kind, value: `gone:${n}` });
      expect(generations.floor).toBe(744);
      expect(generations.holds('kept', [], 743)).toBe(false);
      expect(generations.holds('kept', [], 744)).toBe(true);
      expect(generations.holds('gone:900', ['gone:900'], 900)).toBe(false);
    }
  });

  it('hold nothing from the future, and nothing from before what is not known', () => {
    const generations = new Generations(10, 100);
    expect(generations.holds('key', [], 99)).toBe(false);
    expect(generations.holds('key', [], 100)).toBe(true);
    expect(generations.holds('key', [], 101)).toBe(false);
    generations.forget(200);
    expect(generations.holds('key', [], 150)).toBe(false);
    expect(generations.holds('key', [], 200)).toBe(true);
  });

  it('mean an author’s key by a pattern with and without its prefix, and nobody else’s by the latter', () => {
    const pattern = (text: string): Invalidation => ({ kind: 'pattern', value: text });
    expect(isConcerned(pattern('user:*'), 'app:user:1', [])).toBe(true);
    expect(isConcerned(pattern('app:user:*'), 'app:user:1', [])).toBe(true);
    expect(isConcerned(pattern('search:*'), 'tool:search:[]', [])).toBe(false);
  });
});

import type { Random } from '../../src/kernel/random.ts';

/** A seeded generator (mulberry32). */
export function seeded(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Exponentially distributed, with this mean: waits between arrivals, and what requests cost. */
export function exponential(mean: number, random: Random): number {
  return -mean * Math.log(1 - random());
}

import type { Random } from '../../src/kernel/random.ts';

/** Exponentially distributed, with this mean: waits between arrivals, and what requests cost. */
export function exponential(mean: number, random: Random): number {
  return -mean * Math.log(1 - random());
}

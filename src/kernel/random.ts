/** Where randomness comes from: a number from 0 (inclusive) to 1 (exclusive). Tests pass a seeded one. */
export type Random = () => number;

/** The runtime's own generator; not for secrets. */
export const systemRandom: Random = Math.random;

/** The same numbers for the same seed (mulberry32). */
export function seededRandom(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

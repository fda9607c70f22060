/** Where randomness comes from: a number from 0 (inclusive) to 1 (exclusive). Tests pass a seeded one. */
export type Random = () => number;

/** The runtime's own generator; not for secrets. */
export const systemRandom: Random = Math.random;

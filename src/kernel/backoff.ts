import type { Random } from './random.ts';

/** Delays that grow, in milliseconds. */
export interface Backoff {
  /** The longest first delay. */
  readonly firstMs: number;
  /** The longest delay of all. */
  readonly maxMs: number;
}

/** The delay before try number `retries + 1`: doubled each time, with full jitter over its upper half. */
export function nextDelay({ firstMs, maxMs }: Backoff, retries: number, random: Random): number {
  const longest = Math.min(maxMs, firstMs * 2 ** Math.min(retries, 30));
  return Math.round(longest * (0.5 + random() / 2));
}

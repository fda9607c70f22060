/** What is under way at once under a limit, and what waits for that. */
export interface ConcurrencyStatistics {
  /** Work that may be under way at once; `Infinity` where only principals are limited. */
  readonly concurrency: number;
  readonly running: number;
  readonly queued: number;
  /** Slots given, those after a wait included. */
  readonly entered: number;
  readonly cancelled: number;
  readonly refused: { readonly [R in 'queue-full' | 'deadline' | 'delay']: number };
  /** Of what waited and got its slot, in milliseconds. */
  readonly waitMs: { readonly average: number; readonly p50: number; readonly p99: number; readonly max: number };
}

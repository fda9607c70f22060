/** The contract of `limit/`: work that cannot be done in time is refused before it is begun. */

export type { ConcurrencyStatistics } from '../kernel/concurrency-statistics.ts';
export { type BatchOptions, batch } from './batch.ts';
export {
  ConcurrencyLimiter,
  type ConcurrencyOptions,
  type EnterOptions,
  type Ticket,
} from './concurrency-limiter.ts';
export { type Debounced, type DebounceOptions, debounce } from './debounce.ts';
export type { DelayOptions } from './delay-control.ts';
export { OverloadedError, RateLimitedError } from './errors.ts';
export {
  type LimitSources,
  type OverloadOptions,
  type PrincipalLimits,
  type RateOptions,
  type ResolvedOverload,
  resolveOverload,
} from './options.ts';
export { classOf, type GuardStatistics, type MarkedWork, OverloadGuard } from './overload-guard.ts';
export { RateLimiter, type RateLimiterOptions, TokenBucket } from './token-bucket.ts';
export type { TurnQueue } from './turn-queue.ts';

import type { Clock } from '../kernel/clock.ts';
import { integerOption } from '../kernel/options.ts';
import { type LimitSources, type RateOptions, rateOption, sourcesOf } from './options.ts';

/** One request, in the unit of the level: a thousandth, so that milliseconds times requests a second need no division. */
const ONE = 1_000;

/** A bucket of tokens: full at the beginning, refilled all the time, a token for each request. */
export class TokenBucket {
  readonly #rate: number;
  readonly #capacity: number;
  #level: number;
  #filledAt: number;

  constructor({ requestsPerSecond, burst = 1 }: RateOptions, nowMs: number) {
    this.#rate = requestsPerSecond;
    this.#capacity = burst * ONE;
    this.#level = this.#capacity;
    this.#filledAt = nowMs;
  }

  /** How long until a token is there, in whole milliseconds; 0 when one is. */
  waitMs(nowMs: number): number {
    const elapsed = nowMs - this.#filledAt;
    if (elapsed > 0) {
      this.#level = Math.min(this.#capacity, this.#level + elapsed * this.#rate);
      this.#filledAt = nowMs;
    }
    return this.#level >= ONE ? 0 : Math.ceil((ONE - this.#level) / this.#rate);
  }

  /** Takes a token, which must be there. */
  take(): void {
    this.#level -= ONE;
  }
}

export interface RateLimiterOptions extends RateOptions, LimitSources {
  /** Keys whose buckets are kept; beyond it that of the key not seen for longest is forgotten. @default 10_000 */
  readonly maxKeys?: number;
}

/** A bucket for each key, such as a tool or a principal. */
export class RateLimiter {
  readonly #rate: RateOptions;
  readonly #clock: Clock;
  readonly #maxKeys: number;
  readonly #buckets = new Map<string, TokenBucket>();

  /** @throws {OptionError} when an option is not valid. */
  constructor(options: RateLimiterOptions) {
    this.#rate = rateOption('rate', options.requestsPerSecond ?? Number.NaN, options.burst) as RateOptions;
    this.#maxKeys = integerOption('rate.maxKeys', options.maxKeys, 10_000, { min: 1, max: 10_000_000 });
    this.#clock = sourcesOf('rate', options).clock;
  }

  /** Keys whose buckets are kept now. */
  get size(): number {
    return this.#buckets.size;
  }

  /** How long a request of this key must wait, in whole milliseconds; 0 when it may come now. Takes nothing. */
  waitMs(key = ''): number {
    return this.#of(key).waitMs(this.#clock.now());
  }

  /** Takes a token. @returns 0, or how long until there is one. */
  take(key = ''): number {
    const bucket = this.#of(key);
    const waitMs = bucket.waitMs(this.#clock.now());
    if (waitMs === 0) bucket.take();
    return waitMs;
  }

  #of(key: string): TokenBucket {
    let bucket = this.#buckets.get(key);
    if (bucket === undefined) {
      bucket = new TokenBucket(this.#rate, this.#clock.now());
      if (this.#buckets.size >= this.#maxKeys) this.#buckets.delete(this.#buckets.keys().next().value as string);
    } else if (this.#buckets.size > 1) {
      this.#buckets.delete(key);
    } else {
      return bucket;
    }
    this.#buckets.set(key, bucket);
    return bucket;
  }
}

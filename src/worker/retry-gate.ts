import { type Backoff, nextDelay } from '../kernel/backoff.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Random } from '../kernel/random.ts';

const DELAYS: Backoff = Object.freeze({ firstMs: 100, maxMs: 10_000 });

/** Spaces out attempts at what has failed, ever further. */
export class RetryGate {
  readonly #clock: Clock;
  readonly #random: Random;
  #failures = 0;
  #until = 0;
  #error: unknown;

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  /** Until the next attempt may begin, in milliseconds; 0 when it may now. */
  get remainingMs(): number {
    return this.#failures === 0 ? 0 : Math.max(0, this.#until - this.#clock.now());
  }

  get lastError(): unknown {
    return this.#error;
  }

  /** Attempts that began together and fail together count once. */
  fail(error: unknown): void {
    this.#error = error;
    if (this.remainingMs > 0) return;
    this.#until = this.#clock.now() + nextDelay(DELAYS, this.#failures++, this.#random);
  }

  succeed(): void {
    this.#failures = 0;
    this.#error = undefined;
  }
}

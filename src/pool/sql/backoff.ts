import { nextDelay } from '../../kernel/backoff.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { Random } from '../../kernel/random.ts';

const DELAYS = { firstMs: 50, maxMs: 2_000 };

/** Spaces out attempts to connect: after each failure in a row twice as long, up to 2 s, each shortened by up to half. */
export class Backoff {
  readonly #clock: Clock;
  readonly #random: Random;
  #failures = 0;
  #until = 0;
  lastError: unknown;

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  /** Until the next attempt may begin, in milliseconds; 0 when it may now. */
  remainingMs(): number {
    return this.#failures === 0 ? 0 : Math.max(0, this.#until - this.#clock.now());
  }

  /** Attempts that began together and fail together count once. */
  fail(error: unknown): void {
    this.lastError = error;
    if (this.remainingMs() > 0) return;
    this.#until = this.#clock.now() + nextDelay(DELAYS, this.#failures++, this.#random);
  }

  succeed(): void {
    this.#failures = 0;
    this.lastError = undefined;
  }
}

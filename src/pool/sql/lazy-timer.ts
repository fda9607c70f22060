import type { CancelTimer, Clock } from '../../kernel/clock.ts';

/**
 * A time-out for one thing after the other that nearly always ends in time. The clock's timer is left running when one
 * ends and is set again only when it fires too early, so that starting and stopping cost two assignments.
 */
export class LazyTimer {
  readonly #clock: Clock;
  #deadline = Number.POSITIVE_INFINITY;
  #onLate: (() => void) | undefined;
  #firesAt = Number.POSITIVE_INFINITY;
  #cancel: CancelTimer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** HOT: every query; guarded by `npm run bench -- pools`. */
  start(delayMs: number, onLate: () => void): void {
    this.#deadline = this.#clock.now() + delayMs;
    this.#onLate = onLate;
    if (this.#deadline < this.#firesAt) this.#arm(delayMs);
  }

  stop(): void {
    this.#onLate = undefined;
  }

  /** Ends the clock's timer as well. */
  close(): void {
    this.stop();
    this.#cancel?.();
    this.#firesAt = Number.POSITIVE_INFINITY;
  }

  #arm(delayMs: number): void {
    this.#cancel?.();
    this.#firesAt = this.#clock.now() + delayMs;
    this.#cancel = this.#clock.after(delayMs, () => this.#fire());
  }

  #fire(): void {
    this.#firesAt = Number.POSITIVE_INFINITY;
    const onLate = this.#onLate;
    if (onLate === undefined) return;
    // Timers may fire a little early.
    const restMs = this.#deadline - this.#clock.now();
    if (restMs > 0) {
      this.#arm(Math.max(1, restMs));
      return;
    }
    this.#onLate = undefined;
    onLate();
  }
}

import type { CancelTimer, Clock } from './clock.ts';

/**
 * Measures how late the event loop is, by how late a repeating timer runs.
 *
 * Between two ticks the timer's being overdue is a delay too: all that the loop has yet to begin waits as long.
 */
export class LoopDelayMeter {
  readonly #clock: Clock;
  readonly #periodMs: number;
  readonly #onTick: (nowMs: number, lateMs: number) => void;
  #cancel: CancelTimer | undefined;
  #dueAt = 0;

  constructor(clock: Clock, periodMs: number, onTick: (nowMs: number, lateMs: number) => void) {
    this.#clock = clock;
    this.#periodMs = periodMs;
    this.#onTick = onTick;
  }

  get running(): boolean {
    return this.#cancel !== undefined;
  }

  /** Begins to measure, if it does not yet. */
  start(nowMs: number): void {
    if (this.#cancel !== undefined) return;
    this.#dueAt = nowMs + this.#periodMs;
    this.#cancel = this.#clock.every(this.#periodMs, () => {
      const now = this.#clock.now();
      const lateMs = Math.max(0, now - this.#dueAt);
      this.#dueAt = now + this.#periodMs;
      this.#onTick(now, lateMs);
    });
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** How late the loop is by now, in milliseconds. */
  overdueMs(nowMs: number): number {
    return this.#cancel === undefined ? 0 : Math.max(0, nowMs - this.#dueAt);
  }
}

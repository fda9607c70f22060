import type { CancelTimer, Clock } from '../kernel/clock.ts';

interface FakeTimer {
  readonly dueAt: number;
  readonly order: number;
  readonly run: () => void;
}

/**
 * A clock that stands still until a test moves it.
 *
 * Timers run inside {@link advance}, in the order in which they are due; those due at the same time in the order in which
 * they were set. A timer that one of them sets runs too when it falls due before the end of the same advance.
 */
export class FakeClock implements Clock {
  #now = 0;
  #order = 0;
  readonly #wallStart: number;
  readonly #timers = new Set<FakeTimer>();

  /** @param wallStart The wall-clock time at the beginning, in milliseconds since 1970. */
  constructor(wallStart = Date.UTC(2026, 0, 1)) {
    this.#wallStart = wallStart;
  }

  /** How many timers wait, repeating ones included. */
  get timers(): number {
    return this.#timers.size;
  }

  now(): number {
    return this.#now;
  }

  wallNow(): number {
    return this.#wallStart + this.#now;
  }

  after(delayMs: number, run: () => void): CancelTimer {
    return this.#add(delayMs, run);
  }

  every(periodMs: number, run: () => void): CancelTimer {
    if (!(periodMs > 0)) throw new RangeError(`cannot repeat every ${periodMs} ms`);
    const repeat = (): void => {
      cancelNext = this.#add(periodMs, repeat);
      run();
    };
    let cancelNext = this.#add(periodMs, repeat);
    return () => cancelNext();
  }

  /** Moves the time on and runs all timers that fall due on the way. */
  advance(ms: number): void {
    if (!(ms >= 0)) throw new RangeError(`cannot advance by ${ms} ms`);
    const end = this.#now + ms;
    for (let next = this.#next(end); next !== undefined; next = this.#next(end)) {
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.dueAt);
      next.run();
    }
    this.#now = end;
  }

  #add(delayMs: number, run: () => void): CancelTimer {
    const dueAt = this.#now + Math.max(0, delayMs);
    const timer: FakeTimer = { dueAt, order: this.#order++, run };
    this.#timers.add(timer);
    return () => {
      this.#timers.delete(timer);
    };
  }

  #next(end: number): FakeTimer | undefined {
    let first: FakeTimer | undefined;
    for (const timer of this.#timers) {
      if (timer.dueAt > end) continue;
      if (
        first === undefined ||
        timer.dueAt < first.dueAt ||
        (timer.dueAt === first.dueAt && timer.order < first.order)
      ) {
        first = timer;
      }
    }
    return first;
  }
}

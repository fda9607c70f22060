import { performance } from 'node:perf_hooks';
import { OptionError } from './errors.ts';

/** Cancels a timer; calling it again does nothing. */
export type CancelTimer = () => void;

/** Where time comes from. Production uses {@link systemClock}, tests a fake one. */
export interface Clock {
  /** Monotonic time, in milliseconds with fractions. */
  now(): number;
  /** Wall-clock time, in milliseconds since 1970. */
  wallNow(): number;
  /** Runs once after a delay in milliseconds. Never keeps the process alive. */
  after(delayMs: number, run: () => void): CancelTimer;
  /** Runs again and again, each time after a delay in milliseconds. Never keeps the process alive. */
  every(periodMs: number, run: () => void): CancelTimer;
}

type Timer = ReturnType<typeof setTimeout> & { unref?: () => void };

/** The real time of this machine. HOT: the global `performance` would be looked up by a getter each time; guarded by `npm run bench`. */
export const systemClock: Clock = Object.freeze({
  now: () => performance.now(),
  wallNow: () => Date.now(),
  after(delayMs: number, run: () => void) {
    const timer: Timer = setTimeout(run, delayMs);
    timer.unref?.();
    return () => clearTimeout(timer);
  },
  every(periodMs: number, run: () => void) {
    const timer: Timer = setInterval(run, periodMs);
    timer.unref?.();
    return () => clearInterval(timer);
  },
});

/** The longest delay that timers of JavaScript know: about 24 days. */
export const MAX_TIMER_MS = 2_147_483_647;

/** A clock option: the system's clock when absent. @throws {OptionError} when it cannot tell the time, or runs nothing later. */
export function clockOption(name: string, value: unknown): Clock {
  if (value === undefined) return systemClock;
  const { now, after } = (value ?? {}) as Partial<Clock>;
  if (typeof now !== 'function' || typeof after !== 'function') throw new OptionError(name, 'must be a Clock', value);
  return value as Clock;
}

import type { Clock } from './clock.ts';
import { Histogram } from './histogram.ts';

/** How one pool is used: of connections, or of workers, whose callers are tasks. */
export interface PoolStatistics {
  /** Open connections, or live workers. */
  readonly size: number;
  /** Most that the pool opens. */
  readonly max: number;
  readonly inUse: number;
  readonly idle: number;
  /** Callers that wait for one. */
  readonly waiting: number;
  /** Share of `max` in use, 0 to 1. */
  readonly utilization: number;
  /** Waits over the last one to two minutes, in milliseconds; quantiles within 3.2 %. */
  readonly waitTime: { readonly average: number; readonly p50: number; readonly p95: number; readonly p99: number };
  /** Handed out since the start. */
  readonly acquired: number;
  /** How long their callers waited altogether, in milliseconds. */
  readonly waitedMs: number;
  /** Those that could not be made or were lost, since the start. */
  readonly errors: number;
  /** Callers that waited too long, or found the queue full, since the start. */
  readonly timeouts: number;
}

const WINDOW_MS = 60_000;

/** Counts what a pool does; waits in two histograms that take turns, so that old ones are forgotten. */
export class PoolMeter {
  acquired = 0;
  waitedMs = 0;
  errors = 0;
  timeouts = 0;
  readonly #clock: Clock;
  #recent = new Histogram();
  #earlier = new Histogram();
  #turnedAt: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#turnedAt = clock.now();
  }

  /** Counts a connection that was handed out without waiting. HOT: every query; guarded by `npm run bench`. */
  countImmediate(): void {
    this.acquired++;
    this.#recent.record(0);
  }

  countWaited(waitedMs: number): void {
    this.#turn();
    this.acquired++;
    this.waitedMs += waitedMs;
    this.#recent.record(waitedMs * 1_000);
  }

  figures(now: Pick<PoolStatistics, 'size' | 'max' | 'inUse' | 'waiting'>): PoolStatistics {
    this.#turn();
    const waits = new Histogram();
    waits.merge(this.#recent);
    waits.merge(this.#earlier);
    const ms = (microseconds: number): number => microseconds / 1_000;
    return {
      ...now,
      idle: now.size - now.inUse,
      utilization: now.max === 0 ? 0 : now.inUse / now.max,
      waitTime: {
        average: ms(waits.mean),
        p50: ms(waits.quantile(0.5)),
        p95: ms(waits.quantile(0.95)),
        p99: ms(waits.quantile(0.99)),
      },
      acquired: this.acquired,
      waitedMs: this.waitedMs,
      errors: this.errors,
      timeouts: this.timeouts,
    };
  }

  #turn(): void {
    const elapsed = this.#clock.now() - this.#turnedAt;
    if (elapsed < WINDOW_MS) return;
    [this.#recent, this.#earlier] = [this.#earlier, this.#recent];
    this.#recent.reset();
    if (elapsed >= 2 * WINDOW_MS) this.#earlier.reset();
    this.#turnedAt = this.#clock.now();
  }
}

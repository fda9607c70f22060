import type { Clock } from '../kernel/clock.ts';
import { Histogram } from '../kernel/histogram.ts';
import type { EngineSignals, Unsubscribe } from '../signal/signal.ts';

/** Requests as counted since the start, and as rates and times over the last one to two minutes. */
export interface RequestFigures {
  readonly total: number;
  readonly errors: number;
  /** Over the last minute, or since the start where that is shorter. */
  readonly perSecond: number;
  /** Share of failed requests, 0 to 1, over the same time. */
  readonly errorRate: number;
  /** In milliseconds; quantiles within 3.2 %. */
  readonly responseTime: { readonly average: number; readonly p50: number; readonly p95: number; readonly p99: number };
}

const WINDOW_SECONDS = 60;

/** Counts requests and their times, in bounded memory. */
export class RequestMeter {
  readonly #clock: Clock;
  readonly #startedAt: number;
  readonly #counts = new Float64Array(WINDOW_SECONDS);
  readonly #failures = new Float64Array(WINDOW_SECONDS);
  #second: number;
  #total = 0;
  #errors = 0;
  #times = new Histogram();
  #earlierTimes = new Histogram();
  #rotatedAt: number;
  readonly #unsubscribe: Unsubscribe;

  constructor(signals: EngineSignals, clock: Clock) {
    this.#clock = clock;
    this.#startedAt = clock.now();
    this.#second = Math.floor(this.#startedAt / 1_000);
    this.#rotatedAt = this.#second;
    this.#unsubscribe = signals.request.on(({ outcome, durationMs, finishedAt }) =>
      this.#record(outcome === 'error' || outcome === 'tool_error', durationMs, finishedAt),
    );
  }

  figures(): RequestFigures {
    this.#advance(this.#clock.now());
    const count = this.#counts.reduce((sum, value) => sum + value, 0);
    const failed = this.#failures.reduce((sum, value) => sum + value, 0);
    const seconds = Math.min(WINDOW_SECONDS, Math.max(1, (this.#clock.now() - this.#startedAt) / 1_000));
    const times = new Histogram();
    times.merge(this.#times);
    times.merge(this.#earlierTimes);
    const ms = (microseconds: number): number => microseconds / 1_000;
    return {
      total: this.#total,
      errors: this.#errors,
      perSecond: count / seconds,
      errorRate: count === 0 ? 0 : failed / count,
      responseTime: {
        average: ms(times.mean),
        p50: ms(times.quantile(0.5)),
        p95: ms(times.quantile(0.95)),
        p99: ms(times.quantile(0.99)),
      },
    };
  }

  close(): void {
    this.#unsubscribe();
  }

  #record(failed: boolean, durationMs: number, finishedAt: number): void {
    this.#advance(finishedAt);
    const slot = this.#second % WINDOW_SECONDS;
    this.#counts[slot] = (this.#counts[slot] ?? 0) + 1;
    this.#total++;
    if (failed) {
      this.#failures[slot] = (this.#failures[slot] ?? 0) + 1;
      this.#errors++;
    }
    this.#times.record(durationMs * 1_000);
  }

  /** Empties the slots of seconds that have passed, and once a minute starts a new histogram. */
  #advance(nowMs: number): void {
    const now = Math.floor(nowMs / 1_000);
    if (now === this.#second) return;
    for (let second = Math.max(this.#second + 1, now - WINDOW_SECONDS + 1); second <= now; second++) {
      this.#counts[second % WINDOW_SECONDS] = 0;
      this.#failures[second % WINDOW_SECONDS] = 0;
    }
    this.#second = now;
    if (now - this.#rotatedAt < WINDOW_SECONDS) return;
    [this.#times, this.#earlierTimes] = [this.#earlierTimes, this.#times];
    this.#times.reset();
    if (now - this.#rotatedAt >= 2 * WINDOW_SECONDS) this.#earlierTimes.reset();
    this.#rotatedAt = now;
  }
}

import type { Clock } from '../kernel/clock.ts';
import { Histogram } from '../kernel/histogram.ts';
import type { EngineSignals, RequestEvent } from '../signal/signal.ts';
import { RequestSeries } from './request-series.ts';

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

/** Counts requests and their times once, in bounded memory; rates and recent times are differences to what was known before. */
export class RequestMeter {
  readonly series = new RequestSeries();
  readonly #clock: Clock;
  readonly #startedAt: number;
  /** Totals at the beginning of each of the last seconds. */
  readonly #totals = new Float64Array(WINDOW_SECONDS);
  readonly #failures = new Float64Array(WINDOW_SECONDS);
  #second: number;
  #total = 0;
  #errors = 0;
  /** All times up to one to two minutes ago, and up to the last minute's beginning. */
  #earlierTimes = new Histogram();
  #recentTimes = new Histogram();
  #rotatedAt: number;

  constructor(signals: EngineSignals, clock: Clock) {
    this.#clock = clock;
    this.#startedAt = clock.now();
    this.#second = Math.floor(this.#startedAt / 1_000);
    this.#rotatedAt = this.#second;
    signals.request.on((event) => this.#record(event));
  }

  figures(): RequestFigures {
    this.#advance(this.#clock.now());
    const oldest = (this.#second + 1) % WINDOW_SECONDS;
    const count = this.#total - (this.#totals[oldest] ?? 0);
    const failed = this.#errors - (this.#failures[oldest] ?? 0);
    const seconds = Math.min(WINDOW_SECONDS, Math.max(1, (this.#clock.now() - this.#startedAt) / 1_000));
    const times = this.#times();
    times.subtract(this.#earlierTimes);
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

  /** HOT: once a request; nothing is allocated for one; guarded by `npm run bench -- monitor`. */
  #record({ method, target, outcome, durationMs, finishedAt }: RequestEvent): void {
    if (Math.floor(finishedAt / 1_000) !== this.#second) this.#advance(finishedAt);
    const ending = this.series.of(method, target).ending(outcome);
    ending.count++;
    ending.times.record(durationMs * 1_000);
    this.#total++;
    if (outcome === 'error' || outcome === 'tool_error') this.#errors++;
  }

  #times(): Histogram {
    const all = new Histogram();
    for (const series of this.series.all()) for (const times of series.histograms()) all.merge(times);
    return all;
  }

  /** Notes the totals for the seconds that have begun, and once a minute all times. */
  #advance(nowMs: number): void {
    const now = Math.floor(nowMs / 1_000);
    if (now <= this.#second) return;
    for (let second = Math.max(this.#second + 1, now - WINDOW_SECONDS + 1); second <= now; second++) {
      this.#totals[second % WINDOW_SECONDS] = this.#total;
      this.#failures[second % WINDOW_SECONDS] = this.#errors;
    }
    this.#second = now;
    if (now - this.#rotatedAt < WINDOW_SECONDS) return;
    const isLongAgo = now - this.#rotatedAt >= 2 * WINDOW_SECONDS;
    const times = this.#times();
    this.#earlierTimes = isLongAgo ? times : this.#recentTimes;
    this.#recentTimes = times;
    this.#rotatedAt = now;
  }
}

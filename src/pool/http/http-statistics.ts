import { Histogram } from '../../kernel/histogram.ts';

/** What a pool of HTTP connections does now, and did since it was made. */
export interface HttpConnectionStatistics {
  /** Open connections. */
  readonly size: number;
  /** Most connections. */
  readonly max: number;
  /** Connections with a call on them. */
  readonly inUse: number;
  /** Connections without one. */
  readonly idle: number;
  /** Calls that are not sent yet. */
  readonly waiting: number;
  /** Share of `max` that calls have taken, from 0 to 1; of a whole pool, that of its busiest origin. */
  readonly utilization: number;
  /** From the call to the sending of the request, in milliseconds. */
  readonly waitTime: {
    readonly average: number;
    readonly p50: number;
    readonly p95: number;
    readonly p99: number;
  };
  /** Requests sent. */
  readonly acquired: number;
  /** Calls that failed, timeouts included; those that their caller cancelled are not. */
  readonly errors: number;
  readonly timeouts: number;
}

/** The same for one origin; calls through the guard have connections of their own. */
export interface HttpOriginStatistics extends HttpConnectionStatistics {
  readonly origin: string;
  readonly guarded: boolean;
}

export interface HttpPoolStatistics extends HttpConnectionStatistics {
  readonly origins: readonly HttpOriginStatistics[];
}

/** Counts of calls; wait times in microseconds. */
export class CallTally {
  acquired = 0;
  errors = 0;
  timeouts = 0;
  readonly #wait = new Histogram();

  sent(waitedMs: number): void {
    this.acquired++;
    this.#wait.record(waitedMs * 1_000);
  }

  toStatistics(): Pick<HttpConnectionStatistics, 'acquired' | 'errors' | 'timeouts' | 'waitTime'> {
    const wait = this.#wait;
    return {
      acquired: this.acquired,
      errors: this.errors,
      timeouts: this.timeouts,
      waitTime: {
        average: wait.mean / 1_000,
        p50: wait.quantile(0.5) / 1_000,
        p95: wait.quantile(0.95) / 1_000,
        p99: wait.quantile(0.99) / 1_000,
      },
    };
  }
}

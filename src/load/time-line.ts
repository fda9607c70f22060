import { LatencyHistogram } from './latency-histogram.ts';

/** What happened in one second of a run. */
export interface Second {
  /** Seconds since what counts began. */
  readonly at: number;
  readonly answers: number;
  readonly errors: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly maxUs: number;
  /** What the schedule wanted: connections or requests a second. */
  readonly wanted: number;
}

/** Cuts a run into seconds. */
export class TimeLine {
  readonly seconds: Second[] = [];
  readonly #latency = new LatencyHistogram();
  #errors = 0;

  answered(ns: number): void {
    this.#latency.record(ns);
  }

  failed(): void {
    this.#errors++;
  }

  /** Puts the seconds of a later run behind these. */
  merge(later: TimeLine): void {
    const after = this.seconds.at(-1)?.at ?? 0;
    for (const second of later.seconds) this.seconds.push({ ...second, at: after + second.at });
  }

  /** Ends a second. */
  cut(at: number, wanted: number): Second {
    const { p50Us, p99Us, maxUs, count } = this.#latency.summary();
    const second = { at, answers: count, errors: this.#errors, p50Us, p99Us, maxUs, wanted: Math.round(wanted) };
    this.seconds.push(second);
    this.#latency.reset();
    this.#errors = 0;
    return second;
  }
}

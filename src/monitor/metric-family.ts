export type MetricKind = 'counter' | 'gauge' | 'histogram';

/**
 * Counted values in the log-linear buckets of `kernel/histogram.ts`, which holds whole millionths of the family's unit, such as
 * microseconds; data of several instances merge by addition.
 */
export interface HistogramData {
  readonly count: number;
  /** In the family's unit. */
  readonly sum: number;
  /** Index and count of each bucket that is not empty, by index. */
  readonly buckets: readonly (readonly [index: number, count: number])[];
}

/** One series of a family: `value` of counters and gauges, `histogram` of histograms. */
export interface MetricSample {
  /** Values come from closed sets: registered names, outcomes, states. Never from a request. */
  readonly labels: { readonly [name: string]: string };
  readonly value?: number;
  readonly histogram?: HistogramData;
}

/** A metric with all its series, as plain JSON: what is scraped, sent to a supervisor, merged and exported. */
export interface MetricFamily {
  /** As Prometheus spells it, unit included, without `_total`. */
  readonly name: string;
  readonly kind: MetricKind;
  readonly help: string;
  readonly unit?: 'seconds' | 'bytes' | 'ratio';
  readonly samples: readonly MetricSample[];
}

/** All metrics of one instance at one time. */
export interface MetricSnapshot {
  /** The instance's name, such as `1`; of a server alone it is empty. */
  readonly instance: string;
  /** Wall-clock times in milliseconds since 1970. */
  readonly at: number;
  readonly startedAt: number;
  readonly families: readonly MetricFamily[];
}

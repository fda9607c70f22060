import type { Histogram } from '../kernel/histogram.ts';
import type { MetricDefinition } from './definitions.ts';
import type { HistogramData, MetricFamily, MetricSample } from './metric-family.ts';

export type Labels = MetricSample['labels'];

/** Whole units of a histogram in one of its metric's. */
export const PER_UNIT = 1e6;

/** A histogram of millionths as a metric has it. */
export function toHistogramData(histogram: Histogram): HistogramData {
  return { count: histogram.count, sum: histogram.sum / PER_UNIT, buckets: histogram.buckets() };
}

/** A metric with its series. */
export function toFamily(
  { labels: _, ...definition }: MetricDefinition,
  samples: readonly MetricSample[],
): MetricFamily {
  return { ...definition, samples };
}

/** A metric with one series and no labels; with none where there is no value. */
export function single(definition: MetricDefinition, value: number | undefined): MetricFamily {
  return toFamily(definition, value === undefined ? [] : [{ labels: {}, value }]);
}

/** A metric with the series of a table: values by their one label. */
export function byLabel(definition: MetricDefinition, values: Iterable<readonly [string, number]>): MetricFamily {
  const [label = ''] = definition.labels;
  const samples = Array.from(values, ([name, value]) => ({ labels: { [label]: name }, value }));
  return toFamily(definition, samples);
}

/** Series of one counter whose labels come from closed sets, made when they are first counted. */
export class LabelledCounter {
  readonly #definition: MetricDefinition;
  readonly #series = new Map<string, { readonly labels: Labels; value: number }>();

  constructor(definition: MetricDefinition) {
    this.#definition = definition;
  }

  /** Counts one, by values of the labels in their defined order. */
  count(...values: readonly string[]): void {
    const key = values.join('\0');
    let series = this.#series.get(key);
    if (series === undefined) {
      const { labels } = this.#definition;
      series = { labels: Object.fromEntries(values.map((value, at) => [labels[at] ?? '', value])), value: 0 };
      this.#series.set(key, series);
    }
    series.value++;
  }

  family(): MetricFamily {
    return toFamily(
      this.#definition,
      Array.from(this.#series.values(), (series) => ({ ...series })),
    );
  }
}

import { OptionError } from '../kernel/errors.ts';
import { Histogram } from '../kernel/histogram.ts';
import { objectOption, stringOption } from '../kernel/options.ts';
import { PER_UNIT, toHistogramData } from './families.ts';
import type { CustomMetricFigures } from './figures.ts';
import type { MetricFamily, MetricKind } from './metric-family.ts';

/** What a business metric is; said once, or each time alike. */
export interface CustomMetricOptions {
  /** A `counter` adds up what is recorded, a `gauge` has the last value, a `histogram` counts values by size. @default 'gauge' */
  readonly kind?: MetricKind;
  /** One line for those who read the metric. */
  readonly help?: string;
}

interface CustomMetric {
  readonly kind: MetricKind;
  readonly help: string;
  readonly exposed: string;
  readonly histogram: Histogram | undefined;
  last: number;
  count: number;
  sum: number;
}

const KINDS: readonly unknown[] = ['counter', 'gauge', 'histogram'];
const MAX_CUSTOM_METRICS = 1_000;
/** What the exposition appends itself, or reserves. */
const RESERVED_END = /(_(total|sum|count|bucket|created|info))+$/;

/** Business metrics by the names that authors gave them. */
export class CustomMetrics {
  readonly #metrics = new Map<string, CustomMetric>();
  readonly #exposed = new Map<string, string>();

  /** @throws {OptionError} when the name is not a metric's name, the value not one of its kind, or there are too many names. */
  record(name: string, value: number, options?: CustomMetricOptions): void {
    if (typeof name !== 'string' || !/^[A-Za-z_][\w.:-]{0,127}$/.test(name))
      throw new OptionError('metric name', 'must start with a letter and hold only letters, digits and _.:-', name);
    if (typeof value !== 'number' || !Number.isFinite(value))
      throw new OptionError(`metric "${name}"`, 'must be a finite number', value);
    const known = this.#metrics.get(name);
    const metric = known === undefined || options !== undefined ? this.#define(name, options, known) : known;
    if (metric.kind !== 'gauge' && value < 0)
      throw new OptionError(`metric "${name}"`, `must not be negative: it is a ${metric.kind}`, value);
    if (known === undefined) {
      this.#metrics.set(name, metric);
      this.#exposed.set(metric.exposed, name);
    }
    metric.last = value;
    metric.count++;
    metric.sum += value;
    metric.histogram?.record(value * PER_UNIT);
  }

  figures(): { readonly [name: string]: CustomMetricFigures } {
    const entries = Array.from(this.#metrics, ([name, { last, count, sum }]) => [name, { last, count, sum }] as const);
    return Object.fromEntries(entries);
  }

  families(): MetricFamily[] {
    return Array.from(this.#metrics.values(), ({ kind, help, exposed: name, histogram, last, sum }) => {
      const value = kind === 'counter' ? sum : last;
      const sample = histogram === undefined ? { value } : { histogram: toHistogramData(histogram) };
      return { name, kind, help, samples: [{ labels: {}, ...sample }] };
    });
  }

  #define(name: string, options: unknown, known: CustomMetric | undefined): CustomMetric {
    const given = objectOption(`metric "${name}"`, options, ['kind', 'help']);
    const kind = given.kind ?? known?.kind ?? 'gauge';
    if (!KINDS.includes(kind))
      throw new OptionError(`metric "${name}".kind`, "must be 'counter', 'gauge' or 'histogram'", kind);
    const help = stringOption(`metric "${name}".help`, given.help, known?.help ?? `Recorded as ${name}.`);
    if (known !== undefined) {
      if (kind !== known.kind) throw new OptionError(`metric "${name}".kind`, `is "${known.kind}" already`, kind);
      return known;
    }
    if (this.#metrics.size >= MAX_CUSTOM_METRICS)
      throw new OptionError('metric name', `must be one of at most ${MAX_CUSTOM_METRICS}`, name);
    const exposed = `custom_${name.replace(/\W/g, '_')}`.replace(RESERVED_END, '');
    const other = this.#exposed.get(exposed);
    if (other !== undefined)
      throw new OptionError('metric name', `must differ from "${other}" in letters or digits`, name);
    const histogram = kind === 'histogram' ? new Histogram() : undefined;
    return { kind: kind as MetricKind, help, exposed, histogram, last: 0, count: 0, sum: 0 };
  }
}

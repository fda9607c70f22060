import { Histogram, upperEdge } from '../kernel/histogram.ts';
import { PER_UNIT } from './families.ts';
import type { HistogramData, MetricFamily } from './metric-family.ts';

export const EMPTY: HistogramData = Object.freeze({ count: 0, sum: 0, buckets: Object.freeze([]) });

/** From 50 µs on; above 10 ms those of OpenTelemetry's conventions for MCP. */
const TIME_BOUNDS = [
  0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300,
];
/** Of authors' own histograms, whose unit is not known. */
const PLAIN_BOUNDS = [-3, -2, -1, 0, 1, 2, 3, 4, 5].flatMap((power) =>
  [1, 2, 5].map((step) => Number(`${step}e${power}`)),
);

/** All that these have counted. */
export function sumHistograms(all: readonly HistogramData[]): HistogramData {
  const [first = EMPTY] = all;
  if (all.length <= 1) return first;
  const histogram = new Histogram();
  let sum = 0;
  for (const each of all) {
    histogram.add(each.buckets, 0);
    sum = addDecimals(sum, each.sum);
  }
  return { count: histogram.count, sum, buckets: histogram.buckets() };
}

/** What was counted since an earlier time. What an instance that is gone had counted is not taken away twice: no count is negative. */
export function subtractHistograms(now: HistogramData, earlier: HistogramData): HistogramData {
  if (earlier.count === 0) return now;
  const before = new Map(earlier.buckets);
  const buckets: [number, number][] = [];
  let count = 0;
  for (const bucket of now.buckets) {
    const more = bucket[1] - (before.get(bucket[0]) ?? 0);
    if (more <= 0) continue;
    buckets.push([bucket[0], more]);
    count += more;
  }
  return { count, sum: Math.max(0, addDecimals(now.sum, -earlier.sum)), buckets };
}

/** The smallest value, in the metric's unit, that a share of all values does not exceed, within 3.2 % above; 0 when empty. */
export function quantileOf({ count, buckets }: HistogramData, share: number): number {
  const rank = Math.max(1, Math.ceil(share * count));
  let seen = 0;
  for (const bucket of buckets) {
    seen += bucket[1];
    if (seen >= rank) return upperEdge(bucket[0]) / PER_UNIT;
  }
  return 0;
}

/** Upper bounds of the buckets that histograms of a unit are exported in. */
export function boundsOf(unit: MetricFamily['unit']): readonly number[] {
  return unit === 'seconds' ? TIME_BOUNDS : PLAIN_BOUNDS;
}

/** How many values are within each bound. A bucket counts there when all of it is below: no value counts as smaller than it was. */
export function cumulate({ buckets }: HistogramData, bounds: readonly number[]): number[] {
  let [next, below] = [0, 0];
  return bounds.map((bound) => {
    for (let bucket = buckets[next]; bucket !== undefined && upperEdge(bucket[0]) < bound * PER_UNIT; ) {
      below += bucket[1];
      bucket = buckets[++next];
    }
    return below;
  });
}

/** Sums of millionths, free of what binary fractions add to them: the order of additions makes no difference. */
export function addDecimals(a: number, b: number): number {
  const sum = a + b;
  return Math.abs(sum) < Number.MAX_SAFE_INTEGER / PER_UNIT ? Math.round(sum * PER_UNIT) / PER_UNIT : sum;
}

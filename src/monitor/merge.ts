import type { Labels } from './families.ts';
import { addDecimals, sumHistograms } from './histogram-data.ts';
import type { MetricFamily, MetricSample, MetricSnapshot } from './metric-family.ts';

interface Merging {
  readonly family: MetricFamily;
  /** The same series of all instances, by labels. */
  readonly series: Map<string, MetricSample[]>;
}

/**
 * The metrics of several instances as those of one: counters and histograms add, a gauge keeps a series for each instance.
 *
 * Merged snapshots merge further; the order makes no difference.
 */
export function mergeSnapshots(snapshots: readonly MetricSnapshot[]): MetricSnapshot {
  const merging = new Map<string, Merging>();
  for (const { instance, families } of snapshots) {
    for (const family of families) {
      const known = merging.get(family.name) ?? { family, series: new Map<string, MetricSample[]>() };
      merging.set(family.name, known);
      if (known.family.kind !== family.kind) continue; // Instances of two versions: what means two things is not added.
      const isApart = family.kind === 'gauge' && instance !== '';
      for (const sample of family.samples) collect(known.series, isApart ? ofInstance(sample, instance) : sample);
    }
  }
  const sorted = [...merging.values()].toSorted((a, b) => (a.family.name < b.family.name ? -1 : 1));
  return {
    instance: '',
    at: Math.max(0, ...snapshots.map(({ at }) => at)),
    startedAt: snapshots.length === 0 ? 0 : Math.min(...snapshots.map(({ startedAt }) => startedAt)),
    families: sorted.map(({ family, series }) => ({ ...family, samples: sumSeries(series) })),
  };
}

function ofInstance(sample: MetricSample, instance: string): MetricSample {
  return { ...sample, labels: { ...sample.labels, instance } };
}

function collect(series: Merging['series'], sample: MetricSample): void {
  const key = keyOf(sample.labels);
  const same = series.get(key);
  if (same === undefined) series.set(key, [sample]);
  else same.push(sample);
}

function sumSeries(series: Merging['series']): MetricSample[] {
  const sorted = [...series].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return sorted.map(([, [first = NOTHING, ...more]]) => (more.length === 0 ? first : sumSamples(first, more)));
}

function sumSamples(first: MetricSample, more: readonly MetricSample[]): MetricSample {
  const { labels } = first;
  const all = [first, ...more];
  if (first.histogram === undefined)
    return { labels, value: all.reduce((sum, { value = 0 }) => addDecimals(sum, value), 0) };
  return { labels, histogram: sumHistograms(all.flatMap(({ histogram }) => histogram ?? [])) };
}

const NOTHING: MetricSample = Object.freeze({ labels: {} });

/** Labels of one metric come in one order everywhere. */
function keyOf(labels: Labels): string {
  let key = '';
  for (const name in labels) key += `${name}\0${labels[name]}\0`;
  return key;
}

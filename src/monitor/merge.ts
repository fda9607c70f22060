import type { Labels } from './families.ts';
import { addDecimals, addHistograms } from './histogram-data.ts';
import type { MetricFamily, MetricSample, MetricSnapshot } from './metric-family.ts';

/**
 * The metrics of several instances as those of one: counters and histograms add, a gauge keeps a series for each instance.
 *
 * Merged snapshots merge further; the order makes no difference.
 */
export function mergeSnapshots(snapshots: readonly MetricSnapshot[]): MetricSnapshot {
  const merged = new Map<string, { readonly family: MetricFamily; readonly samples: Map<string, MetricSample> }>();
  for (const { instance, families } of snapshots) {
    for (const family of families) {
      let entry = merged.get(family.name);
      if (entry === undefined) {
        entry = { family, samples: new Map() };
        merged.set(family.name, entry);
      } else if (entry.family.kind !== family.kind) continue; // Instances of two versions: what means two things is not added.
      for (const sample of family.samples)
        addSample(entry.samples, family.kind === 'gauge' ? ofInstance(sample, instance) : sample);
    }
  }
  const names = [...merged.keys()].toSorted();
  return {
    instance: '',
    at: Math.max(0, ...snapshots.map(({ at }) => at)),
    startedAt: snapshots.length === 0 ? 0 : Math.min(...snapshots.map(({ startedAt }) => startedAt)),
    families: names.flatMap((name) => {
      const entry = merged.get(name);
      return entry === undefined ? [] : [{ ...entry.family, samples: sorted(entry.samples) }];
    }),
  };
}

function ofInstance(sample: MetricSample, instance: string): MetricSample {
  return instance === '' ? sample : { ...sample, labels: { ...sample.labels, instance } };
}

function addSample(samples: Map<string, MetricSample>, sample: MetricSample): void {
  const key = keyOf(sample.labels);
  const known = samples.get(key);
  if (known === undefined) samples.set(key, sample);
  else if (sample.histogram !== undefined && known.histogram !== undefined)
    samples.set(key, { ...known, histogram: addHistograms(known.histogram, sample.histogram) });
  else samples.set(key, { ...known, value: addDecimals(known.value ?? 0, sample.value ?? 0) });
}

function sorted(samples: Map<string, MetricSample>): MetricSample[] {
  return [...samples].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, sample]) => sample);
}

function keyOf(labels: Labels): string {
  return JSON.stringify(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

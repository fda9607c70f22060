import type { MetricDefinition } from './definitions.ts';
import type { Labels } from './families.ts';
import { sumHistograms } from './histogram-data.ts';
import type { HistogramData, MetricSample, MetricSnapshot } from './metric-family.ts';

type Chooses = (labels: Labels) => boolean;
const ALL: Chooses = () => true;

/** Reads single figures out of a snapshot, of one instance or of several. */
export class Readings {
  readonly at: number;
  readonly #families: ReadonlyMap<string, readonly MetricSample[]>;
  readonly #sums = new Map<MetricDefinition, HistogramData>();

  constructor({ at, families }: MetricSnapshot) {
    this.at = at;
    this.#families = new Map(families.map(({ name, samples }) => [name, samples]));
  }

  samples({ name }: MetricDefinition): readonly MetricSample[] {
    return this.#families.get(name) ?? [];
  }

  sum(definition: MetricDefinition, chooses: Chooses = ALL): number {
    let sum = 0;
    for (const { labels, value = 0 } of this.samples(definition)) if (chooses(labels)) sum += value;
    return sum;
  }

  max(definition: MetricDefinition, chooses: Chooses = ALL): number {
    let max = 0;
    for (const { labels, value = 0 } of this.samples(definition)) if (chooses(labels)) max = Math.max(max, value);
    return max;
  }

  /** All series of a histogram together. */
  histogram(definition: MetricDefinition): HistogramData {
    let sum = this.#sums.get(definition);
    if (sum === undefined) {
      sum = sumHistograms(this.samples(definition).flatMap(({ histogram }) => histogram ?? []));
      this.#sums.set(definition, sum);
    }
    return sum;
  }

  /** The values that a label has. */
  values(definition: MetricDefinition, label: string): string[] {
    return [...new Set(this.samples(definition).map(({ labels }) => labels[label] ?? ''))];
  }
}

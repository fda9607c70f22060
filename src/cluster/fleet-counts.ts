import {
  METRICS,
  type MetricFamily,
  type MetricSnapshot,
  mergeSnapshots,
  type ScalingFigures,
  scalingFamilies,
  toFamily,
} from '../monitor/monitor.ts';
import type { Fleet } from './fleet.ts';
import type { Instance } from './instance.ts';

const NOTHING: MetricSnapshot = Object.freeze({ instance: '', at: 0, startedAt: 0, families: [] });
const STATES = { starting: 'starting', ready: 'ready', unresponsive: 'not-ready', draining: 'draining' } as const;

/** What is counted of instances from outside, and what those that are gone had counted: totals never fall. */
export class FleetCounts {
  /** Counters and histograms of all that are gone. */
  departed: MetricSnapshot = NOTHING;
  readonly #fleet: Fleet;
  readonly #scaling: () => ScalingFigures;
  #failures = 0;

  constructor(fleet: Fleet, scaling: () => ScalingFigures) {
    this.#fleet = fleet;
    this.#scaling = scaling;
    fleet.changed.on(({ instance, stage }) => {
      if (stage === 'gone') this.#depart(instance);
    });
  }

  families(): MetricFamily[] {
    const counts = new Map<string, number>(Object.values(STATES).map((state) => [state, 0]));
    for (const { stage } of this.#fleet.instances) {
      if (stage === 'gone') continue;
      const state = STATES[stage];
      counts.set(state, (counts.get(state) ?? 0) + 1);
    }
    const samples = Array.from(counts, ([state, value]) => ({ labels: { state }, value }));
    return [
      toFamily(METRICS.instances, samples),
      toFamily(METRICS.instanceFailures, [{ labels: {}, value: this.#failures }]),
      ...scalingFamilies(this.#scaling()),
    ];
  }

  #depart({ snapshot, failure }: Instance): void {
    if (failure !== undefined) this.#failures++;
    if (snapshot === undefined) return;
    const families = snapshot.families.filter(({ kind }) => kind !== 'gauge');
    // Without its name: of what is gone only the sums are kept.
    const last = { ...snapshot, instance: '', families };
    this.departed = this.departed === NOTHING ? mergeSnapshots([last]) : mergeSnapshots([this.departed, last]);
  }
}

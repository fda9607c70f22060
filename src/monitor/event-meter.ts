import type { BreakerState, EngineSignals } from '../signal/signal.ts';
import { METRICS } from './definitions.ts';
import { LabelledCounter, single, toFamily } from './families.ts';
import type { MetricFamily } from './metric-family.ts';

/** Breakers counted apart: authors name them. */
const MAX_BREAKERS = 1_000;
const STATES = ['closed', 'open', 'half-open'] as const;

/** Counts what the rarer signals tell: connections, refusals, breakers, workers and faults. */
export class EventMeter {
  readonly #sheds = new LabelledCounter(METRICS.sheds);
  readonly #connectionEvents = new LabelledCounter(METRICS.connectionEvents);
  readonly #transitions = new LabelledCounter(METRICS.breakerTransitions);
  readonly #workers = new LabelledCounter(METRICS.workerEvents);
  readonly #breakers = new Map<string, BreakerState>();
  #faults = 0;
  #connections = 0;

  constructor(signals: EngineSignals) {
    signals.connection.on(({ kind, open }) => {
      this.#connections = open;
      this.#connectionEvents.count(kind);
    });
    signals.limit.on(({ reason, shedClass }) => {
      if (reason !== undefined && shedClass !== undefined) this.#sheds.count(reason, shedClass);
    });
    signals.breaker.on(({ name: dependency, to }) => {
      const isOrigin = dependency.includes('://'); // Origins come from URLs of tools' arguments: no label.
      const name = isOrigin ? 'http' : dependency;
      if (!this.#breakers.has(name) && this.#breakers.size >= MAX_BREAKERS) return;
      if (!isOrigin) this.#breakers.set(name, to);
      this.#transitions.count(name, to);
    });
    signals.worker.on(({ kind, pool }) => this.#workers.count(pool, kind));
    signals.fault.on(() => {
      this.#faults++;
    });
  }

  /** States by name: those that were told of, and those that are known otherwise. */
  breakers(known: { readonly [name: string]: BreakerState }): { readonly [name: string]: BreakerState } {
    return { ...Object.fromEntries(this.#breakers), ...known };
  }

  families(breakers: { readonly [name: string]: BreakerState }): MetricFamily[] {
    const states = Object.entries(this.breakers(breakers)).flatMap(([breaker, current]) =>
      STATES.map((state) => ({ labels: { breaker, state }, value: state === current ? 1 : 0 })),
    );
    return [
      single(METRICS.faults, this.#faults),
      single(METRICS.connections, this.#connections),
      this.#connectionEvents.family(),
      this.#sheds.family(),
      this.#workers.family(),
      toFamily(METRICS.breakerState, states),
      this.#transitions.family(),
    ];
  }
}

import { FOR_WANT_OF_ROOM, type LoadSample, MeanCost } from '../balance/balance.ts';
import { METRICS, type MetricSnapshot, Readings } from '../monitor/monitor.ts';
import type { Fleet } from './fleet.ts';
import type { Instance } from './instance.ts';

/** What an instance had counted, in seconds and requests. */
interface Counted {
  readonly at: number;
  readonly busy: number;
  readonly idle: number;
  readonly requests: number;
  readonly refused: number;
  /** How late the event loop was, added up, and how often that was looked at. */
  readonly late: number;
  readonly looks: number;
}

const REFUSALS: ReadonlySet<string | undefined> = new Set(FOR_WANT_OF_ROOM);

/** Measures what all instances have to do, from one sample to the next. */
export class FleetLoad {
  readonly #fleet: Fleet;
  readonly #before = new WeakMap<Instance, Counted>();
  readonly #cost = new MeanCost();

  constructor(fleet: Fleet) {
    this.#fleet = fleet;
  }

  /** What happened since the sample before. */
  sample(): LoadSample {
    const sum = { utilization: 0, backlogSeconds: 0, shedPerSecond: 0, busy: 0, requests: 0 };
    const counted = this.#fleet.instances.filter(({ isCounted }) => isCounted);
    for (const instance of counted) this.#add(instance, sum);
    this.#cost.add(sum.busy, sum.requests);
    const starting = counted.filter(({ stage }) => stage === 'starting').length;
    return {
      instances: counted.length - starting,
      starting,
      utilization: sum.utilization,
      backlogSeconds: sum.backlogSeconds,
      shedPerSecond: sum.shedPerSecond,
      meanCostSeconds: this.#cost.seconds,
    };
  }

  #add(
    instance: Instance,
    sum: { utilization: number; backlogSeconds: number; shedPerSecond: number; busy: number; requests: number },
  ): void {
    const { snapshot } = instance;
    // A loop that stands still tells nothing, and is as busy as can be.
    if (instance.stage === 'unresponsive') sum.utilization += 1;
    if (snapshot === undefined) return;
    const [now, before] = [countedOf(snapshot), this.#before.get(instance)];
    this.#before.set(instance, now);
    if (before === undefined || now.at <= before.at || instance.stage === 'unresponsive') return;
    const [busy, idle] = [now.busy - before.busy, now.idle - before.idle];
    sum.utilization += busy + idle > 0 ? busy / (busy + idle) : 0;
    sum.shedPerSecond += (1_000 * (now.refused - before.refused)) / (now.at - before.at);
    const looks = now.looks - before.looks;
    sum.backlogSeconds += looks > 0 ? (now.late - before.late) / looks : 0;
    sum.busy += busy;
    sum.requests += now.requests - before.requests;
  }
}

function countedOf(snapshot: MetricSnapshot): Counted {
  const readings = new Readings(snapshot);
  const { sum: late, count: looks } = readings.histogram(METRICS.loopDelay);
  return {
    late,
    looks,
    at: snapshot.at,
    busy: readings.sum(METRICS.loopActive),
    idle: readings.sum(METRICS.loopIdle),
    requests: readings.sum(METRICS.requests),
    refused: readings.sum(METRICS.sheds, ({ reason }) => REFUSALS.has(reason)),
  };
}

import {
  AUTOSCALER_KEYS,
  Autoscaler,
  type AutoscalerOptions,
  FOR_WANT_OF_ROOM,
  MeanCost,
  resolveAutoscalerOptions,
  type ScaleRecommendation,
} from './balance/balance.ts';
import type { Clock } from './kernel/clock.ts';
import { OptionError } from './kernel/errors.ts';
import { functionOption, integerOption, objectOption } from './kernel/options.ts';
import type { LimitFigures, ScalingFigures, Vitals } from './monitor/monitor.ts';

/** When a server says that there should be more instances of it, or fewer. */
export interface ScalingOptions extends AutoscalerOptions {
  /** How many instances there are, or what knows it; they are taken to have as much to do as this one. @default 1 */
  readonly instances?: number | (() => number);
}

/** What a configuration says of scaling, checked. */
export interface ResolvedScaling {
  readonly instances: () => number;
  readonly autoscaler: Required<AutoscalerOptions>;
}

/** Checks a configuration's `scaling`; nothing where nobody wants to know. @throws {OptionError} */
export function resolveScaling(scaling: unknown): ResolvedScaling | undefined {
  if (scaling === undefined || scaling === false) return undefined;
  const given = objectOption('scaling', scaling === true ? {} : scaling, [...AUTOSCALER_KEYS, 'instances']);
  const { instances, ...autoscaler } = given;
  return Object.freeze({
    instances: instancesOption(instances),
    autoscaler: resolveAutoscalerOptions(autoscaler as AutoscalerOptions),
  });
}

/** What scaling is decided by. */
export interface ServerScalingParts {
  readonly options: ResolvedScaling;
  readonly clock: Clock;
  readonly limits: () => LimitFigures;
  /** Hears each recommendation once. */
  readonly told: (recommendation: ScaleRecommendation) => void;
}

/** Seconds that a sample is taken over. */
const SAMPLE_S = 2;

/** Observes a server, and says when there should be more instances of it, or fewer. It changes nothing itself. */
export class ServerScaling {
  readonly #parts: ServerScalingParts;
  readonly #autoscaler: Autoscaler;
  readonly #told = { up: 0, down: 0 };
  /** Of the sample that is being taken: a loop's busy seconds in how many. */
  #busy = 0;
  #seconds = 0;
  /** Counted until the sample before. */
  #admitted = 0;
  #shed = 0;
  readonly #cost = new MeanCost();

  constructor(parts: ServerScalingParts) {
    this.#parts = parts;
    this.#autoscaler = new Autoscaler(parts.options.autoscaler);
  }

  figures(): ScalingFigures {
    const { demandRatio, recommendedInstances } = this.#autoscaler;
    return { demandRatio, recommendedInstances, told: { ...this.#told } };
  }

  /** Takes in one second. */
  observe({ eventLoop }: Pick<Vitals, 'eventLoop'>): void {
    this.#busy += eventLoop.utilization;
    this.#seconds++;
    if (this.#seconds < SAMPLE_S) return;
    const { options, clock, limits, told } = this.#parts;
    const { admitted, shed, overloaded, delayMs } = limits();
    const refused = FOR_WANT_OF_ROOM.reduce((sum, reason) => sum + shed[reason], 0);
    this.#cost.add(this.#busy, admitted - this.#admitted);
    const instances = countOf(options.instances());
    const recommendation = this.#autoscaler.observe(
      {
        instances,
        starting: 0,
        utilization: (instances * this.#busy) / this.#seconds,
        backlogSeconds: overloaded ? (instances * delayMs) / 1_000 : 0,
        shedPerSecond: (instances * (refused - this.#shed)) / this.#seconds,
        meanCostSeconds: this.#cost.seconds,
      },
      clock.now(),
    );
    this.#admitted = admitted;
    this.#shed = refused;
    this.#busy = 0;
    this.#seconds = 0;
    if (recommendation === undefined) return;
    this.#told[recommendation.direction]++;
    told(recommendation);
  }
}

function instancesOption(instances: unknown): () => number {
  if (typeof instances === 'function') return functionOption('scaling.instances', instances, () => 1);
  if (instances !== undefined && typeof instances !== 'number')
    throw new OptionError('scaling.instances', 'must be an integer or a function', instances);
  const count = integerOption('scaling.instances', instances, 1, { min: 1, max: 10_000 });
  return () => count;
}

/** What a function of the author's says may be anything: there is at least this one. */
function countOf(instances: unknown): number {
  return typeof instances === 'number' && instances >= 1 ? Math.floor(instances) : 1;
}

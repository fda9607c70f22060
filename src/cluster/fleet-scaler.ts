import { Autoscaler, type AutoscalerOptions, type ScaleRecommendation } from '../balance/balance.ts';
import type { CancelTimer, Clock } from '../kernel/clock.ts';
import type { ScalingFigures } from '../monitor/monitor.ts';
import type { Fleet } from './fleet.ts';
import { FleetLoad } from './fleet-load.ts';

export interface FleetScalerParts {
  readonly fleet: Fleet;
  readonly clock: Clock;
  readonly options: AutoscalerOptions;
  /** Hears of each change before it is carried out. */
  readonly told: (recommendation: ScaleRecommendation) => void;
}

const SAMPLE_MS = 2_000;

/** Lets the number of instances follow what they have to do. */
export class FleetScaler {
  readonly #parts: FleetScalerParts;
  readonly #autoscaler: Autoscaler;
  readonly #load: FleetLoad;
  readonly #told = { up: 0, down: 0 };
  #cancel: CancelTimer | undefined;

  /** @throws {OptionError} when an option is not valid. */
  constructor(parts: FleetScalerParts) {
    this.#parts = parts;
    this.#autoscaler = new Autoscaler(parts.options);
    this.#load = new FleetLoad(parts.fleet);
  }

  figures(): ScalingFigures {
    const { demandRatio, recommendedInstances } = this.#autoscaler;
    return { demandRatio, recommendedInstances, told: { ...this.#told } };
  }

  start(): void {
    this.#cancel = this.#parts.clock.every(SAMPLE_MS, () => this.#look());
  }

  stop(): void {
    this.#cancel?.();
  }

  #look(): void {
    const { fleet, clock, told } = this.#parts;
    const recommendation = this.#autoscaler.observe(this.#load.sample(), clock.now());
    if (recommendation === undefined) return;
    this.#told[recommendation.direction]++;
    told(recommendation);
    fleet.scaleTo(recommendation.to);
  }
}

import { Autoscaler, type ChosenBackend, LoadBalancer, type ScaleRecommendation } from '../../src/balance/balance.ts';
import { seededRandom } from '../../src/kernel/random.ts';
import { exponential } from './chance.ts';
import { EventQueue } from './event-queue.ts';

/** A step of load before instances whose number the production autoscaler decides. */
export interface ScalingModel {
  /** Event loops that are asked for at first, and how many times as much from the step on. */
  readonly demand: number;
  readonly step: number;
  readonly stepAtS: number;
  readonly durationS: number;
  readonly seed: number;
  /** How far the load strays from that, anew each second: 0.3 is 30 % up or down. @default 0 */
  readonly noise?: number;
  /** Until a new instance serves, in milliseconds. @default 500 */
  readonly startMs?: number;
  /** Longest wait for an instance; who would wait longer is refused, in milliseconds. @default 400 */
  readonly patienceMs?: number;
  /** Mean cost of a request; it is exponentially distributed. @default 10 */
  readonly meanCostMs?: number;
}

export interface ScalingResult {
  readonly requests: number;
  /** Refused, of those from the step on. */
  readonly shedShare: number;
  /** From the step to the last refusal, in seconds. */
  readonly recoveredAfterS: number;
  readonly recommendations: readonly (ScaleRecommendation & { readonly atS: number })[];
}

const TICK_MS = 2_000;

/** An instance: one event loop, first come, first served. */
class Instance {
  #freeAt = 0;
  #takenMs = 0;
  /** Work done until the last sample. */
  #doneMs = 0;

  waitMs(now: number): number {
    return Math.max(0, this.#freeAt - now);
  }

  take(now: number, costMs: number): number {
    const ms = this.waitMs(now) + costMs;
    this.#freeAt = now + ms;
    this.#takenMs += costMs;
    return ms;
  }

  /** How long it was busy since the last time. */
  busyMs(now: number): number {
    const done = this.#takenMs - this.waitMs(now);
    const busy = done - this.#doneMs;
    this.#doneMs = done;
    return busy;
  }
}

/** Instances that come and go as the autoscaler says. */
class Fleet {
  readonly instances = new Map<string, Instance>();
  readonly recommendations: (ScaleRecommendation & { readonly atS: number })[] = [];
  starting = 0;
  /** Since the last sample. */
  #shed = 0;
  readonly #clock: EventQueue;
  readonly #balancer: LoadBalancer;
  readonly #autoscaler = new Autoscaler();
  readonly #startMs: number;
  readonly #meanCostMs: number;
  #made = 0;

  constructor(clock: EventQueue, balancer: LoadBalancer, { startMs = 500, meanCostMs = 10 }: ScalingModel) {
    this.#clock = clock;
    this.#balancer = balancer;
    this.#startMs = startMs;
    this.#meanCostMs = meanCostMs;
    this.#serve();
    this.#serve();
    clock.every(TICK_MS, () => this.#observe());
  }

  /** @returns Whether it was refused. */
  request(costMs: number, patienceMs: number): boolean {
    const chosen = this.#balancer.pick() as ChosenBackend;
    const instance = this.instances.get(chosen.id) as Instance;
    const now = this.#clock.now();
    if (instance.waitMs(now) > patienceMs) {
      chosen.settle('unknown');
      this.#shed++;
      return true;
    }
    this.#clock.after(instance.take(now, costMs), () => chosen.settle('success'));
    return false;
  }

  #serve(): void {
    const id = `i${this.#made++}`;
    this.instances.set(id, new Instance());
    this.#balancer.add(id);
  }

  #observe(): void {
    const now = this.#clock.now();
    const all = [...this.instances.values()];
    const recommendation = this.#autoscaler.observe(
      {
        instances: all.length,
        starting: this.starting,
        utilization: all.reduce((sum, instance) => sum + instance.busyMs(now), 0) / TICK_MS,
        backlogSeconds: all.reduce((sum, instance) => sum + instance.waitMs(now), 0) / 1_000,
        shedPerSecond: (1_000 * this.#shed) / TICK_MS,
        meanCostSeconds: this.#meanCostMs / 1_000,
      },
      now,
    );
    this.#shed = 0;
    if (recommendation === undefined) return;
    this.recommendations.push({ ...recommendation, atS: now / 1_000 });
    this.#scale(recommendation.to - recommendation.from);
  }

  #scale(more: number): void {
    this.starting += Math.max(0, more);
    for (let count = 0; count < more; count++) {
      this.#clock.after(this.#startMs, () => {
        this.starting--;
        this.#serve();
      });
    }
    for (const id of [...this.instances.keys()].slice(0, Math.max(0, -more))) {
      this.#balancer.remove(id);
      this.instances.delete(id);
    }
  }
}

/** Lets the production autoscaler and balancer meet a step of load in virtual time. The same model gives the same result. */
export function simulateScaling(model: ScalingModel): ScalingResult {
  const { demand, step, stepAtS, durationS, seed, noise = 0, patienceMs = 400, meanCostMs = 10 } = model;
  const clock = new EventQueue();
  const random = seededRandom(seed);
  const fleet = new Fleet(clock, new LoadBalancer({ clock, random: seededRandom(seed + 1) }), model);
  const counted = { requests: 0, afterStep: 0, shed: 0, lastShedAt: 0 };
  let stray = 1;
  clock.every(1_000, () => {
    stray = 1 + noise * (2 * random() - 1);
  });
  const arrive = (): void => {
    const now = clock.now();
    const isAfterStep = now >= 1_000 * stepAtS;
    const isShed = fleet.request(exponential(meanCostMs, random), patienceMs);
    counted.requests++;
    if (isAfterStep) counted.afterStep++;
    if (isAfterStep && isShed) {
      counted.shed++;
      counted.lastShedAt = now;
    }
    const loops = demand * stray * (isAfterStep ? step : 1);
    clock.after(exponential(meanCostMs / loops, random), arrive);
  };
  arrive();
  clock.run(1_000 * durationS);
  return {
    requests: counted.requests,
    shedShare: counted.shed / counted.afterStep,
    recoveredAfterS: Math.max(0, counted.lastShedAt / 1_000 - stepAtS),
    recommendations: fleet.recommendations,
  };
}

import { type Backoff, nextDelay } from '../../kernel/backoff.ts';
import { type CancelTimer, type Clock, systemClock } from '../../kernel/clock.ts';
import { OptionError, toMessage } from '../../kernel/errors.ts';
import { integerOption, objectOption } from '../../kernel/options.ts';
import { type Random, systemRandom } from '../../kernel/random.ts';
import type { ScaleRecommendation } from '../scaling/scale.ts';
import { type ApiClient, type ApiObject, hasStatus } from './api-client.ts';
import { objectNameOption } from './api-options.ts';
import { Lease, type LeaseOptions } from './lease.ts';
import { findScaleOwner, type ScaleReference } from './scale-owners.ts';

export interface ScaleTargetOptions {
  /** @default "Deployment" */
  readonly kind?: ScaleReference['kind'];
  readonly name: string;
  /** @default 2 */
  readonly minInstances?: number;
  /** @default 16 */
  readonly maxInstances?: number;
  /** @default a Lease by the name of the target with `-peregrine-scale` behind it */
  readonly lease?: Partial<LeaseOptions>;
}

/** How many replicas are wanted, and how many there are. */
export interface Replicas {
  readonly wanted: number;
  readonly running: number;
}

/** What became of a recommendation. */
export interface ScaleResult {
  /**
   * `scaled`; `unchanged`, since there are as many already or the other way would be needed; `waiting` for the Lease or for the API;
   * `refused`, since somebody else scales the target; `replaced` by a later recommendation.
   */
  readonly outcome: 'scaled' | 'unchanged' | 'waiting' | 'refused' | 'replaced';
  readonly from: number | undefined;
  readonly to: number | undefined;
  readonly message: string;
}

interface Scale extends ApiObject {
  readonly spec: { readonly replicas?: number };
  readonly status?: { readonly replicas?: number };
}

export const TARGET_KEYS = ['kind', 'name', 'minInstances', 'maxInstances', 'lease'] as const;
const RESOURCES = { Deployment: 'deployments', StatefulSet: 'statefulsets' } as const;
const CONFLICTS = 3;
const BACKOFF: Backoff = { firstMs: 1_000, maxMs: 30_000 };

/**
 * Sets how many replicas a Deployment or a StatefulSet has, as it is recommended.
 *
 * Only who holds the Lease does it, never where an autoscaler does it already, and never for a target at 0, which is how
 * operators switch one off. The last recommendation stays wanted: who gets the Lease later carries it out.
 */
export class ScaleTarget {
  readonly #reference: ScaleReference;
  readonly #path: string;
  readonly #min: number;
  readonly #max: number;
  readonly #lease: Lease;
  readonly #api: ApiClient;
  readonly #clock: Clock;
  readonly #random: Random;
  #told: (result: ScaleResult) => void = () => {};
  #wanted: ScaleRecommendation | undefined;
  #carrying: Promise<unknown> = Promise.resolve();
  #retries = 0;
  #cancelRetry: CancelTimer | undefined;

  /** @throws {OptionError} */
  constructor(
    options: ScaleTargetOptions,
    parts: { readonly api: ApiClient; readonly clock?: Clock; readonly random?: Random },
    name = 'scale',
  ) {
    const given = objectOption(name, options, TARGET_KEYS);
    const kind = options.kind ?? 'Deployment';
    if (!Object.hasOwn(RESOURCES, kind))
      throw new OptionError(`${name}.kind`, 'must be "Deployment" or "StatefulSet"', kind);
    this.#reference = { kind, name: objectNameOption(`${name}.name`, given.name) };
    const most = { min: 1, max: 10_000 };
    this.#min = integerOption(`${name}.minInstances`, given.minInstances, 2, most);
    const fallback = Math.max(16, this.#min);
    this.#max = integerOption(`${name}.maxInstances`, given.maxInstances, fallback, { ...most, min: this.#min });
    this.#api = parts.api;
    this.#clock = parts.clock ?? systemClock;
    this.#random = parts.random ?? systemRandom;
    const lease = { name: `${this.#reference.name}-peregrine-scale`, ...options.lease };
    this.#lease = new Lease(lease, parts, `${name}.lease`);
    this.#path = `/apis/apps/v1/namespaces/${this.#api.namespace}/${RESOURCES[kind]}/${this.#reference.name}/scale`;
  }

  /** Whether this process is the one that scales. */
  get isLeader(): boolean {
    return this.#lease.remainingMs > 0;
  }

  /** Begins to ask for the Lease. `told` hears what becomes of recommendations later on than `apply` said. */
  start(told: (result: ScaleResult) => void, failed: (error: unknown) => void): void {
    this.#told = told;
    this.#lease.start((isHeld) => {
      if (isHeld && this.#wanted !== undefined) void this.#carryOut().then(told);
    }, failed);
  }

  async read(): Promise<Replicas> {
    const { spec, status } = await this.#api.get<Scale>(this.#path);
    return { wanted: spec.replicas ?? 0, running: status?.replicas ?? 0 };
  }

  /** Carries out a recommendation, now or as soon as it can be. Never rejects. */
  apply(recommendation: ScaleRecommendation): Promise<ScaleResult> {
    this.#wanted = recommendation;
    this.#retries = 0;
    return this.#carryOut();
  }

  /** Gives up what is wanted, and the Lease. */
  async close(): Promise<void> {
    this.#wanted = undefined;
    this.#cancelRetry?.();
    await this.#carrying;
    await this.#lease.close();
  }

  /** One after the other, so that an earlier recommendation does not overtake. */
  #carryOut(): Promise<ScaleResult> {
    this.#cancelRetry?.();
    const wanted = this.#wanted;
    const result = this.#carrying.then(() => this.#attempt(wanted));
    this.#carrying = result;
    return result;
  }

  async #attempt(wanted: ScaleRecommendation | undefined): Promise<ScaleResult> {
    if (wanted === undefined || wanted !== this.#wanted) return result('replaced', 'another recommendation came');
    if (!this.isLeader) return result('waiting', 'another process holds the Lease, or nobody does yet');
    try {
      const owner = await findScaleOwner(this.#api, this.#reference);
      if (owner !== undefined) {
        const { kind, name } = this.#reference;
        return result('refused', `${kind} "${name}" is scaled by ${owner} already; delete one or the other`);
      }
      return await this.#scale(wanted);
    } catch (error) {
      const isForbidden = hasStatus(error, 403);
      if (!isForbidden && wanted === this.#wanted) this.#retryLater();
      return result(isForbidden ? 'refused' : 'waiting', toMessage(error));
    }
  }

  async #scale({ direction, to }: ScaleRecommendation): Promise<ScaleResult> {
    const goal = Math.min(this.#max, Math.max(this.#min, to));
    for (let conflicts = 0; ; conflicts++) {
      const { metadata, spec } = await this.#api.get<Scale>(this.#path);
      const from = spec.replicas ?? 0;
      if (from === 0) return result('refused', 'the target has been switched off: it has 0 replicas', from, goal);
      if (direction === 'up' ? goal <= from : goal >= from)
        return result('unchanged', `there are ${from} replicas`, from, goal);
      const { remainingMs } = this.#lease;
      if (remainingMs === 0) return result('waiting', 'the Lease was lost', from, goal);
      try {
        const { resourceVersion } = metadata;
        await this.#api.patch(this.#path, { metadata: { resourceVersion }, spec: { replicas: goal } }, remainingMs);
        this.#retries = 0;
        return result('scaled', `from ${from} to ${goal} replicas`, from, goal);
      } catch (error) {
        if (!hasStatus(error, 409) || conflicts >= CONFLICTS) throw error;
      }
    }
  }

  #retryLater(): void {
    const delayMs = nextDelay(BACKOFF, this.#retries++, this.#random);
    this.#cancelRetry = this.#clock.after(delayMs, () => void this.#carryOut().then(this.#told));
  }
}

function result(outcome: ScaleResult['outcome'], message: string, from?: number, to?: number): ScaleResult {
  return { outcome, from, to, message };
}

import type { CancelTimer, Clock } from '../../kernel/clock.ts';
import { toMessage } from '../../kernel/errors.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { ApiClient } from '../kubernetes/api-client.ts';
import type { ScaleResult, ScaleTarget } from '../kubernetes/scale-target.ts';
import type { BackendStatistics } from '../picking/backend.ts';
import type { Autoscaler } from '../scaling/autoscaler.ts';
import type { LoadSample } from '../scaling/scale.ts';

export interface ReplicaScalingParts {
  /** The name of the server. */
  readonly name: string;
  readonly autoscaler: Autoscaler;
  readonly target: ScaleTarget;
  readonly api: ApiClient;
  readonly replicas: () => readonly BackendStatistics[];
  readonly clock: Clock;
  readonly logger: Logger;
}

const EVERY_MS = 2_000;
const RELEASE_MS = 2_000;
/** What a replica reported counts for so long after its last call: nobody hears of one that is not called. */
const HOLDS_MS = 10_000;

/** Sets how many replicas a server has, by what they report of their load with their answers. */
export class ReplicaScaling {
  readonly #parts: ReplicaScalingParts;
  /** How many calls each replica had, and since when. */
  #calls = new Map<string, { readonly requests: number; readonly since: number }>();
  #cancel: CancelTimer | undefined;
  #isReading = false;
  /** What was logged last, so that the same is not said every time. */
  #said = '';

  constructor(parts: ReplicaScalingParts) {
    this.#parts = parts;
  }

  start(): void {
    const { target, clock } = this.#parts;
    target.start(
      (result) => this.#tell(result),
      (error) => this.#warn(toMessage(error)),
    );
    this.#cancel = clock.every(EVERY_MS, () => void this.#tick());
  }

  /** Gives up the Lease, so that another gateway goes on; an API that is silent keeps nobody waiting. */
  async close(): Promise<void> {
    const { target, api, clock } = this.#parts;
    this.#cancel?.();
    const cancelWait = clock.after(RELEASE_MS, () => api.close());
    await target.close();
    cancelWait();
    api.close();
  }

  async #tick(): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    const { target, autoscaler, clock } = this.#parts;
    try {
      const { wanted } = await target.read();
      const recommendation = autoscaler.observe(this.#sample(wanted), clock.now());
      if (recommendation !== undefined) this.#tell(await target.apply(recommendation));
    } catch (error) {
      this.#warn(toMessage(error));
    } finally {
      this.#isReading = false;
    }
  }

  /** What they refuse and what waits in them is not seen from here; one that is asked for too much is busy all the time. */
  #sample(wanted: number): LoadSample {
    const now = this.#parts.clock.now();
    const serving = this.#parts.replicas().filter(({ state }) => state === 'healthy');
    const before = this.#calls;
    this.#calls = new Map();
    let utilization = 0;
    for (const { id, requests, load } of serving) {
      const known = before.get(id);
      const calls = known?.requests === requests ? known : { requests, since: now };
      this.#calls.set(id, calls);
      if (now - calls.since < HOLDS_MS) utilization += load;
    }
    const starting = Math.max(0, wanted - serving.length);
    return {
      instances: serving.length,
      starting,
      utilization,
      backlogSeconds: 0,
      shedPerSecond: 0,
      meanCostSeconds: 0,
    };
  }

  #tell({ outcome, message }: ScaleResult): void {
    if (outcome === 'refused') this.#warn(message);
    if (outcome !== 'scaled') return;
    this.#said = '';
    this.#parts.logger.info({ server: this.#parts.name }, `gateway: ${message}`);
  }

  #warn(message: string): void {
    if (message === this.#said) return;
    this.#said = message;
    this.#parts.logger.warn({ server: this.#parts.name, error: message }, 'gateway: replicas are not scaled');
  }
}

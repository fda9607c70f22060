import type { BackendLoad, BackendState, BackendStatistics } from './backend.ts';

/** Over how long a reported utilization is evened out. */
const STEADY_MS = 5_000;

/** A backend as its balancer knows it. One record holds what every algorithm needs, so that a scan reads one kind of object. */
export class Member {
  readonly id: string;
  /** As it was configured. */
  weight: number;
  /** How far it has come in its slow start, up to 1. */
  warmth = 1;
  /** The weight that counts now: {@link weight} times {@link warmth}. */
  share: number;
  /** Calls that are not settled. */
  inFlight = 0;
  requests = 0;
  errors = 0;
  isDraining = false;
  isUnhealthy = false;
  isEjected = false;
  /** Whether what comes of its calls decides anything: not once it drains or is gone. */
  isWatched = true;
  /** Of smooth round robin: what it is owed. */
  credit = 0;
  /** Of peak-EWMA: what a call costs, and when that was so. */
  costMs = 0;
  costAt = 0;
  /** What it reported last. */
  cpu = 0;
  memory = 0;
  /** Its utilization over the last seconds: that of one second swings with who was chosen in the second before. */
  steadyCpu = 0;
  reportedAt = Number.NEGATIVE_INFINITY;
  /** Waits for the last call in flight to settle. */
  idle: PromiseWithResolvers<void> | undefined;

  constructor(id: string, weight: number) {
    this.id = id;
    this.weight = weight;
    this.share = weight;
  }

  get state(): BackendState {
    if (this.isDraining) return 'draining';
    if (this.isUnhealthy) return 'unhealthy';
    return this.isEjected ? 'ejected' : 'healthy';
  }

  /** Takes over another weight, or another warmth. */
  reweigh({
    weight = this.weight,
    warmth = this.warmth,
  }: {
    readonly weight?: number;
    readonly warmth?: number;
  }): void {
    this.weight = weight;
    this.warmth = warmth;
    this.share = weight * warmth;
  }

  report({ cpu, memory }: BackendLoad, now: number): void {
    const kept = Math.exp((this.reportedAt - now) / STEADY_MS);
    this.steadyCpu = this.steadyCpu * kept + cpu * (1 - kept);
    this.cpu = cpu;
    this.memory = memory;
    this.reportedAt = now;
  }

  statistics(): BackendStatistics {
    const { id, state, weight, inFlight, requests, errors } = this;
    const load = this.reportedAt === Number.NEGATIVE_INFINITY ? inFlight / (inFlight + 1) : this.cpu;
    return { id, state, weight, load, connections: inFlight, requests, errors };
  }
}

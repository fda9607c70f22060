import type { CircuitStatistics } from '../../breaker/breaker.ts';
import type { CancelTimer, Clock } from '../../kernel/clock.ts';
import type { BalancerStatistics } from '../picking/backend.ts';
import type { Endpoint } from '../sources/endpoint-source.ts';
import type { Upstream, UpstreamCall, UpstreamHeaders } from '../upstream/upstream-call.ts';
import { answerLinesOf } from './answer-lines.ts';
import { Backend } from './backend.ts';
import type { Balancer, CallCounts, CallShared } from './call-shared.ts';
import { probe } from './health-probe.ts';
import { Hedging } from './hedging.ts';
import { ReplicaCall } from './replica-call.ts';
import type { ReplicaOptions } from './replica-options.ts';
import { RetryBudget } from './retry-budget.ts';
import { SafeCalls } from './safe-calls.ts';
import type { Target, TargetCall, TargetSink } from './target.ts';

/** How often it is looked for attempts that have waited too long. */
const SWEEP_MS = 250;
const CLOSE_MS = 10_000;

/** What a target is made of. */
export interface ReplicaParts {
  readonly clock: Clock;
  readonly options: ReplicaOptions;
  /** @param check Asks a backend whether it works. */
  createBalancer(check: (id: string, signal: AbortSignal) => Promise<void>): Balancer;
  connect(endpoint: Endpoint): Upstream;
}

export interface ReplicaStatistics extends CallCounts {
  readonly balancer: BalancerStatistics;
  /** The circuits of backends, and of tools that failed at one lately. */
  readonly circuits: readonly CircuitStatistics[];
}

/** A server of which there are several replicas. */
export class ReplicaTarget implements Target {
  readonly name: string;
  readonly #parts: ReplicaParts;
  readonly #backends = new Map<string, Backend>();
  readonly #aliases = new Map<string, Backend>();
  readonly #closing = new Set<Promise<void>>();
  readonly #shared: CallShared;
  readonly #cancelSweep: CancelTimer;

  constructor(name: string, parts: ReplicaParts) {
    const { clock, options } = parts;
    this.name = name;
    this.#parts = parts;
    this.#shared = {
      clock,
      balancer: parts.createBalancer((id, signal) => probe(this.#backends.get(id), options.health?.path, signal)),
      backends: this.#backends,
      safeCalls: new SafeCalls(options.safeTools),
      budget: new RetryBudget(options.retries),
      hedging: options.hedging === undefined ? undefined : new Hedging(options.hedging.share),
      deadlineMs: options.retries.deadlineMs,
      waiting: new Set(),
      counts: { calls: 0, retries: 0, hedges: 0, hedgesWon: 0 },
      owner: (alias) => this.#aliases.get(alias),
      reported: (backend, headers) => this.#report(backend, headers),
    };
    this.#cancelSweep = clock.every(SWEEP_MS, () => this.#sweep());
  }

  /** HOT: every call; guarded by `npm run bench -- scale`. */
  send(call: TargetCall, sink: TargetSink): UpstreamCall {
    this.#shared.counts.calls++;
    const made = new ReplicaCall(this.#shared, call, sink);
    made.start();
    return made;
  }

  /** Takes the replicas that there are now: those that stay keep their connections, others finish what they have. */
  setEndpoints(endpoints: readonly Endpoint[]): void {
    const { balancer } = this.#shared;
    const wanted = new Map(endpoints.map((endpoint) => [endpoint.id, endpoint]));
    for (const [id, backend] of this.#backends) {
      const endpoint = wanted.get(id);
      if (endpoint === undefined || !backend.isAt(endpoint)) this.#remove(backend);
    }
    for (const endpoint of endpoints) {
      const isNew = !this.#backends.has(endpoint.id);
      if (isNew) this.#add(endpoint);
      if (isNew || endpoint.draining !== true) balancer.add(endpoint.id, { weight: endpoint.weight });
      if (endpoint.draining === true) balancer.drain(endpoint.id);
    }
  }

  statistics(): ReplicaStatistics {
    return {
      ...this.#shared.counts,
      balancer: this.#shared.balancer.getStatistics(),
      circuits: [...this.#backends.values()].flatMap(({ circuits }) => circuits.statistics()),
    };
  }

  async close(deadlineMs: number = CLOSE_MS): Promise<void> {
    this.#shared.balancer.close();
    for (const backend of [...this.#backends.values()]) this.#remove(backend, deadlineMs);
    await Promise.all(this.#closing);
    this.#cancelSweep();
  }

  #add(endpoint: Endpoint): void {
    const { connect, options, clock } = this.#parts;
    const { threshold, resetMs } = options.breaker;
    const backend = new Backend(endpoint, connect(endpoint), { threshold, resetTimeout: resetMs, timeout: 0, clock });
    this.#backends.set(backend.id, backend);
    this.#aliases.set(backend.alias, backend);
  }

  #remove(backend: Backend, deadlineMs: number = this.#parts.options.drainMs): void {
    this.#backends.delete(backend.id);
    if (this.#aliases.get(backend.alias) === backend) this.#aliases.delete(backend.alias);
    this.#shared.balancer.remove(backend.id);
    const closing = backend.upstream.close(deadlineMs).finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }

  #sweep(): void {
    const { waiting, clock } = this.#shared;
    const before = clock.now() - this.#parts.options.breaker.timeoutMs;
    for (const attempt of waiting) {
      if (attempt.startedAt > before) break; // The oldest come first.
      waiting.delete(attempt);
      attempt.expire();
    }
  }

  #report(backend: Backend, headers: UpstreamHeaders): void {
    const { load } = answerLinesOf(headers);
    if (load !== undefined) this.#shared.balancer.report(backend.id, load);
  }
}

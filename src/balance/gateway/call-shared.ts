import type { Clock } from '../../kernel/clock.ts';
import type { BackendLoad, BalancerStatistics, ChosenBackend } from '../picking/backend.ts';
import type { UpstreamHeaders } from '../upstream/upstream-call.ts';
import type { Attempt } from './attempt.ts';
import type { Backend } from './backend.ts';
import type { Hedging } from './hedging.ts';
import type { RetryBudget } from './retry-budget.ts';
import type { SafeCalls } from './safe-calls.ts';

/** What replicas need of a balancer. `LoadBalancer` is one. */
export interface Balancer {
  add(id: string, options: { readonly weight?: number | undefined }): void;
  remove(id: string): void;
  drain(id: string): void;
  pick(options?: { readonly exclude?: ReadonlySet<string> | undefined }): ChosenBackend | undefined;
  take(id: string): ChosenBackend | undefined;
  report(id: string, load: BackendLoad): void;
  getStatistics(): BalancerStatistics;
  close(): void;
}

/** What all calls to one server share. */
export interface CallShared {
  readonly clock: Clock;
  readonly balancer: Balancer;
  readonly backends: ReadonlyMap<string, Backend>;
  readonly safeCalls: SafeCalls;
  readonly budget: RetryBudget;
  readonly hedging: Hedging | undefined;
  /** How long after a call began a further attempt may still begin. */
  readonly deadlineMs: number;
  /** Attempts without a first byte, the oldest first. */
  readonly waiting: Set<Attempt>;
  readonly counts: CallCounts;
  /** The owner of a session, by its alias. */
  owner(alias: string): Backend | undefined;
  /** Takes in what a backend tells of itself in an answer. */
  reported(backend: Backend, headers: UpstreamHeaders): void;
}

export interface CallCounts {
  calls: number;
  retries: number;
  hedges: number;
  hedgesWon: number;
}

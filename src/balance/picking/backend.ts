/** How a balancer chooses. */
export type BalancingAlgorithm =
  | 'round-robin'
  | 'weighted-round-robin'
  | 'least-connections'
  | 'resource-based'
  | 'peak-ewma';

/** What a backend tells of itself; shares are 0 to 1. */
export interface BackendLoad {
  /** Utilization of its event loop, or of its CPU where it has no such loop. */
  readonly cpu: number;
  readonly memory: number;
}

/** `unknown` tells nothing of the backend: the caller cancelled, or the backend refused without having begun. */
export type CallOutcome = 'success' | 'failure' | 'unknown';

/** A backend chosen for one call, which counts as in flight until it is settled. */
export interface ChosenBackend {
  readonly id: string;
  /** Tells, once, how the call ended; further calls do nothing. */
  settle(outcome: CallOutcome): void;
}

export type BackendState = 'healthy' | 'unhealthy' | 'ejected' | 'draining';

/** What is known of a backend. */
export interface BackendStatistics {
  readonly id: string;
  readonly state: BackendState;
  readonly weight: number;
  /** 0 to 1: what it reported last, otherwise what can be told from its calls in flight. */
  readonly load: number;
  /** Calls in flight. */
  readonly connections: number;
  /** Since it was added. */
  readonly requests: number;
  readonly errors: number;
}

export interface BalancerStatistics {
  readonly algorithm: BalancingAlgorithm;
  readonly load: { readonly overall: number };
  readonly instances: readonly BackendStatistics[];
}

import type { Clock } from '../../kernel/clock.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { Random } from '../../kernel/random.ts';
import type { ReplicaStatistics } from './replica-target.ts';
import type { Target } from './target.ts';

/** What every part of a running gateway shares. */
export interface BackingParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** What there is behind a server's name: replicas over HTTP, or processes of its own. */
export interface Backing {
  readonly target: Target;
  statistics(): BackingStatistics;
  /** Ends what another one, that took the place of this one, does not use. */
  retire(successor: Backing | undefined, deadlineMs: number): Promise<void>;
}

export interface BackingStatistics {
  readonly replicas?: ReplicaStatistics;
  /** The processes that run. */
  readonly processes?: readonly number[];
}

/** One that is ready, as long as nothing has changed yet. */
export interface PreparedBacking {
  commit(): Backing;
  abandon(): void;
}

/** A backing as it is configured. */
export interface ResolvedBacking {
  /** Gets it ready to take the place of the one before: what means the same is kept. @throws when it cannot be had. */
  prepare(before: Backing | undefined, parts: BackingParts): Promise<PreparedBacking>;
}

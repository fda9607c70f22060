import type { Clock } from '../kernel/clock.ts';
import type { Random } from '../kernel/random.ts';
import type { LoadConnection, LoadTarget, WireRequest } from './load-connection.ts';
import type { Schedule } from './stages.ts';
import type { Second } from './time-line.ts';

/** A request that is ready to be sent. */
export interface PreparedRequest {
  /** Index among the plan's operations. */
  readonly operation: number;
  readonly wire: WireRequest;
}

/** What each connection does before it takes part, such as a handshake. */
export interface Greeter {
  /** The first request of a user. */
  begin(user: number): WireRequest;
  /** Takes the answer to the last; the request after it, or nothing once the user is ready. @throws {Error} when the answer is no good. */
  next(user: number, connection: LoadConnection): WireRequest | undefined;
}

/** Everything that a run needs. */
export interface LoadPlan {
  readonly target: LoadTarget;
  /**
   * `closed`: each connection sends its next request when the last was answered; the schedule says how many send. `open`: requests
   * are sent at times that do not depend on answers, the schedule says how many a second, and latency counts from those times.
   */
  readonly loop: 'closed' | 'open';
  /** Connections of an open loop; those of a closed one are the schedule's. */
  readonly connections: number;
  readonly schedule: Schedule;
  /** Names of what is asked for. */
  readonly operations: readonly string[];
  /** The next request of a user. */
  next(user: number): PreparedRequest;
  /** What is wrong with an answer, in a few words of a closed set, or nothing. */
  judge(connection: LoadConnection, request: PreparedRequest): string | undefined;
  readonly greeter: Greeter | undefined;
  /** Longest wait for one answer. */
  readonly timeoutMs: number;
  /** Ends the run after so many answers that count. */
  readonly maxRequests: number;
  readonly random: Random;
  readonly clock: Clock;
  /** Hears each second as it ends. */
  onSecond?(second: Second): void;
  readonly signal?: AbortSignal;
}

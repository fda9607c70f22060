import type { LimitEvent } from './limit-signals.ts';
import type { MemoryEvent } from './memory-signals.ts';
import type { PlacementEvent } from './placement-signals.ts';
import type { PoolEvent } from './pool-signals.ts';
import { Signal } from './typed-signal.ts';
import type { WorkerEvent } from './worker-signals.ts';

/** How a request ended: `error` is a JSON-RPC error, `tool_error` a result with `isError`. */
export type RequestOutcome = 'ok' | 'tool_error' | 'error' | 'cancelled' | 'input_required';

/** One finished request. Labels come from the registry entry, never from the raw request. */
export interface RequestEvent {
  /** The method, such as `tools/call`; `unknown` for one that this server does not have. */
  readonly method: string;
  /** The registered name of the tool, prompt or resource; empty where there is none. */
  readonly target: string;
  readonly outcome: RequestOutcome;
  /** From the parsed message to the written answer, in milliseconds. */
  readonly durationMs: number;
  /** When it finished, in the clock's milliseconds. */
  readonly finishedAt: number;
}

/** One finished request with what a trace needs of it. Told only while `request` has listeners as well. */
export interface TracedRequest {
  readonly request: RequestEvent;
  /** The request's `_meta` as the client sent it: nothing in it is checked. */
  readonly meta: unknown;
  /** The call that handlers ran for; nothing where an answer was kept. */
  readonly call: object | undefined;
}

/** A fault that was answered without its details: they go to the operator, not to the client. */
export interface FaultEvent {
  /** Where it happened: a method and, where known, the registered name. */
  readonly where: string;
  readonly error: unknown;
}

/** A connection came or went. */
export interface ConnectionEvent {
  readonly kind: 'opened' | 'closed' | 'refused' | 'handed-over';
  /** Open connections after the event. */
  readonly open: number;
}

/** The cache goes on with less than it should have, or has that again. */
export interface CacheSignal {
  /**
   * `degraded`: the second tier is not used; `recovered`: it is again; `error`: a call to it, or a refresh, failed; `garbage`: a
   * value of it was none of ours; `dropped`: writes to it were given up.
   */
  readonly kind: 'degraded' | 'recovered' | 'error' | 'garbage' | 'dropped';
  readonly count: number;
  readonly error?: unknown;
}

/** `half-open`: one call is finding out whether the dependency works again. */
export type BreakerState = 'closed' | 'open' | 'half-open';

/** Why a circuit breaker changed its state. */
export type BreakerReason =
  | 'failures'
  | 'reset-timeout'
  | 'probe-succeeded'
  | 'probe-failed'
  | 'probe-cancelled'
  | 'by-hand';

/** A circuit breaker changed its state. */
export interface BreakerEvent {
  /** The breaker's name, which is that of the dependency. */
  readonly name: string;
  readonly from: BreakerState;
  readonly to: BreakerState;
  readonly reason: BreakerReason;
  /** Failures in a row after the event. */
  readonly failures: number;
}

/** The events of the engine, from socket to answer. */
export interface EngineSignals {
  readonly request: Signal<RequestEvent>;
  readonly fault: Signal<FaultEvent>;
  readonly connection: Signal<ConnectionEvent>;
  readonly cache: Signal<CacheSignal>;
  readonly breaker: Signal<BreakerEvent>;
  readonly pool: Signal<PoolEvent>;
  readonly worker: Signal<WorkerEvent>;
  readonly placement: Signal<PlacementEvent>;
  readonly limit: Signal<LimitEvent>;
  readonly trace: Signal<TracedRequest>;
  readonly memory: Signal<MemoryEvent>;
}

/** A fresh set of the engine's signals; one for each server. */
export function createEngineSignals(): EngineSignals {
  return Object.freeze({
    request: new Signal<RequestEvent>(),
    fault: new Signal<FaultEvent>(),
    connection: new Signal<ConnectionEvent>(),
    cache: new Signal<CacheSignal>(),
    breaker: new Signal<BreakerEvent>(),
    pool: new Signal<PoolEvent>(),
    worker: new Signal<WorkerEvent>(),
    placement: new Signal<PlacementEvent>(),
    limit: new Signal<LimitEvent>(),
    trace: new Signal<TracedRequest>(),
    memory: new Signal<MemoryEvent>(),
  });
}

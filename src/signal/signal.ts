/** The contract of `signal/`: typed events, at no cost while nobody listens. */

export type {
  BreakerEvent,
  BreakerReason,
  BreakerState,
  CacheSignal,
  ConnectionEvent,
  EngineSignals,
  FaultEvent,
  RequestEvent,
  RequestOutcome,
  TracedRequest,
} from './engine-signals.ts';
export { createEngineSignals } from './engine-signals.ts';
export type { LimitEvent, ShedClass, ShedReason } from './limit-signals.ts';
export type { MemoryEvent, MemoryState } from './memory-signals.ts';
export type { PlacementEvent } from './placement-signals.ts';
export type { PoolEvent } from './pool-signals.ts';
export type { Unsubscribe } from './typed-signal.ts';
export { Signal } from './typed-signal.ts';
export type { WorkerEvent } from './worker-signals.ts';

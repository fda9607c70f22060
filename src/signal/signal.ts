/** The contract of `signal/`: typed events, at no cost while nobody listens. */
export { createEngineSignals } from './engine-signals.ts';
export type { ConnectionEvent, EngineSignals, FaultEvent, RequestEvent, RequestOutcome } from './engine-signals.ts';
export { Signal } from './typed-signal.ts';
export type { Unsubscribe } from './typed-signal.ts';

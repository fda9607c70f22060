/** The contract of `state/`: what outlives a request, kept in this process or where several instances share it. */
export { type RedisStateOptions, RedisStateStore } from './adapter/redis-store.ts';
export { type SqliteStateOptions, SqliteStateStore } from './adapter/sqlite-store.ts';
export { StateStoreError } from './errors.ts';
export { MemoryStateStore } from './memory-store.ts';
export { LocalMessageBus, type MessageBus } from './message-bus.ts';
export { type ResolvedStateStore, resolveStateStore, type StateStoreOptions } from './options.ts';
export { type MessageRelay, RelayedMessageBus } from './relayed-bus.ts';
export type * from './state-store.ts';
export { type AskForState, answerStateCall, type StateCall, SupervisorStateStore } from './supervisor-store.ts';

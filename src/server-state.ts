import type { ResolvedServerConfig } from './server-config.ts';
import { LocalMessageBus, MemoryStateStore, type MessageBus, type StateStore } from './state/state.ts';

/** What outlives the requests of a server, and what its instances tell each other about it. */
export interface ServerState {
  readonly store: StateStore;
  readonly messages: MessageBus;
}

export function createState({ clock }: ResolvedServerConfig): ServerState {
  return { store: new MemoryStateStore(clock), messages: new LocalMessageBus() };
}

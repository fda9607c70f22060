import { systemRandom } from './kernel/random.ts';
import type { ChangeBus, ChangeEvent } from './protocol/protocol.ts';
import type { ResolvedServerConfig } from './server-config.ts';
import type { ServerInstance } from './server-instance.ts';
import {
  LocalMessageBus,
  MemoryStateStore,
  type MessageBus,
  RedisStateStore,
  RelayedMessageBus,
  SqliteStateStore,
  type StateStore,
  SupervisorStateStore,
} from './state/state.ts';

/** What outlives the requests of a server, and what its instances tell each other. */
export interface ServerState {
  readonly store: StateStore;
  readonly messages: MessageBus;
  /** Carries changes to all instances, wherever they are. */
  readonly changes: ChangeBus;
}

/** Where a server keeps its state. A store that other hosts share brings the bus that reaches them. */
export function createState(settings: ResolvedServerConfig, instance: ServerInstance): ServerState {
  const store = createStore(settings, instance);
  if (store instanceof RedisStateStore)
    return { store, messages: store.bus, changes: shareChanges(instance, store.bus) };
  const messages = instance.peers === undefined ? new LocalMessageBus() : new RelayedMessageBus(instance.peers);
  return { store, messages, changes: instance.bus };
}

function createStore({ clock, stateStore }: ResolvedServerConfig, { peers }: ServerInstance): StateStore {
  const { kind, place, keyPrefix: prefix, timeoutMs, maxCharacters } = stateStore;
  const shared = { timeoutMs, clock, random: systemRandom };
  if (kind === 'redis') return new RedisStateStore({ ...shared, url: place, prefix });
  if (kind === 'sqlite') return new SqliteStateStore({ ...shared, path: place });
  if (kind === 'memory' || peers === undefined) return new MemoryStateStore(clock, maxCharacters);
  return new SupervisorStateStore((call) => peers.ask(call, timeoutMs));
}

const CHANNEL = 'change';

/** Instances of one supervisor hear of changes through that, others through the bus: everyone once. */
function shareChanges(instance: ServerInstance, messages: MessageBus): ChangeBus {
  const group = instance.group ?? messages.instance;
  messages.subscribe(CHANNEL, (text) => {
    const [from, event] = JSON.parse(text) as [string, ChangeEvent];
    if (from !== group) instance.deliver(event);
  });
  return {
    subscribe: instance.bus.subscribe,
    publish(event) {
      instance.bus.publish(event);
      messages.publish(CHANNEL, JSON.stringify([group, event]));
    },
  };
}

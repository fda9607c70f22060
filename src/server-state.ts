import { PeregrineError } from './kernel/errors.ts';
import { systemRandom } from './kernel/random.ts';
import type { ChangeBus, ChangeEvent } from './protocol/protocol.ts';
import type { ResolvedServerConfig } from './server-config.ts';
import type { ServerInstance } from './server-instance.ts';
import { LocalMessageBus, MemoryStateStore, type MessageBus, RedisStateStore, type StateStore } from './state/state.ts';

/** What outlives the requests of a server, and what its instances tell each other. */
export interface ServerState {
  readonly store: StateStore;
  readonly messages: MessageBus;
  /** Carries changes to all instances, wherever they are. */
  readonly changes: ChangeBus;
}

/** Where a server keeps its state. A store that other hosts share brings the bus that reaches them. */
export function createState({ clock, stateStore }: ResolvedServerConfig, instance: ServerInstance): ServerState {
  const { kind, place: url, keyPrefix: prefix, timeoutMs } = stateStore;
  if (kind === 'redis') {
    const store = new RedisStateStore({ url, prefix, timeoutMs, clock, random: systemRandom });
    return { store, messages: store.bus, changes: shareChanges(instance, store.bus) };
  }
  if (kind === 'sqlite') throw new PeregrineError('NOT_AVAILABLE', 'state in SQLite is not available yet');
  return {
    store: new MemoryStateStore(clock, stateStore.maxCharacters),
    messages: new LocalMessageBus(),
    changes: instance.bus,
  };
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

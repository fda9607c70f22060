import { expect, it } from 'vitest';
import type { InstancePeers } from '../../../src/cluster/cluster.ts';
import { OptionError } from '../../../src/kernel/errors.ts';
import { createLocalBus } from '../../../src/protocol/protocol.ts';
import { resolveServerConfig } from '../../../src/server-config.ts';
import type { ServerInstance } from '../../../src/server-instance.ts';
import { createState } from '../../../src/server-state.ts';
import { LocalMessageBus, RelayedMessageBus } from '../../../src/state/state.ts';
import { IDENTITY } from '../support/test-server.ts';

const bus = createLocalBus();
const peers = { onTold: () => {} } as unknown as InstancePeers;
const ALONE = { bus } as unknown as ServerInstance;
const SUPERVISED = { bus, peers } as unknown as ServerInstance;

it.each([
  [undefined, ALONE, 'memory', LocalMessageBus],
  ['memory', ALONE, 'memory', LocalMessageBus],
  ['sqlite:./state.db', ALONE, 'sqlite', LocalMessageBus],
  [undefined, SUPERVISED, 'supervisor', RelayedMessageBus],
  [{ timeoutMs: 50 }, SUPERVISED, 'supervisor', RelayedMessageBus],
  ['memory', SUPERVISED, 'memory', RelayedMessageBus],
  ['sqlite:./state.db', SUPERVISED, 'sqlite', RelayedMessageBus],
])('state of %o is kept, and told of, where it is to be', (stateStore, instance, kind, Bus) => {
  const settings = resolveServerConfig({ ...IDENTITY, ...(stateStore === undefined ? {} : { stateStore }) });
  const { store, messages, changes } = createState(settings, instance);
  expect(store.kind).toBe(kind);
  expect(messages).toBeInstanceOf(Bus);
  expect(changes).toBe(bus);
});

it('state in Redis brings the bus that reaches other hosts', () => {
  const settings = resolveServerConfig({ ...IDENTITY, stateStore: 'redis://localhost' });
  for (const instance of [ALONE, SUPERVISED]) {
    const { store, messages, changes } = createState(settings, instance);
    expect(store).toMatchObject({ kind: 'redis', bus: messages });
    const heard: unknown[] = [];
    changes.subscribe((event) => heard.push(event));
    changes.publish({ kind: 'tools' });
    expect(heard).toEqual([{ kind: 'tools' }]);
  }
});

it('names a mistyped setting without showing what it held', () => {
  const resolve = () => resolveServerConfig({ ...IDENTITY, stateStore: { ulr: 'redis://:hunter2@h' } as never });
  expect(resolve).toThrow(OptionError);
  expect(resolve).toThrow('option "stateStore.ulr" is not known (did you mean "url"?), got "redis://...@h"');
});

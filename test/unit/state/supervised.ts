import { onTestFinished } from 'vitest';
import { type FromInstance, InstanceLink, InstancePeers, type ToInstance } from '../../../src/cluster/cluster.ts';
import { Fleet } from '../../../src/cluster/fleet.ts';
import { type FakeInstance, FakeLauncher, fakeOptions, settle } from '../cluster/fake-launcher.ts';

const asJson = <T>(message: T): T => JSON.parse(JSON.stringify(message)) as T;

/** A fleet of two instances, and what these reach each other and their supervisor by, over JSON as between processes. */
export async function openFleet() {
  const { resolved, clock } = fakeOptions();
  const launcher = new FakeLauncher('process', true);
  const fleet = new Fleet(resolved, launcher, 'secret');
  const started = fleet.start();
  launcher.at(0).serves();
  await started;
  fleet.scaleTo(2);
  launcher.at(1).serves();
  await settle();
  onTestFinished(() => fleet.stop());
  const peers = launcher.launched.map((instance) => new InstancePeers(linkOf(instance), clock));
  return { fleet, launcher, clock, peers: peers as [InstancePeers, InstancePeers] };
}

/** The line of a fake instance: what it says reaches the fleet, and what that sends it. */
export function linkOf(instance: FakeInstance): InstanceLink {
  const listeners: ((message: ToInstance) => void)[] = [];
  instance.send = (message) => {
    if (message.kind === 'drain') instance.exit();
    for (const listener of listeners) listener(asJson(message));
  };
  return new InstanceLink(instance.place, {
    send: async (message: FromInstance) => instance.says(asJson(message)),
    listen: (listener) => void listeners.push(listener),
    release: () => {},
  });
}

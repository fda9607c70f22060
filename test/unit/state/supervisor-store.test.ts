import { expect, it } from 'vitest';
import { InstanceLink, InstancePeers } from '../../../src/cluster/cluster.ts';
import { RelayedMessageBus, StateStoreError, SupervisorStateStore } from '../../../src/state/state.ts';
import { FakeClock } from '../../../src/testing/testing.ts';
import { describeStateContract } from '../../contract/state-contract.ts';
import { settle } from '../cluster/fake-launcher.ts';
import { linkOf, openFleet } from './supervised.ts';

const storeOver = (peers: InstancePeers) => new SupervisorStateStore((call) => peers.ask(call, 1_000));

describeStateContract('the supervisor', async () => {
  const { peers, clock } = await openFleet();
  return { first: storeOver(peers[0]), second: storeOver(peers[1]), pass: (ms) => clock.advance(ms) };
});

it('keeps what an instance kept that is gone', async () => {
  const { peers, launcher } = await openFleet();
  await storeOver(peers[0]).put('a', 'text', { ttlMs: 600_000 });
  launcher.at(0).exit('SIGKILL', false);
  launcher.at(2).serves();
  await settle();
  const successor = storeOver(new InstancePeers(linkOf(launcher.at(2)), new FakeClock()));
  expect((await successor.get('a'))?.text).toBe('text');
  expect((await storeOver(peers[1]).get('a'))?.text).toBe('text');
});

it('is bounded as the instances are told to be', async () => {
  const { peers } = await openFleet();
  const store = storeOver(peers[0]);
  const outcomes: unknown[] = [];
  for (let each = 0; each < 5; each++)
    outcomes.push(await store.put(`key ${each}`, 'x'.repeat(2 ** 22 - 1_000), { ttlMs: 600_000 }));
  expect(outcomes).toEqual([1, 2, 3, 4, 'full']);
});

/** What an instance has whose supervisor answers nothing. */
function openSilently() {
  const clock = new FakeClock();
  const sent: unknown[] = [];
  const channel = { send: async (message: unknown) => void sent.push(message), listen: () => {}, release: () => {} };
  const place = {
    name: '1',
    machine: { cores: 1, memoryBytes: 1 },
    stateSecret: '',
    reusePort: false,
    port: undefined,
  };
  return { clock, sent, peers: new InstancePeers(new InstanceLink(place, channel), clock), channel };
}

it('fails when the supervisor does not answer in time', async () => {
  const { clock, peers } = openSilently();
  const failing = Promise.resolve(storeOver(peers).get('a')).catch((error: unknown) => error);
  clock.advance(1_000);
  const error = await failing;
  expect(error).toBeInstanceOf(StateStoreError);
  expect(error).toMatchObject({ code: 'STATE_STORE', retryable: true, cause: { message: 'no answer within 1000 ms' } });
  expect(clock.timers).toBe(0);
});

it('sends a supervisor that reads nothing no more than so much', async () => {
  const { peers, channel, sent } = openSilently();
  channel.send = (message) => {
    sent.push(message);
    return new Promise<never>(() => {});
  };
  const store = storeOver(peers);
  for (let each = 0; each < 10_000; each++) store.get('a').catch(() => {});
  await expect(store.get('a')).rejects.toMatchObject({
    cause: { message: 'too many messages wait for the supervisor' },
  });
  new RelayedMessageBus(peers).publish('channel', 'text');
  expect(sent).toHaveLength(10_000);
});

it('leaves a question that a supervisor does not know unanswered', async () => {
  const { peers, clock } = await openFleet();
  const asking = peers[0].ask({ method: 'constructor' as 'get', args: ['a'] }, 1_000).catch((error: unknown) => error);
  await settle();
  clock.advance(1_000);
  expect(await asking).toMatchObject({ code: 'NO_ANSWER' });
});

it('carries messages to the others, and to those of the same instance at once', async () => {
  const { peers } = await openFleet();
  const [one, other] = peers.map((each) => new RelayedMessageBus(each)) as [RelayedMessageBus, RelayedMessageBus];
  expect(one.instance).not.toBe(other.instance);
  const heard: string[] = [];
  one.subscribe('channel', (text) => heard.push(`one ${text}`));
  other.subscribe('other channel', (text) => heard.push(`wrong ${text}`));
  const leave = other.subscribe('channel', (text) => heard.push(`other ${text}`));
  one.publish('channel', '1');
  expect(heard[0]).toBe('one 1');
  await settle();
  leave();
  one.publish('channel', '2');
  other.publish('channel', '3');
  await settle();
  expect(heard).toEqual(['one 1', 'other 1', 'one 2', 'one 3']);
});

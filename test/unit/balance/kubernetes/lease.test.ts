import { beforeEach, describe, expect, it } from 'vitest';
import { Lease, type LeaseOptions } from '../../../../src/balance/kubernetes/lease.ts';
import type { FakeTransport } from '../../../kubernetes/fake-transport.ts';
import { type Cluster, startCluster } from './support.ts';

interface Candidate {
  readonly lease: Lease;
  readonly transport: FakeTransport;
  readonly heard: boolean[];
  readonly problems: string[];
}

let cluster: Cluster;

beforeEach(() => {
  cluster = startCluster();
});

function candidate(identity: string, options: Partial<LeaseOptions> = {}): Candidate {
  const { api, transport } = cluster.client();
  const { clock, random } = cluster;
  const lease = new Lease({ name: 'scale', identity, ...options }, { api, clock, random });
  const heard: boolean[] = [];
  const problems: string[] = [];
  lease.start(
    (isHeld) => heard.push(isHeld),
    (error) => problems.push((error as Error).message),
  );
  return { lease, transport, heard, problems };
}

const stored = () => cluster.api.store.find({ plural: 'leases' }, 'default', 'scale');
const holders = (all: readonly Candidate[]): string[] =>
  all.filter(({ lease }) => lease.remainingMs > 0).map(({ lease }) => lease.identity);

describe('Lease', () => {
  it('is taken by the first, written as Kubernetes has it, and renewed', async () => {
    const a = candidate('a');
    await cluster.pass(1_000);
    expect(a.heard).toEqual([true]);
    expect(stored()?.spec).toEqual({
      holderIdentity: 'a',
      leaseDurationSeconds: 15,
      acquireTime: '2026-01-01T00:00:00.000000Z',
      renewTime: '2026-01-01T00:00:00.000000Z',
      leaseTransitions: 0,
    });
    await cluster.pass(60_000);
    expect(a.heard).toEqual([true]);
    expect(a.lease.remainingMs).toBeGreaterThan(7_000);
    expect(stored()?.spec.acquireTime).toBe('2026-01-01T00:00:00.000000Z');
    expect(stored()?.spec.renewTime > '2026-01-01T00:00:55').toBe(true);
  });

  it('has one holder of many who begin at the same time', async () => {
    const all = ['a', 'b', 'c', 'd'].map((identity) => candidate(identity));
    for (let second = 0; second < 120; second++) {
      await cluster.pass(1_000);
      expect(holders(all)).toHaveLength(1);
    }
    expect(all.flatMap(({ heard }) => heard)).toEqual([true]);
    expect(all.flatMap(({ problems }) => problems)).toEqual([]);
  });

  it('passes to another after the holder died, and not before its time is over', async () => {
    const a = candidate('a');
    await cluster.pass(1_000);
    const b = candidate('b');
    await cluster.pass(20_000);
    expect(b.heard).toEqual([]);
    a.transport.trouble = 'down';
    let tookMs = 0;
    for (; b.heard.length === 0 && tookMs < 60_000; tookMs += 250) {
      await cluster.pass(250);
      expect(holders([a, b]).length).toBeLessThan(2);
    }
    expect(a.heard).toEqual([true, false]);
    expect(tookMs).toBeGreaterThan(12_000);
    expect(tookMs).toBeLessThan(20_000);
    expect(stored()?.spec).toMatchObject({ holderIdentity: 'b', leaseTransitions: 1 });
    a.transport.trouble = 'none';
    await cluster.pass(30_000);
    expect(holders([a, b])).toEqual(['b']);
  });

  it.each(['down', 'silent'] as const)(
    'is held by none too long while the holder finds the API %s',
    async (trouble) => {
      const a = candidate('a');
      await cluster.pass(5_000);
      a.transport.trouble = trouble;
      await cluster.pass(8_000);
      const renewedAt = Date.parse(stored()?.spec.renewTime);
      while (a.lease.remainingMs > 0) await cluster.pass(250);
      expect(cluster.clock.wallNow() - renewedAt).toBeLessThanOrEqual(10_250);
      expect(a.heard).toEqual([true, false]);
      a.transport.trouble = 'none';
      await cluster.pass(15_000);
      expect(a.heard).toEqual([true, false, true]);
      expect(stored()?.spec.leaseTransitions).toBe(0);
    },
  );

  it('does not go by the times that another wrote: its clock may be wrong', async () => {
    const kind = cluster.api.kind('Lease');
    const spec = { holderIdentity: 'x', leaseDurationSeconds: 15, renewTime: '2001-01-01T00:00:00.000000Z' };
    cluster.api.store.put(kind, 'default', { metadata: { name: 'scale' }, spec });
    const a = candidate('a');
    await cluster.pass(14_000);
    expect(a.heard).toEqual([]);
    cluster.api.store.patch(kind, 'default', 'scale', { spec: { renewTime: '2001-01-01T00:00:14.000000Z' } });
    await cluster.pass(14_000);
    expect(a.heard).toEqual([]);
    await cluster.pass(6_000);
    expect(a.heard).toEqual([true]);
  });

  it('is given back on close, and then taken at once', async () => {
    const a = candidate('a');
    await cluster.pass(1_000);
    const b = candidate('b');
    await cluster.pass(5_000);
    await a.lease.close();
    expect(a.lease.remainingMs).toBe(0);
    expect(stored()?.spec).toMatchObject({ holderIdentity: '', leaseDurationSeconds: 1 });
    await cluster.pass(3_000);
    expect(b.heard).toEqual([true]);
    await a.lease.close();
    await cluster.pass(60_000);
    expect(holders([a, b])).toEqual(['b']);
  });

  it('is not touched on close by one that does not hold it, and leaves no timer', async () => {
    const a = candidate('a');
    await cluster.pass(1_000);
    const b = candidate('b');
    await cluster.pass(5_000);
    await b.lease.close();
    expect(stored()?.spec.holderIdentity).toBe('a');
    await a.lease.close();
    expect(cluster.clock.timers).toBe(0);
    expect([...a.problems, ...b.problems]).toEqual([]);
  });

  it('is given back too when it is closed while it is being taken', async () => {
    const a = candidate('a');
    await a.lease.close();
    expect(stored()?.spec.holderIdentity ?? '').toBe('');
    const b = candidate('b');
    await cluster.pass(1_000);
    expect(holders([a, b])).toEqual(['b']);
    expect(a.heard).toEqual([]);
  });

  it('is lost at once when somebody gives it to another by hand', async () => {
    const a = candidate('a');
    await cluster.pass(1_000);
    cluster.api.store.patch(cluster.api.kind('Lease'), 'default', 'scale', { spec: { holderIdentity: 'operator' } });
    await cluster.pass(2_500);
    expect(a.heard).toEqual([true, false]);
    await cluster.pass(30_000);
    expect(a.heard).toEqual([true, false, true]);
  });

  it('survives that somebody writes to it or deletes it', async () => {
    const a = candidate('a');
    await cluster.pass(1_000);
    const kind = cluster.api.kind('Lease');
    cluster.api.store.patch(kind, 'default', 'scale', { metadata: { annotations: { note: 'x' } } });
    await cluster.pass(6_000);
    cluster.api.store.delete(kind, 'default', 'scale');
    await cluster.pass(10_000);
    expect(stored()?.spec.holderIdentity).toBe('a');
    // One that is not there may be taken by anybody.
    expect(a.heard).toEqual([true, false, true]);
    expect(a.problems).toEqual([]);
  });

  it('tells why it cannot be had', async () => {
    cluster.api.intercept = () => 403;
    const a = candidate('a');
    await cluster.pass(1_000);
    expect(a.problems[0]).toBe(
      'GET /apis/coordination.k8s.io/v1/namespaces/default/leases/scale: 403 status 403 by the test',
    );
  });

  it('has an identity of its own where none is given', () => {
    const { api } = cluster.client();
    const identities = [1, 2].map(() => new Lease({ name: 'scale' }, { api }).identity);
    expect(new Set(identities).size).toBe(2);
  });

  it.each([
    [{ name: 'A b' }, 'option "lease.name" must be a name of Kubernetes'],
    [{ durationMs: 1 }, 'option "lease.durationMs" must be an integer from 3000 to 3600000, got 1'],
    [{ renewMs: 6_000 }, 'option "lease.renewMs" must be an integer from 500 to 5000, got 6000'],
  ])('refuses %j', (wrong, message) => {
    const { api } = cluster.client();
    expect(() => new Lease({ name: 'scale', ...wrong }, { api })).toThrow(message);
  });
});

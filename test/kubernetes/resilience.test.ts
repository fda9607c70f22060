import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EndpointSliceSource } from '../../src/balance/kubernetes/endpoint-slice-source.ts';
import { type ScaleResult, ScaleTarget } from '../../src/balance/kubernetes/scale-target.ts';
import { slice } from '../unit/balance/kubernetes/support.ts';
import { type Cluster, startCluster } from './cluster.ts';
import { Told } from './told.ts';

let cluster: Cluster;
const closing: (() => unknown)[] = [];

beforeEach(async () => {
  cluster = await startCluster();
  cluster.api.store.put(cluster.api.kind('Deployment'), 'default', {
    metadata: { name: 'web' },
    spec: { replicas: 2 },
  });
});
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
  await cluster.stop();
});

const put = (address: string): void =>
  void cluster.api.store.put(
    cluster.api.kind('EndpointSlice'),
    'default',
    slice('web-a', { endpoints: [{ address }] }),
  );

async function follow(): Promise<{ readonly ids: Told<string>; readonly problems: Told<string> }> {
  const source = new EndpointSliceSource({ service: 'web' }, { api: cluster.client() });
  closing.push(() => source.stop());
  const [ids, problems] = [new Told<string>(), new Told<string>()];
  await source.start(
    (endpoints) => ids.tell(endpoints.map(({ id }) => id).join()),
    (error) => problems.tell((error as Error).message),
  );
  return { ids, problems };
}

const up = (to: number) =>
  ({ direction: 'up', from: 2, to, recommendedInstances: to, reason: 'test', window: 6 }) as const;

describe('a source of endpoints', () => {
  it('goes on after each break of its connection, and after the API forgot', async () => {
    put('10.0.0.1');
    const { ids } = await follow();
    for (let round = 2; round < 5; round++) {
      put(`10.0.0.${round}`);
      await ids.until((text) => text === `10.0.0.${round}:3000`);
      cluster.api.store.compact();
      cluster.api.endWatches(round % 2 === 0);
    }
    put('10.0.0.9');
    await ids.until((text) => text === '10.0.0.9:3000');
  });

  it('keeps its list while the API is down, and catches up when it is back', async () => {
    put('10.0.0.1');
    const { ids, problems } = await follow();
    await cluster.server.down();
    await problems.until((message) => message.includes('ECONNREFUSED'));
    put('10.0.0.2');
    expect(ids.all).toEqual(['10.0.0.1:3000']);
    await cluster.server.up();
    await ids.until((text) => text === '10.0.0.2:3000');
  });

  it('is told late by a slow watch, and misses nothing', async () => {
    put('10.0.0.1');
    const { ids } = await follow();
    put('10.0.0.2');
    await ids.until((text) => text === '10.0.0.2:3000');
    cluster.api.isSlow = true;
    put('10.0.0.3');
    put('10.0.0.4');
    expect(ids.all).toHaveLength(2);
    cluster.api.release();
    await ids.until((text) => text === '10.0.0.4:3000');
    expect(ids.all).toHaveLength(4);
  });

  it('uses a token that was rotated, as soon as the old one is refused', async () => {
    put('10.0.0.1');
    const { ids } = await follow();
    cluster.setToken('second-token');
    cluster.api.tokens.delete('pod-token');
    cluster.api.endWatches(true);
    put('10.0.0.2');
    await ids.until((text) => text === '10.0.0.2:3000');
    const users = cluster.api.seen.filter(({ path }) => path.endsWith('/endpointslices')).map(({ user }) => user);
    expect(users).toContain('pod-token');
    expect(users).toContain(undefined);
    expect(users.at(-1)).toBe('second-token');
  });

  it('says what is wrong without a word of the token', async () => {
    const api = cluster.client('secret-token');
    cluster.api.tokens.delete('secret-token');
    const source = new EndpointSliceSource({ service: 'web' }, { api });
    const error = await source
      .start(
        () => {},
        () => {},
      )
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'KUBERNETES_API', status: 401, retryable: false });
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('secret-token');
  });
});

describe('leaders', () => {
  it('are followed by another when their connection ends, and never two of them patch', async () => {
    const lease = { durationMs: 5_000, renewMs: 500 };
    const tell = { a: new Told<ScaleResult>(), b: new Told<ScaleResult>() };
    const [a, b] = (['a', 'b'] as const).map((name) => {
      const target = new ScaleTarget(
        { name: 'web', lease: { ...lease, identity: name } },
        { api: cluster.client(name) },
      );
      closing.push(() => target.close());
      return target;
    }) as [ScaleTarget, ScaleTarget];
    a.start(tell.a.tell, () => {});
    tell.a.tell(await a.apply(up(4)));
    await tell.a.until(({ outcome }) => outcome === 'scaled');
    b.start(tell.b.tell, () => {});
    expect((await b.apply(up(6))).outcome).toBe('waiting');
    expect(b.isLeader).toBe(false);
    cluster.api.tokens.delete('a'); // It is cut off.
    await tell.b.until(({ outcome }) => outcome === 'scaled');
    expect(a.isLeader).toBe(false);
    expect((await a.apply(up(8))).outcome).toBe('waiting');
    const patches = cluster.api.seen.filter(({ method, status }) => method === 'PATCH' && status === 200);
    expect(patches.map(({ user }) => user)).toEqual(['a', 'b']);
    expect(await a.read().catch(() => 'cut off')).toBe('cut off');
    expect(await b.read()).toEqual({ wanted: 6, running: 6 });
  });
});

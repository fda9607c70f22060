import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApiClient } from '../../src/balance/kubernetes/api-client.ts';
import { resolveApiOptions } from '../../src/balance/kubernetes/api-options.ts';
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

async function leader(): Promise<ScaleTarget> {
  const api = cluster.client();
  const target = new ScaleTarget({ name: 'web', lease: { identity: 'pod-1' } }, { api });
  closing.push(() => target.close());
  const told = new Told<ScaleResult>();
  target.start(told.tell, () => {});
  // What waits for the Lease is carried out as soon as it is held.
  told.tell(await target.apply(up(2, 3)));
  await told.until(({ outcome }) => outcome === 'scaled');
  return target;
}

const up = (from: number, to: number) =>
  ({ direction: to > from ? 'up' : 'down', from, to, recommendedInstances: to, reason: 'test', window: 6 }) as const;
const replicasByKubectl = (): Promise<string> =>
  cluster.kubectl('get', 'deployment', 'web', '-o', 'jsonpath={.spec.replicas}');

describe('kubectl and Peregrine', () => {
  it('see how many replicas the other one set', async () => {
    const target = await leader();
    expect(await replicasByKubectl()).toBe('3');
    expect(await cluster.kubectl('scale', 'deployment', 'web', '--replicas=6')).toBe('deployment.apps/web scaled');
    expect(await target.read()).toEqual({ wanted: 6, running: 6 });
    expect((await target.apply(up(6, 9))).outcome).toBe('scaled');
    expect(await replicasByKubectl()).toBe('9');
    // kubectl scales only from the number that it is told to expect.
    await expect(cluster.kubectl('scale', 'deployment', 'web', '--current-replicas=6', '--replicas=1')).rejects.toThrow(
      'Expected replicas to be 6, was 9',
    );
  });

  it('see the holder of the Lease, and that it was given back', async () => {
    const target = await leader();
    const holder = (): Promise<string> =>
      cluster.kubectl('get', 'lease', 'web-peregrine-scale', '-o', 'jsonpath={.spec.holderIdentity}');
    expect(await holder()).toBe('pod-1');
    await target.close();
    expect(await holder()).toBe('');
  });

  it('know an autoscaler that kubectl makes, and that it takes away', async () => {
    const target = await leader();
    const spec = { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }, maxReplicas: 5 };
    const hpa = { apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', metadata: { name: 'by-cpu' }, spec };
    await cluster.apply(JSON.stringify(hpa));
    expect(await target.apply(up(3, 5))).toMatchObject({
      outcome: 'refused',
      message: 'Deployment "web" is scaled by HorizontalPodAutoscaler "by-cpu" already; delete one or the other',
    });
    expect(await replicasByKubectl()).toBe('3');
    await cluster.kubectl('delete', 'hpa', 'by-cpu', '--wait=false');
    expect((await target.apply(up(3, 5))).outcome).toBe('scaled');
  });

  it('follow the slices that kubectl makes, labels and deletes', async () => {
    const put = (name: string, address: string): void =>
      void cluster.api.store.put(
        cluster.api.kind('EndpointSlice'),
        'default',
        slice(name, { endpoints: [{ address }] }),
      );
    put('web-a', '10.0.0.1');
    const source = new EndpointSliceSource({ service: 'web' }, { api: cluster.client() });
    closing.push(() => source.stop());
    const told = new Told<string>();
    await source.start(
      (endpoints) => told.tell(endpoints.map(({ id }) => id).join()),
      () => {},
    );
    put('web-b', '10.0.0.2');
    await told.until((ids) => ids === '10.0.0.1:3000,10.0.0.2:3000');
    const names = ['get', 'endpointslices', '-l', 'kubernetes.io/service-name=web', '-o', 'name'];
    expect((await cluster.kubectl(...names)).split('\n')).toEqual([
      'endpointslice.discovery.k8s.io/web-a',
      'endpointslice.discovery.k8s.io/web-b',
    ]);
    await cluster.kubectl('delete', 'endpointslice', 'web-a', '--wait=false');
    await told.until((ids) => ids === '10.0.0.2:3000');
    await cluster.kubectl('patch', 'endpointslice', 'web-b', '--type=merge', '-p', '{"ports":[{"port":4000}]}');
    await told.until((ids) => ids === '10.0.0.2:4000');
  });

  it('reach the API together, through kubectl proxy', async () => {
    const put = (address: string): void =>
      void cluster.api.store.put(
        cluster.api.kind('EndpointSlice'),
        'default',
        slice('web-a', { endpoints: [{ address }] }),
      );
    put('10.0.0.1');
    const options = resolveApiOptions('kubernetes', { apiServer: await cluster.proxy(), namespace: 'default' });
    const api = new ApiClient(options);
    closing.push(() => api.close());
    const source = new EndpointSliceSource({ service: 'web' }, { api });
    closing.push(() => source.stop());
    const told = new Told<string>();
    await source.start(
      (endpoints) => told.tell(endpoints.map(({ id }) => id).join()),
      () => {},
    );
    put('10.0.0.2');
    await told.until((ids) => ids === '10.0.0.2:3000');
    expect(told.all).toEqual(['10.0.0.1:3000', '10.0.0.2:3000']);
    const users = cluster.api.seen.filter(({ path }) => path.endsWith('/endpointslices')).map(({ user }) => user);
    expect(new Set(users)).toEqual(new Set(['operator']));
  });
});

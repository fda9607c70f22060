import { readFileSync } from 'node:fs';
import {
  AppsV1Api,
  AutoscalingV2Api,
  CoordinationV1Api,
  DiscoveryV1Api,
  KubeConfig,
  PatchStrategy,
  setHeaderOptions,
} from '@kubernetes/client-node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EndpointSliceSource } from '../../src/balance/kubernetes/endpoint-slice-source.ts';
import { type ScaleResult, ScaleTarget } from '../../src/balance/kubernetes/scale-target.ts';
import { slice } from '../unit/balance/kubernetes/support.ts';
import { type Cluster, startCluster } from './cluster.ts';
import { Told } from './told.ts';

const namespace = 'default';
let cluster: Cluster;
let config: KubeConfig;
const closing: (() => unknown)[] = [];

beforeEach(async () => {
  cluster = await startCluster();
  cluster.api.store.put(cluster.api.kind('Deployment'), namespace, {
    metadata: { name: 'web' },
    spec: { replicas: 2 },
  });
  cluster.api.tokens.set('official-token', 'official');
  config = new KubeConfig();
  config.loadFromOptions({
    clusters: [{ name: 'fake', server: cluster.server.url, caData: readFileSync(cluster.caFile).toString('base64') }],
    users: [{ name: 'official', token: 'official-token' }],
    contexts: [{ name: 'fake', cluster: 'fake', user: 'official', namespace }],
    currentContext: 'fake',
  });
});
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
  await cluster.stop();
});

const up = (from: number, to: number) =>
  ({ direction: 'up', from, to, recommendedInstances: to, reason: 'test', window: 6 }) as const;

describe('the official client and Peregrine', () => {
  it('see how many replicas the other one set, and the Lease', async () => {
    const apps = config.makeApiClient(AppsV1Api);
    const told = new Told<ScaleResult>();
    const target = new ScaleTarget({ name: 'web', lease: { identity: 'pod-1' } }, { api: cluster.client() });
    closing.push(() => target.close());
    target.start(told.tell, () => {});
    told.tell(await target.apply(up(2, 4)));
    await told.until(({ outcome }) => outcome === 'scaled');
    const ours = await apps.readNamespacedDeploymentScale({ name: 'web', namespace });
    expect([ours.spec?.replicas, ours.status?.replicas]).toEqual([4, 4]);
    await apps.patchNamespacedDeploymentScale(
      { name: 'web', namespace, body: { spec: { replicas: 7 } } },
      setHeaderOptions('Content-Type', PatchStrategy.MergePatch),
    );
    expect(await target.read()).toEqual({ wanted: 7, running: 7 });
    const lease = await config
      .makeApiClient(CoordinationV1Api)
      .readNamespacedLease({ name: 'web-peregrine-scale', namespace });
    expect(lease.spec).toMatchObject({ holderIdentity: 'pod-1', leaseDurationSeconds: 15, leaseTransitions: 0 });
    expect(String(lease.spec?.renewTime)).toMatch(/^\d{4}-\d\d-\d\dT[\d:]{8}\.\d{6}Z$/);
  });

  it('conflict where both write onto the same version', async () => {
    const apps = config.makeApiClient(AppsV1Api);
    const scale = await apps.readNamespacedDeploymentScale({ name: 'web', namespace });
    await cluster.kubectl('scale', 'deployment', 'web', '--replicas=3');
    const write = apps.replaceNamespacedDeploymentScale({
      name: 'web',
      namespace,
      body: { ...scale, spec: { replicas: 9 } },
    });
    await expect(write).rejects.toMatchObject({ code: 409 });
  });

  it('make an autoscaler that the other one respects', async () => {
    const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };
    await config.makeApiClient(AutoscalingV2Api).createNamespacedHorizontalPodAutoscaler({
      namespace,
      body: { metadata: { name: 'hpa' }, spec: { scaleTargetRef, maxReplicas: 5 } },
    });
    const told = new Told<ScaleResult>();
    const target = new ScaleTarget({ name: 'web' }, { api: cluster.client() });
    closing.push(() => target.close());
    target.start(told.tell, () => {});
    told.tell(await target.apply(up(2, 4)));
    const { message } = await told.until(({ outcome }) => outcome === 'refused');
    expect(message).toContain('HorizontalPodAutoscaler "hpa"');
  });

  it('agree on the endpoints of a service', async () => {
    const discovery = config.makeApiClient(DiscoveryV1Api);
    const endpoints = [
      { address: '10.0.0.1' },
      { address: '10.0.0.2', ready: false, serving: true, terminating: true },
      { address: '10.0.0.3', ready: false },
    ];
    const body = slice('web-a', { endpoints });
    // The models know more fields than are written here.
    await discovery.createNamespacedEndpointSlice({ namespace, body: body as never });
    const source = new EndpointSliceSource({ service: 'web' }, { api: cluster.client() });
    closing.push(() => source.stop());
    const told = new Told<string>();
    await source.start(
      (list) => told.tell(list.map(({ id, draining }) => `${id}${draining ? ' draining' : ''}`).join()),
      () => {},
    );
    expect(told.all).toEqual(['10.0.0.1:3000,10.0.0.2:3000 draining']);
    const { items } = await discovery.listNamespacedEndpointSlice({
      namespace,
      labelSelector: 'kubernetes.io/service-name=web',
    });
    expect(items.flatMap((each) => each.endpoints ?? []).flatMap(({ addresses }) => addresses)).toEqual([
      '10.0.0.1',
      '10.0.0.2',
      '10.0.0.3',
    ]);
    await discovery.deleteNamespacedEndpointSlice({ name: 'web-a', namespace });
    await told.until((text) => text === '');
  });
});

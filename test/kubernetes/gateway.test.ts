import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { GatewayServerConfig } from '../../src/balance/gateway/gateway-options.ts';
import { until } from '../balance/calls.ts';
import { call, Orders, type Replica, type RunningGateway, startGateway, startReplica } from '../balance/shop.ts';
import { type SliceContent, slice } from '../unit/balance/kubernetes/support.ts';
import { type Cluster, startCluster } from './cluster.ts';

let cluster: Cluster;
beforeEach(async () => {
  cluster = await startCluster();
});
afterEach(() => cluster.stop());

/** Each replica has a slice of its own: they are on one machine and differ in their ports. */
function put({ name, port }: Replica, conditions: Partial<SliceContent['endpoints'][number]> = {}): void {
  const content = { ports: [{ name: 'http', port }], endpoints: [{ address: '127.0.0.1', uid: name, ...conditions }] };
  cluster.api.store.put(cluster.api.kind('EndpointSlice'), 'default', slice(`web-${name}`, content));
}

/** What a gateway inside the cluster would know by itself. */
function inside(): GatewayServerConfig['kubernetes'] & object {
  const { url } = cluster.server;
  const { caFile } = cluster;
  return { service: 'web', host: 'localhost', apiServer: url, caFile, tokenFile: tokenFile(), namespace: 'default' };
}

const tokenFile = (): string => join(cluster.caFile, '../token');
const replicasOf = ({ gateway }: RunningGateway): string =>
  (gateway.getStatistics().servers['shop']?.replicas?.balancer.instances ?? [])
    .map(({ id, state }) => `${new URL(`http://${id}`).port} ${state}`)
    .join();

async function whoAnswers(url: string): Promise<Set<string | undefined>> {
  const answers = await Promise.all(Array.from({ length: 20 }, () => call(url, 'who')));
  return new Set(answers.map(({ text }) => text));
}

describe('a gateway in a cluster', () => {
  it('sends calls to the pods of a service, as kubectl changes them', async () => {
    const orders = new Orders();
    const [a, b] = await Promise.all([startReplica('a', orders), startReplica('b', orders)]);
    put(a);
    put(b, { ready: false });
    const running = await startGateway({ kubernetes: inside(), algorithm: 'round-robin' });
    expect(await whoAnswers(running.url)).toEqual(new Set(['a']));
    const become = (name: string, conditions: object): Promise<string> => {
      const endpoints = [{ addresses: ['127.0.0.1'], conditions }];
      return cluster.kubectl('patch', 'endpointslice', name, '--type=merge', '-p', JSON.stringify({ endpoints }));
    };
    await become('web-b', { ready: true });
    await until(() => replicasOf(running) === `${a.port} healthy,${b.port} healthy`);
    expect(await whoAnswers(running.url)).toEqual(new Set(['a', 'b']));
    await become('web-a', { ready: false, serving: true, terminating: true });
    await until(() => replicasOf(running).startsWith(`${a.port} draining`));
    expect(await whoAnswers(running.url)).toEqual(new Set(['b']));
    await cluster.kubectl('delete', 'endpointslice', 'web-a', '--wait=false');
    await until(() => replicasOf(running) === `${b.port} healthy`);
    expect(running.logged).toEqual([]);
  });

  it('goes on while the API is away, and when its token is another one', async () => {
    const orders = new Orders();
    const [a, b] = await Promise.all([startReplica('a', orders), startReplica('b', orders)]);
    put(a);
    const running = await startGateway({ kubernetes: inside() });
    await cluster.server.down();
    await until(() => running.logged.some((line) => line.includes('replicas could not be learned')));
    expect(await whoAnswers(running.url)).toEqual(new Set(['a']));
    cluster.api.tokens.clear();
    cluster.api.tokens.set('rotated', 'rotated');
    writeFileSync(tokenFile(), 'rotated');
    put(b);
    await cluster.server.up();
    await until(() => replicasOf(running).includes(String(b.port)));
    expect(running.logged.join('\n')).not.toContain(readFileSync(tokenFile(), 'utf8'));
  });

  it('goes on by another file: from addresses of a name to those of slices', async () => {
    const orders = new Orders();
    const [a, b] = await Promise.all([startReplica('a', orders), startReplica('b', orders)]);
    put(b);
    const running = await startGateway({ dns: { name: 'localhost', port: a.port, family: 4 } });
    expect(await whoAnswers(running.url)).toEqual(new Set(['a']));
    const listen = { port: 0 };
    expect(await running.gateway.reload({ listen, servers: { shop: { kubernetes: inside() } } })).toBe(true);
    expect(await whoAnswers(running.url)).toEqual(new Set(['b']));
    await cluster.server.down();
    const other = { ...inside(), service: 'other' };
    expect(await running.gateway.reload({ listen, servers: { shop: { kubernetes: other } } })).toBe(false);
    expect(await whoAnswers(running.url)).toEqual(new Set(['b']));
  });

  it('asks for the Lease when it is to scale, and gives it back when it ends', async () => {
    put(await startReplica('a', new Orders()));
    cluster.api.store.put(cluster.api.kind('Deployment'), 'default', {
      metadata: { name: 'web' },
      spec: { replicas: 2 },
    });
    const { gateway } = await startGateway({ kubernetes: inside(), scale: { name: 'web' } });
    const holder = (): string =>
      cluster.api.store.find({ plural: 'leases' }, 'default', 'web-peregrine-scale')?.spec.holderIdentity ?? '';
    await until(() => holder() !== '');
    expect(await cluster.kubectl('get', 'lease', '-o', 'jsonpath={.items[*].spec.holderIdentity}')).toBe(holder());
    await gateway.close(0);
    expect(holder()).toBe('');
  });
});

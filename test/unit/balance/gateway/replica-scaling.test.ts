import { beforeEach, describe, expect, it } from 'vitest';
import { resolveGateway } from '../../../../src/balance/gateway/gateway-options.ts';
import { ReplicaScaling } from '../../../../src/balance/gateway/replica-scaling.ts';
import { ScaleTarget } from '../../../../src/balance/kubernetes/scale-target.ts';
import type { BackendState, BackendStatistics } from '../../../../src/balance/picking/backend.ts';
import { Autoscaler } from '../../../../src/balance/scaling/autoscaler.ts';
import type { FakeTransport } from '../../../kubernetes/fake-transport.ts';
import { type Cluster, startCluster } from '../kubernetes/support.ts';

let cluster: Cluster;
/** Utilization of all replicas together, as far as they can be asked for it. */
let demand: number;
let areCalled: boolean;
/** Pods become replicas at once, unless they do not start. */
let started: number | undefined;
let logged: string[];

beforeEach(() => {
  cluster = startCluster();
  [demand, areCalled, started, logged] = [1, true, undefined, []];
  put('Deployment', { metadata: { name: 'web' }, spec: { replicas: 2 } });
});

function put(kind: string, content: { readonly metadata: { readonly name: string }; readonly spec: object }): void {
  cluster.api.store.put(cluster.api.kind(kind), 'default', content);
}

const wanted = (): number => cluster.api.store.find({ plural: 'deployments' }, 'default', 'web')?.spec.replicas;

let requests = 0;
function replicas(): BackendStatistics[] {
  const serving = started ?? wanted();
  if (areCalled) requests++;
  const load = Math.min(1, demand / serving);
  const one = (id: string, state: BackendState): BackendStatistics => {
    return { id, state, weight: 1, load, connections: 0, requests, errors: 0 };
  };
  return [...Array.from({ length: serving }, (_, index) => one(`web-${index}`, 'healthy')), one('old', 'draining')];
}

function start(identity = 'a'): { readonly scaling: ReplicaScaling; readonly transport: FakeTransport } {
  const { api, transport } = cluster.client();
  const { clock, random } = cluster;
  const note = (details: object, message: string): void => void logged.push(`${message} ${JSON.stringify(details)}`);
  const scaling = new ReplicaScaling({
    name: 'shop',
    autoscaler: new Autoscaler(),
    target: new ScaleTarget({ name: 'web', lease: { identity } }, { api, clock, random }),
    api,
    replicas,
    clock,
    logger: { info: note, warn: note },
  });
  scaling.start();
  return { scaling, transport };
}

describe('the scaling of replicas', () => {
  it('has as many as the load asks for, and says what it did', async () => {
    start();
    await cluster.pass(10_000);
    expect(wanted()).toBe(2);
    demand = 6;
    await cluster.pass(30_000);
    expect(wanted()).toBeGreaterThanOrEqual(8);
    expect(wanted()).toBeLessThanOrEqual(14);
    expect(logged[0]).toMatch(/^gateway: from 2 to [34] replicas {"server":"shop"}$/);
    demand = 1;
    await cluster.pass(20_000);
    const before = wanted();
    await cluster.pass(600_000);
    expect(before).toBeGreaterThanOrEqual(8);
    expect(wanted()).toBeLessThan(5);
  });

  it('counts those that are starting, and does not ask for more in their place', async () => {
    start();
    started = 2;
    demand = 6;
    await cluster.pass(60_000);
    expect(wanted()).toBe(4);
  });

  it('forgets the load of replicas that nobody calls any more', async () => {
    put('Deployment', { metadata: { name: 'web' }, spec: { replicas: 8 } });
    start();
    demand = 5;
    await cluster.pass(30_000);
    areCalled = false;
    await cluster.pass(600_000);
    expect(wanted()).toBe(2);
  });

  it('says once why it does not', async () => {
    put('HorizontalPodAutoscaler', {
      metadata: { name: 'hpa' },
      spec: { scaleTargetRef: { kind: 'Deployment', name: 'web' } },
    });
    start();
    await cluster.pass(5_000);
    for (const load of [6, 0, 6, 0, 6]) {
      demand = load;
      await cluster.pass(200_000);
    }
    expect(wanted()).toBe(2);
    expect(logged).toHaveLength(1);
    expect(logged[0]).toContain('is scaled by HorizontalPodAutoscaler');
  });

  it('goes on when the API is back', async () => {
    const { transport } = start();
    await cluster.pass(5_000);
    transport.trouble = 'down';
    demand = 6;
    await cluster.pass(60_000);
    expect(wanted()).toBe(2);
    transport.trouble = 'none';
    await cluster.pass(60_000);
    expect(wanted()).toBeGreaterThanOrEqual(8);
  });

  it('is done by one gateway of two, and by the other one when the first closes', async () => {
    const first = start('a');
    await cluster.pass(1_000);
    start('b');
    demand = 3;
    await cluster.pass(60_000);
    const before = wanted();
    const user = () =>
      cluster.api.store.find({ plural: 'leases' }, 'default', 'web-peregrine-scale')?.spec.holderIdentity;
    expect([before >= 4, user()]).toEqual([true, 'a']);
    const closed = first.scaling.close();
    await cluster.pass(5_000);
    await closed;
    expect(user()).toBe('b');
    demand = 7;
    await cluster.pass(60_000);
    expect(wanted()).toBeGreaterThan(before);
  });

  it.each(['silent', 'down'] as const)('closes within two seconds when the API is %s', async (trouble) => {
    const { scaling, transport } = start();
    await cluster.pass(5_000);
    transport.trouble = trouble;
    await cluster.pass(3_000);
    let isClosed = false;
    const closed = scaling.close().then(() => {
      isClosed = true;
    });
    await cluster.pass(2_000);
    expect(isClosed).toBe(true);
    await closed;
    expect(cluster.clock.timers).toBe(0);
  });
});

describe('the configuration of scaling', () => {
  const kubernetes = { service: 'web', apiServer: 'https://api', namespace: 'default' };
  const resolve = (server: object) => resolveGateway({ servers: { shop: server } }).servers.get('shop')?.scale;

  it('names the target and may say when', () => {
    const scale = { name: 'web', minInstances: 3, maxInstances: 6, scaleUpAt: 0.7, lease: { durationMs: 30_000 } };
    expect(resolve({ kubernetes, scale })).toBeDefined();
    expect(resolve({ kubernetes })).toBeUndefined();
    expect(resolve({ kubernetes, scale })?.fingerprint).not.toBe(
      resolve({ kubernetes, scale: { name: 'x' } })?.fingerprint,
    );
  });

  it.each([
    [{ endpoints: ['http://a'], scale: { name: 'web' } }, 'option "servers.shop.scale" needs "kubernetes" beside it'],
    [{ kubernetes, scale: {} }, 'option "servers.shop.scale.name" must be a non-empty string'],
    [
      { kubernetes, scale: { name: 'web', target: 0.9 } },
      'option "servers.shop.scale.target" must be at most scaleUpAt',
    ],
    [{ kubernetes, scale: { name: 'web', min: 2 } }, 'option "servers.shop.scale.min" is not known'],
    [
      { kubernetes, scale: { name: 'web', lease: { durationMs: 1 } } },
      'option "servers.shop.scale.lease.durationMs" must',
    ],
  ])('is refused: %j', (server, message) => {
    expect(() => resolve(server)).toThrow(message);
  });
});

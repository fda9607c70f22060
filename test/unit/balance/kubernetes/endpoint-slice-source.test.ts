import { beforeEach, describe, expect, it } from 'vitest';
import type { ApiClient } from '../../../../src/balance/kubernetes/api-client.ts';
import {
  EndpointSliceSource,
  type EndpointSliceSourceOptions,
} from '../../../../src/balance/kubernetes/endpoint-slice-source.ts';
import type { FakeTransport } from '../../../kubernetes/fake-transport.ts';
import { type Cluster, type SliceContent, settle, slice, startCluster } from './support.ts';

let cluster: Cluster;
let api: ApiClient;
let transport: FakeTransport;
let lists: string[][];
let problems: string[];
let source: EndpointSliceSource;

beforeEach(() => {
  cluster = startCluster();
  ({ api, transport } = cluster.client());
  [lists, problems] = [[], []];
});

const put = (name: string, content: SliceContent): void =>
  void cluster.api.store.put(cluster.api.kind('EndpointSlice'), 'default', slice(name, content));
const one = (address: string): SliceContent => ({ endpoints: [{ address }] });

function start(options: Partial<EndpointSliceSourceOptions> = {}): Promise<void> {
  const { clock, random } = cluster;
  source = new EndpointSliceSource({ service: 'web', port: 'http', ...options }, { api, clock, random });
  return source.start(
    (endpoints) => lists.push(endpoints.map(({ id }) => id)),
    (error) => problems.push((error as Error).message),
  );
}

const listings = (): number => cluster.api.seen.filter(({ path }) => path.endsWith('/endpointslices')).length;

describe('EndpointSliceSource', () => {
  it('lists, and follows what comes, changes and goes, of its service alone', async () => {
    put('web-a', one('10.0.0.1'));
    put('other-a', { ...one('10.9.9.9'), service: 'other' });
    await start();
    expect(lists).toEqual([['10.0.0.1:3000']]);
    await settle();
    put('web-b', one('10.0.0.2'));
    put('other-a', { ...one('10.9.9.8'), service: 'other' });
    await settle();
    put('web-a', one('10.0.0.3'));
    await settle();
    cluster.api.store.delete(cluster.api.kind('EndpointSlice'), 'default', 'web-b');
    await settle();
    expect(lists.slice(1)).toEqual([
      ['10.0.0.1:3000', '10.0.0.2:3000'],
      ['10.0.0.2:3000', '10.0.0.3:3000'],
      ['10.0.0.3:3000'],
    ]);
    expect(problems).toEqual([]);
    expect(listings()).toBe(2);
  });

  it('goes on from where it was when the API ends a watch, without another list', async () => {
    put('web-a', one('10.0.0.1'));
    await start();
    await cluster.pass(10_000);
    cluster.api.endWatches(true);
    put('web-a', one('10.0.0.2'));
    await settle();
    expect(lists.at(-1)).toEqual(['10.0.0.2:3000']);
    expect(listings()).toBe(3);
    expect(problems).toEqual([]);
  });

  it('reads the list again when the API has forgotten, and is not told of it as a failure', async () => {
    put('web-a', one('10.0.0.1'));
    await start();
    await cluster.pass(5_000);
    put('other', { ...one('10.9.9.9'), service: 'other' });
    cluster.api.store.compact();
    cluster.api.endWatches(true);
    put('web-a', one('10.0.0.2'));
    await settle();
    expect(lists).toHaveLength(1);
    await cluster.pass(1_000);
    expect(lists.at(-1)).toEqual(['10.0.0.2:3000']);
    put('web-a', one('10.0.0.3'));
    await settle();
    expect(lists.at(-1)).toEqual(['10.0.0.3:3000']);
    expect(problems).toEqual([]);
  });

  it('need not read it again where a bookmark said how far it is', async () => {
    put('web-a', one('10.0.0.1'));
    await start();
    await cluster.pass(5_000);
    cluster.api.store.compact();
    cluster.api.bookmark();
    await settle();
    cluster.api.endWatches(true);
    put('web-a', one('10.0.0.2'));
    await settle();
    expect(lists.at(-1)).toEqual(['10.0.0.2:3000']);
    expect(listings()).toBe(3);
  });

  it('keeps the replicas while the API is away, tries again ever more seldom, and catches up', async () => {
    put('web-a', one('10.0.0.1'));
    await start();
    await cluster.pass(5_000);
    transport.trouble = 'down';
    cluster.api.endWatches(false);
    await cluster.pass(300_000);
    expect(lists).toEqual([['10.0.0.1:3000']]);
    expect(problems[0]).toContain('ECONNRESET');
    expect(problems[1]).toContain('ECONNREFUSED');
    expect(problems.length).toBeGreaterThan(8);
    expect(problems.length).toBeLessThan(25);
    put('web-a', one('10.0.0.2'));
    transport.trouble = 'none';
    await cluster.pass(30_000);
    expect(lists.at(-1)).toEqual(['10.0.0.2:3000']);
    put('web-a', one('10.0.0.3'));
    await settle();
    expect(lists.at(-1)).toEqual(['10.0.0.3:3000']);
  });

  it('does not hammer an API that ends each watch at once', async () => {
    put('web-a', one('10.0.0.1'));
    await start();
    for (let second = 0; second < 120; second++) {
      cluster.api.endWatches(true);
      await cluster.pass(1_000);
    }
    expect(listings()).toBeLessThan(40);
  });

  it('gives up a watch that is silent beyond its time, and a list without an answer', async () => {
    put('web-a', one('10.0.0.1'));
    await start();
    await cluster.pass(5_000);
    cluster.api.isSlow = true;
    put('web-a', one('10.0.0.2'));
    await cluster.pass(100_000);
    expect(lists).toHaveLength(1);
    await cluster.pass(220_000);
    expect(problems).toHaveLength(1);
    cluster.api.release();
    await settle();
    expect(lists.at(-1)).toEqual(['10.0.0.2:3000']);
    transport.trouble = 'silent';
    cluster.api.endWatches(false);
    await cluster.pass(15_000);
    expect(problems.at(-1)).toMatch(/endpointslices.*: no answer$/);
  });

  it('cannot start without a first list', async () => {
    transport.trouble = 'down';
    await expect(start()).rejects.toMatchObject({ code: 'KUBERNETES_API', retryable: true });
    transport.trouble = 'none';
    cluster.api.intercept = () => 403;
    await expect(start()).rejects.toMatchObject({ status: 403, retryable: false });
    expect(cluster.clock.timers).toBe(0);
  });

  it('tells once of a port that the service does not have', async () => {
    put('web-a', one('10.0.0.1'));
    await start({ port: 'grpc' });
    put('web-b', one('10.0.0.2'));
    await settle();
    expect(lists).toEqual([[]]);
    expect(problems).toEqual(['service "web" has no port grpc; there are: http (3000)']);
    put('web-b', { ...one('10.0.0.2'), ports: [{ name: 'grpc', port: 50 }] });
    await settle();
    expect(lists.at(-1)).toEqual(['10.0.0.2:50']);
  });

  it('is told nothing more after a stop, and leaves no timer and no watch', async () => {
    put('web-a', one('10.0.0.1'));
    await start();
    await settle();
    expect(cluster.api.watches).toBe(1);
    source.stop();
    await settle();
    put('web-a', one('10.0.0.2'));
    await cluster.pass(60_000);
    expect([lists.length, problems.length, cluster.api.watches, cluster.clock.timers]).toEqual([1, 0, 0, 0]);
  });

  it.each([
    [{ service: 'Web' }, 'option "kubernetes.service" must be a name of Kubernetes'],
    [{ port: 70_000 }, 'option "kubernetes.port" must be an integer from 1 to 65535, got 70000'],
    [{ port: '' }, 'option "kubernetes.port" must be a non-empty string, got ""'],
    [{ servic: 'web' }, 'option "kubernetes.servic" is not known (did you mean "service"?)'],
  ])('refuses %j', (wrong, message) => {
    expect(() => new EndpointSliceSource({ service: 'web', ...wrong }, { api })).toThrow(message);
  });
});

import { beforeEach, describe, expect, it } from 'vitest';
import {
  type ScaleResult,
  ScaleTarget,
  type ScaleTargetOptions,
} from '../../../../src/balance/kubernetes/scale-target.ts';
import type { ScaleRecommendation } from '../../../../src/balance/scaling/scale.ts';
import type { FakeTransport } from '../../../kubernetes/fake-transport.ts';
import { type Cluster, startCluster } from './support.ts';

interface Scaler {
  readonly target: ScaleTarget;
  readonly transport: FakeTransport;
  readonly told: ScaleResult[];
}

let cluster: Cluster;

beforeEach(() => {
  cluster = startCluster({ hasKeda: true });
  put('Deployment', { metadata: { name: 'web' }, spec: { replicas: 2 } });
});

function put(kind: string, content: { readonly metadata: { readonly name: string }; readonly spec: object }): void {
  cluster.api.store.put(cluster.api.kind(kind), 'default', content);
}

function scaler(identity: string, options: Partial<ScaleTargetOptions> = {}): Scaler {
  const { api, transport } = cluster.client(identity);
  const { clock, random } = cluster;
  const target = new ScaleTarget({ name: 'web', lease: { identity }, ...options }, { api, clock, random });
  const told: ScaleResult[] = [];
  target.start(
    (result) => told.push(result),
    () => {},
  );
  return { target, transport, told };
}

async function leader(options: Partial<ScaleTargetOptions> = {}): Promise<Scaler> {
  const scaled = scaler('a', options);
  await cluster.pass(1_000);
  expect(scaled.target.isLeader).toBe(true);
  return scaled;
}

function recommend(from: number, to: number): ScaleRecommendation {
  const direction = to > from ? 'up' : 'down';
  return { direction, from, to, recommendedInstances: to, reason: 'test', window: 6 };
}

const replicas = (name = 'web', plural = 'deployments'): number =>
  cluster.api.store.find({ plural }, 'default', name)?.spec.replicas;
const patches = (): number[] => cluster.api.statuses('PATCH', '/scale');

describe('ScaleTarget', () => {
  it('reads and sets how many replicas there are', async () => {
    const { target } = await leader();
    expect(await target.read()).toEqual({ wanted: 2, running: 2 });
    expect(await target.apply(recommend(2, 5))).toEqual({
      outcome: 'scaled',
      from: 2,
      to: 5,
      message: 'from 2 to 5 replicas',
    });
    expect(replicas()).toBe(5);
    expect((await target.apply(recommend(5, 3))).outcome).toBe('scaled');
    expect(await target.read()).toEqual({ wanted: 3, running: 3 });
  });

  it('scales a StatefulSet as well', async () => {
    put('StatefulSet', { metadata: { name: 'store' }, spec: { replicas: 2 } });
    const { target } = await leader({ kind: 'StatefulSet', name: 'store' });
    expect((await target.apply(recommend(2, 3))).outcome).toBe('scaled');
    expect(replicas('store', 'statefulsets')).toBe(3);
  });

  it.each([
    ['above the most', 2, 40, 16],
    ['below the least', 6, 1, 2],
  ])('stays within its bounds: %s', async (_, from, to, expected) => {
    put('Deployment', { metadata: { name: 'web' }, spec: { replicas: from } });
    const { target } = await leader();
    expect(await target.apply(recommend(from, to))).toMatchObject({ outcome: 'scaled', to: expected });
    expect(replicas()).toBe(expected);
  });

  it('never goes the other way than was recommended, when somebody has changed it meanwhile', async () => {
    put('Deployment', { metadata: { name: 'web' }, spec: { replicas: 8 } });
    const { target } = await leader();
    expect(await target.apply(recommend(2, 5))).toMatchObject({ outcome: 'unchanged', from: 8 });
    put('Deployment', { metadata: { name: 'web' }, spec: { replicas: 2 } });
    expect(await target.apply(recommend(8, 4))).toMatchObject({ outcome: 'unchanged', from: 2 });
    put('Deployment', { metadata: { name: 'web' }, spec: { replicas: 1 } });
    expect(await target.apply(recommend(3, 1))).toMatchObject({ outcome: 'unchanged', from: 1 });
    expect(patches()).toEqual([]);
  });

  it('leaves alone what was switched off', async () => {
    put('Deployment', { metadata: { name: 'web' }, spec: { replicas: 0 } });
    const { target } = await leader();
    expect(await target.apply(recommend(2, 5))).toMatchObject({
      outcome: 'refused',
      message: 'the target has been switched off: it has 0 replicas',
    });
    expect(replicas()).toBe(0);
  });

  const OWNERS = [
    ['HorizontalPodAutoscaler', { kind: 'Deployment', name: 'web' }, 'HorizontalPodAutoscaler "own"'],
    ['ScaledObject', { kind: 'Deployment', name: 'web' }, 'ScaledObject of KEDA "own"'],
    ['ScaledObject', { name: 'web' }, 'ScaledObject of KEDA "own"'],
  ] as const;
  it.each(OWNERS)('refuses what a %s with the target %j scales', async (kind, scaleTargetRef, owner) => {
    const { target } = await leader();
    put(kind, { metadata: { name: 'own' }, spec: { scaleTargetRef } });
    expect(await target.apply(recommend(2, 5))).toMatchObject({
      outcome: 'refused',
      message: `Deployment "web" is scaled by ${owner} already; delete one or the other`,
    });
    expect(replicas()).toBe(2);
    cluster.api.store.delete(cluster.api.kind(kind), 'default', 'own');
    expect((await target.apply(recommend(2, 5))).outcome).toBe('scaled');
  });

  it('scales beside autoscalers of other targets, and where there is no KEDA', async () => {
    cluster = startCluster();
    put('Deployment', { metadata: { name: 'web' }, spec: { replicas: 2 } });
    for (const [name, kind, target] of [
      ['one', 'Deployment', 'other'],
      ['two', 'StatefulSet', 'web'],
    ] as const)
      put('HorizontalPodAutoscaler', { metadata: { name }, spec: { scaleTargetRef: { kind, name: target } } });
    const { target } = await leader();
    expect((await target.apply(recommend(2, 5))).outcome).toBe('scaled');
  });

  it('refuses when it may not see whether there is an autoscaler', async () => {
    const { target } = await leader();
    cluster.api.intercept = (_, path) => (path.endsWith('/scaledobjects') ? 403 : undefined);
    const result = await target.apply(recommend(2, 5));
    expect(result.outcome).toBe('refused');
    expect(result.message).toContain('/scaledobjects: 403');
    expect(replicas()).toBe(2);
  });

  it('reads again after a conflict', async () => {
    const { target } = await leader();
    let conflicts = 0;
    cluster.api.intercept = (method, path) => {
      if (method !== 'PATCH' || !path.endsWith('/scale') || conflicts === 2) return undefined;
      conflicts++;
      // Somebody else scales in between.
      put('Deployment', { metadata: { name: 'web' }, spec: { replicas: 2 + conflicts } });
      return 409;
    };
    expect(await target.apply(recommend(2, 6))).toMatchObject({ outcome: 'scaled', from: 4, to: 6 });
    expect(patches()).toEqual([409, 409, 200]);
  });

  it('writes only onto the version that it read', async () => {
    const { target } = await leader();
    cluster.api.intercept = (method, path) => {
      if (method === 'PATCH' && path.endsWith('/scale') && replicas() === 2)
        put('Deployment', { metadata: { name: 'web' }, spec: { replicas: 9 } });
      return undefined;
    };
    expect(await target.apply(recommend(2, 6))).toMatchObject({ outcome: 'unchanged', from: 9 });
    expect(patches()).toEqual([409]);
    expect(replicas()).toBe(9);
  });

  it('carries out what is wanted once the API is back', async () => {
    const { target, transport, told } = await leader();
    transport.trouble = 'down';
    expect((await target.apply(recommend(2, 4))).outcome).toBe('waiting');
    await cluster.pass(60_000);
    transport.trouble = 'none';
    await cluster.pass(60_000);
    expect(replicas()).toBe(4);
    expect(told.filter(({ outcome }) => outcome === 'scaled')).toHaveLength(1);
    expect(patches()).toEqual([200]);
  });

  it('carries out the last of several recommendations only', async () => {
    const { target } = await leader();
    const results = await Promise.all([target.apply(recommend(2, 4)), target.apply(recommend(2, 7))]);
    expect(results.map(({ outcome }) => outcome)).toEqual(['replaced', 'scaled']);
    expect(replicas()).toBe(7);
    expect(patches()).toEqual([200]);
  });

  it('gives up what is wanted when it is closed', async () => {
    const { target, transport } = await leader();
    transport.trouble = 'down';
    await target.apply(recommend(2, 4));
    transport.trouble = 'none';
    await target.close();
    await cluster.pass(60_000);
    expect(replicas()).toBe(2);
    expect(cluster.clock.timers).toBe(0);
  });

  it.each([
    [{ kind: 'DaemonSet' }, 'option "scale.kind" must be "Deployment" or "StatefulSet", got "DaemonSet"'],
    [{ name: undefined }, 'option "scale.name" must be a non-empty string, got undefined'],
    [{ minInstances: 5, maxInstances: 4 }, 'option "scale.maxInstances" must be an integer from 5 to 10000, got 4'],
    [{ lease: { renewMs: 1 } }, 'option "scale.lease.renewMs" must be an integer from 500 to 5000, got 1'],
    [{ leese: {} }, 'option "scale.leese" is not known (did you mean "lease"?)'],
  ])('refuses %j', (wrong, message) => {
    const { api } = cluster.client();
    expect(() => new ScaleTarget({ name: 'web', ...wrong } as ScaleTargetOptions, { api })).toThrow(message);
  });
});

describe('several scalers', () => {
  const patchers = (): string[] =>
    cluster.api.seen
      .filter(({ method, path, status }) => method === 'PATCH' && path.endsWith('/scale') && status === 200)
      .map(({ user }) => user ?? '');

  beforeEach(() => {
    for (const name of ['a', 'b']) cluster.api.tokens.set(name, name);
  });

  it('patch one at a time, whoever recommends', async () => {
    const both = [scaler('a'), scaler('b')];
    await cluster.pass(1_000);
    const results = await Promise.all(both.map(({ target }) => target.apply(recommend(2, 5))));
    expect(results.map(({ outcome }) => outcome).sort()).toEqual(['scaled', 'waiting']);
    expect(patchers()).toHaveLength(1);
  });

  it('take over from a leader that died, with what is wanted', async () => {
    const a = scaler('a');
    await cluster.pass(1_000);
    const b = scaler('b');
    a.transport.trouble = 'down';
    expect((await b.target.apply(recommend(2, 6))).outcome).toBe('waiting');
    await cluster.pass(30_000);
    expect(replicas()).toBe(6);
    expect(b.told.map(({ outcome }) => outcome)).toEqual(['scaled']);
    expect(patchers()).toEqual(['b']);
  });

  it('take over soon from a leader that closes', async () => {
    const a = scaler('a');
    await cluster.pass(1_000);
    const b = scaler('b');
    await b.target.apply(recommend(2, 6));
    await cluster.pass(3_000);
    await a.target.close();
    await cluster.pass(3_000);
    expect(patchers()).toEqual(['b']);
  });

  it('never both patch, whichever of them cannot reach the API', async () => {
    const both = [scaler('a'), scaler('b')] as const;
    const random = sequence(7);
    let wanted = 2;
    for (let round = 0; round < 60; round++) {
      for (const { transport } of both) transport.trouble = random() < 0.4 ? 'down' : 'none';
      wanted = wanted === 2 ? 9 : 2;
      const before = patchers().length;
      const from = replicas();
      const leaders = both.filter(({ target }) => target.isLeader);
      expect(leaders.length).toBeLessThan(2);
      if (from !== wanted) await Promise.all(both.map(({ target }) => target.apply(recommend(from, wanted))));
      const by = new Set(patchers().slice(before));
      expect(by.size).toBeLessThan(2);
      await cluster.pass(7_000);
    }
    expect(new Set(patchers())).toEqual(new Set(['a', 'b']));
  });
});

function sequence(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
}

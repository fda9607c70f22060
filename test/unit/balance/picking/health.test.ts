import { describe, expect, it } from 'vitest';
import type { BackendEvent } from '../../../../src/balance/balance.ts';
import { settle } from '../../support/test-server.ts';
import { balancerWith, callsTo, countOf, pickMany, statesOf } from './rig.ts';

const FIVE = ['failure', 'failure', 'failure', 'failure', 'failure'] as const;
const EVEN = { a: 1, b: 1, c: 1, d: 1 };

describe('a backend whose calls fail', () => {
  it('is out for 30 seconds after five failures in a row', () => {
    const { balancer, clock } = balancerWith(EVEN);
    const events: BackendEvent[] = [];
    balancer.changed.on((event) => events.push(event));
    callsTo(balancer, 'a', ['failure', 'failure', 'failure', 'failure', 'success', ...FIVE.slice(1)]);
    expect(statesOf(balancer)['a']).toBe('healthy');
    callsTo(balancer, 'a', ['unknown', 'failure']);
    expect(statesOf(balancer)['a']).toBe('ejected');
    expect(countOf(pickMany(balancer, 300))['a']).toBeUndefined();
    clock.advance(29_999);
    expect(statesOf(balancer)['a']).toBe('ejected');
    clock.advance(1);
    expect(countOf(pickMany(balancer, 300))['a']).toBeGreaterThan(0);
    expect(events).toEqual([
      { id: 'a', from: 'healthy', to: 'ejected' },
      { id: 'a', from: 'ejected', to: 'healthy' },
    ]);
  });

  it('is out for longer each time, and after a long time of good behaviour as at first', () => {
    const { balancer, clock } = balancerWith(EVEN);
    const outFor = () => {
      callsTo(balancer, 'a', FIVE);
      let ms = 0;
      for (; statesOf(balancer)['a'] === 'ejected'; ms += 10_000) clock.advance(10_000);
      return ms;
    };
    expect([outFor(), outFor(), outFor()]).toEqual([30_000, 60_000, 90_000]);
    clock.advance(300_001);
    expect(outFor()).toBe(30_000);
    for (let time = 0; time < 12; time++) outFor();
    expect(outFor()).toBe(300_000);
  });

  it('stays in when half of the others are out', () => {
    const { balancer, clock } = balancerWith(EVEN);
    for (const id of 'abcd') callsTo(balancer, id, FIVE);
    expect(statesOf(balancer)).toEqual({ a: 'ejected', b: 'ejected', c: 'healthy', d: 'healthy' });
    callsTo(balancer, 'c', ['failure']);
    expect(statesOf(balancer)['c']).toBe('healthy');
    clock.advance(30_000);
    callsTo(balancer, 'c', ['failure']);
    expect(statesOf(balancer)).toEqual({ a: 'healthy', b: 'healthy', c: 'ejected', d: 'healthy' });
  });

  it('stays in when it is the only one, or nobody is to be ejected', () => {
    const alone = balancerWith({ a: 1 });
    callsTo(alone.balancer, 'a', [...FIVE, ...FIVE]);
    expect(alone.balancer.pick()?.id).toBe('a');
    const patient = balancerWith(EVEN, { ejection: false });
    callsTo(patient.balancer, 'a', [...FIVE, ...FIVE]);
    expect(statesOf(patient.balancer)['a']).toBe('healthy');
  });

  it('is not ejected by calls that end after it was drained or removed', () => {
    const { balancer, clock } = balancerWith(EVEN);
    const calls = Array.from({ length: 40 }, () => balancer.pick());
    balancer.drain('a');
    balancer.remove('b');
    for (const call of calls) if (call?.id === 'a' || call?.id === 'b') call.settle('failure');
    expect(statesOf(balancer)).toEqual({ a: 'draining', c: 'healthy', d: 'healthy' });
    expect(clock.timers).toBe(0);
  });
});

describe('slow start', () => {
  const shareOf = (ids: readonly string[]) => (countOf(ids)['new'] ?? 0) / ids.length;
  const rampOf = (algorithm: 'weighted-round-robin' | 'round-robin' | 'least-connections') => {
    const { balancer, clock } = balancerWith({ a: 1 }, { algorithm, slowStartMs: 10_000 });
    clock.advance(10_000);
    balancer.add('new');
    return [0, 2_000, 3_000, 5_000].map((ms) => {
      clock.advance(ms);
      return shareOf(pickMany(balancer, 1_100));
    });
  };

  it.each(['weighted-round-robin', 'round-robin'] as const)('lets a new backend come to its share: %s', (algorithm) => {
    const expected = [0.1 / 1.1, 0.2 / 1.2, 0.5 / 1.5, 0.5];
    for (const [at, share] of rampOf(algorithm).entries()) expect(share).toBeCloseTo(expected[at] ?? 0, 2);
  });

  it('does so for least connections, idle ones included', () => {
    const shares = rampOf('least-connections');
    expect(shares[0]).toBeLessThan(0.14);
    expect(shares).toEqual(shares.toSorted((one, other) => one - other));
    expect(shares[3]).toBeGreaterThan(0.45);
  });

  it('keeps the weight', () => {
    const { balancer, clock } = balancerWith({ a: 1 }, { algorithm: 'weighted-round-robin', slowStartMs: 10_000 });
    clock.advance(10_000);
    balancer.add('new', { weight: 2 });
    clock.advance(5_000);
    balancer.setWeight('new', 4);
    expect(shareOf(pickMany(balancer, 300))).toBeCloseTo(2 / 3, 2);
    clock.advance(5_000);
    expect(shareOf(pickMany(balancer, 500))).toBeCloseTo(4 / 5, 2);
    expect(clock.timers).toBe(0);
  });

  it('begins again for one that was out', () => {
    const { balancer, clock } = balancerWith(
      { a: 1, new: 1 },
      { algorithm: 'weighted-round-robin', slowStartMs: 10_000 },
    );
    clock.advance(10_000);
    callsTo(balancer, 'new', FIVE);
    clock.advance(30_000);
    expect(shareOf(pickMany(balancer, 1_100))).toBeCloseTo(0.1 / 1.1, 2);
  });
});

describe('probes', () => {
  const probed = (options: { timeoutMs?: number; unhealthyAfter?: number; healthyAfter?: number } = {}) => {
    const failing = new Set<string>();
    const hanging = new Set<string>();
    const asked: string[] = [];
    const aborted: string[] = [];
    const check = (id: string, signal: AbortSignal): Promise<void> => {
      asked.push(id);
      signal.addEventListener('abort', () => aborted.push(id));
      if (hanging.has(id)) return new Promise(() => {});
      if (failing.has(id)) throw new Error('of the test');
      return Promise.resolve();
    };
    const rig = balancerWith(EVEN, { probe: { check, ...options } });
    const pass = async (ms: number) => {
      for (let gone = 0; gone < ms; gone += 500) {
        rig.clock.advance(500);
        await settle(1);
      }
    };
    return { ...rig, failing, hanging, asked, aborted, pass };
  };

  it('take a backend out after two that failed, and back in after one that did not', async () => {
    const { balancer, failing, asked, pass } = probed();
    failing.add('a');
    await pass(5_000);
    expect(countOf(asked)).toEqual({ a: 1, b: 1, c: 1, d: 1 });
    expect(statesOf(balancer)['a']).toBe('healthy');
    await pass(5_500);
    expect(statesOf(balancer)).toEqual({ a: 'unhealthy', b: 'healthy', c: 'healthy', d: 'healthy' });
    expect(countOf(pickMany(balancer, 100))['a']).toBeUndefined();
    failing.delete('a');
    await pass(5_500);
    expect(statesOf(balancer)['a']).toBe('healthy');
  });

  it('that hang have failed, and are told to end', async () => {
    const { balancer, hanging, aborted, pass } = probed({ timeoutMs: 1_000, unhealthyAfter: 1 });
    hanging.add('b');
    await pass(6_500);
    expect(statesOf(balancer)['b']).toBe('unhealthy');
    expect(new Set(aborted)).toEqual(new Set(['b']));
  });

  it('need as many in a row as they were told', async () => {
    const { balancer, failing, pass } = probed({ unhealthyAfter: 1, healthyAfter: 2 });
    failing.add('a');
    await pass(6_000);
    expect(statesOf(balancer)['a']).toBe('unhealthy');
    failing.delete('a');
    await pass(5_500);
    expect(statesOf(balancer)['a']).toBe('unhealthy');
    await pass(5_500);
    expect(statesOf(balancer)['a']).toBe('healthy');
  });

  it('that say of too many that they do not work are not believed: all are used again', async () => {
    const { balancer, failing, pass } = probed();
    for (const id of 'ab') failing.add(id);
    await pass(11_000);
    expect(Object.keys(countOf(pickMany(balancer, 100))).sort()).toEqual(['c', 'd']);
    failing.add('c');
    await pass(11_000);
    expect(Object.keys(countOf(pickMany(balancer, 400))).sort()).toEqual(['a', 'b', 'c', 'd']);
  });

  it('end with the backend', async () => {
    const { balancer, asked, aborted, hanging, pass } = probed({ timeoutMs: 100_000 });
    for (const id of 'abcd') hanging.add(id);
    await pass(5_000);
    balancer.remove('a');
    balancer.drain('b');
    expect(aborted.sort()).toEqual(['a', 'b']);
    balancer.close();
    expect(aborted.sort()).toEqual(['a', 'b', 'c', 'd']);
    asked.splice(0);
    await pass(200_000);
    expect(asked).toEqual([]);
  });
});

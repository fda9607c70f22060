import { describe, expect, it } from 'vitest';
import type { BackendEvent, LoadBalancer } from '../../../../src/balance/balance.ts';
import { ALGORITHMS } from '../../../../src/balance/picking/options.ts';
import { balancerWith, callsTo, countOf, pickMany, statesOf } from './rig.ts';

const eventsOf = (balancer: LoadBalancer): BackendEvent[] => {
  const events: BackendEvent[] = [];
  balancer.changed.on((event) => events.push(event));
  return events;
};

describe.each(ALGORITHMS)('with %s', (algorithm) => {
  it('chooses nothing where there is nothing', () => {
    const { balancer } = balancerWith({}, { algorithm });
    expect(balancer.pick()).toBeUndefined();
    balancer.add('a');
    expect(balancer.pick({ exclude: new Set(['a']) })).toBeUndefined();
    expect(balancer.pick()?.id).toBe('a');
    balancer.remove('a');
    expect(balancer.pick()).toBeUndefined();
  });

  it('chooses nothing that drains, not even when it is the only one', () => {
    const { balancer } = balancerWith({ a: 1, b: 1, c: 1 }, { algorithm });
    balancer.drain('b');
    expect(Object.keys(countOf(pickMany(balancer, 200))).sort()).toEqual(['a', 'c']);
    balancer.drain('a');
    balancer.drain('c');
    expect(balancer.pick()).toBeUndefined();
  });

  it('gives all of them something', () => {
    const { balancer } = balancerWith({ a: 1, b: 1, c: 1, d: 1 }, { algorithm });
    expect(Object.keys(countOf(pickMany(balancer, 200, false)))).toHaveLength(4);
  });
});

describe('a backend', () => {
  it('can be taken by its id, and is counted as busy, even while it drains', () => {
    const { balancer } = balancerWith({ a: 1, b: 1 });
    balancer.drain('a');
    const taken = balancer.take('a');
    expect(balancer.getStatistics().instances[0]).toMatchObject({ id: 'a', connections: 1, requests: 1 });
    taken?.settle('failure');
    expect(balancer.getStatistics().instances[0]).toMatchObject({ id: 'a', connections: 0, errors: 1 });
    expect(balancer.take('c')).toBeUndefined();
  });

  it('is drained when its last call has settled', async () => {
    const { balancer } = balancerWith({ a: 1, b: 1 });
    const calls = [balancer.pick(), balancer.pick(), balancer.pick(), balancer.pick()].filter(
      (call) => call?.id === 'a',
    );
    expect(calls).toHaveLength(2);
    balancer.drain('a');
    let isDrained = false;
    const drained = balancer.drained('a').then(() => {
      isDrained = true;
    });
    calls[0]?.settle('success');
    await Promise.resolve();
    expect(isDrained).toBe(false);
    calls[1]?.settle('failure');
    await drained;
    expect(statesOf(balancer)).toEqual({ a: 'draining', b: 'healthy' });
    await balancer.drained('a');
    await balancer.drained('nobody');
  });

  it('that is removed is waited for all the same', async () => {
    const { balancer } = balancerWith({ a: 1 });
    const call = balancer.pick();
    const drained = balancer.drained('a');
    balancer.remove('a');
    call?.settle('success');
    await drained;
  });

  it('that comes again under its name begins anew, and calls of the earlier one change nothing of it', () => {
    const { balancer } = balancerWith({ a: 1 });
    const call = balancer.pick();
    balancer.remove('a');
    balancer.add('a');
    call?.settle('failure');
    expect(balancer.getStatistics().instances).toEqual([
      { id: 'a', state: 'healthy', weight: 1, load: 0, connections: 0, requests: 0, errors: 0 },
    ]);
  });

  it('that is added again gets its weight, and is taken back from draining', () => {
    const { balancer } = balancerWith({ a: 1, b: 1 });
    const events = eventsOf(balancer);
    balancer.drain('a');
    balancer.drain('a');
    balancer.add('a', { weight: 3 });
    expect(countOf(pickMany(balancer, 40, false))).toEqual({ a: 30, b: 10 });
    expect(events).toEqual([
      { id: 'a', from: 'healthy', to: 'draining' },
      { id: 'a', from: 'draining', to: 'healthy' },
    ]);
  });

  it('that is not known cannot be drained or weighed; removing it is no fault', () => {
    const { balancer } = balancerWith({});
    expect(() => balancer.drain('a')).toThrow(expect.objectContaining({ code: 'BACKEND_UNKNOWN' }));
    expect(() => balancer.setWeight('a', 1)).toThrow(expect.objectContaining({ code: 'BACKEND_UNKNOWN' }));
    balancer.remove('a');
  });
});

describe('a call', () => {
  it('settles once', () => {
    const { balancer } = balancerWith({ a: 1 });
    const call = balancer.pick();
    balancer.pick();
    call?.settle('failure');
    call?.settle('failure');
    call?.settle('success');
    expect(balancer.getStatistics().instances[0]).toMatchObject({ connections: 1, requests: 2, errors: 1 });
  });

  it('is no error when it tells nothing', () => {
    const { balancer } = balancerWith({ a: 1 });
    callsTo(balancer, 'a', ['unknown', 'success', 'unknown']);
    expect(balancer.getStatistics().instances[0]).toMatchObject({ connections: 0, requests: 3, errors: 0 });
  });
});

describe('the statistics', () => {
  it('show what was reported, or else what can be told from calls in flight', () => {
    const { balancer } = balancerWith({ a: 1, b: 3 });
    balancer.report('a', { cpu: 0.8, memory: 0.2 });
    balancer.pick({ exclude: new Set(['a']) });
    const { load, instances } = balancer.getStatistics();
    expect(instances.map((instance) => instance.load)).toEqual([0.8, 0.5]);
    expect(load.overall).toBeCloseTo((0.8 + 3 * 0.5) / 4);
  });
});

describe('a balancer that is closed', () => {
  it('chooses nothing, takes nothing, and leaves no timer', () => {
    const check = () => Promise.resolve();
    const { balancer, clock } = balancerWith({ a: 1, b: 1, c: 1 }, { slowStartMs: 10_000, probe: { check } });
    const last = balancer.pick({ exclude: new Set(['a', 'b']) });
    callsTo(balancer, 'c', ['failure', 'failure', 'failure', 'failure', 'failure']);
    expect(clock.timers).toBeGreaterThan(1);
    balancer.close();
    balancer.close();
    balancer.remove('a');
    expect(balancer.pick()).toBeUndefined();
    expect(() => balancer.add('d')).toThrow(expect.objectContaining({ code: 'BALANCER_CLOSED' }));
    last?.settle('failure');
    expect(clock.timers).toBe(0);
  });
});

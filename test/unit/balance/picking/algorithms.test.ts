import { describe, expect, it } from 'vitest';
import { balancerWith, countOf, pickMany } from './rig.ts';

describe('round robin', () => {
  it('takes each in its turn, whatever their weights', () => {
    const { balancer } = balancerWith({ a: 5, b: 1, c: 1 }, { algorithm: 'round-robin' });
    const order = pickMany(balancer, 9);
    expect(new Set(order.slice(0, 3))).toEqual(new Set(['a', 'b', 'c']));
    expect(order.slice(3, 6)).toEqual(order.slice(0, 3));
    expect(order.slice(6)).toEqual(order.slice(0, 3));
  });

  it('by weight spreads a heavy one out between the others', () => {
    const { balancer } = balancerWith({ a: 5, b: 1, c: 1 }, { algorithm: 'weighted-round-robin' });
    const order = pickMany(balancer, 7);
    expect(countOf(order)).toEqual({ a: 5, b: 1, c: 1 });
    expect(order.join('')).toMatch(/^aa[bc]a[cb]aa$/);
  });

  it('by weight goes on fairly when a weight changes', () => {
    const { balancer } = balancerWith({ a: 1, b: 1 }, { algorithm: 'weighted-round-robin' });
    pickMany(balancer, 10);
    balancer.setWeight('b', 3);
    expect(countOf(pickMany(balancer, 400))).toEqual({ a: 100, b: 300 });
  });
});

describe('least connections', () => {
  it('fills all by their weights', () => {
    const { balancer } = balancerWith({ a: 1, b: 2, c: 3 });
    expect(countOf(pickMany(balancer, 60, false))).toEqual({ a: 10, b: 20, c: 30 });
  });

  it('takes the one whose call has settled', () => {
    const { balancer } = balancerWith({ a: 1, b: 1, c: 1 });
    const calls = Array.from({ length: 30 }, () => balancer.pick());
    calls[17]?.settle('success');
    expect(balancer.pick()?.id).toBe(calls[17]?.id);
  });

  it('chooses among idle ones at random, by weight', () => {
    const { balancer } = balancerWith({ a: 1, b: 1, c: 2 });
    const { a = 0, b = 0, c = 0 } = countOf(pickMany(balancer, 4_000));
    expect(a / 1_000).toBeCloseTo(1, 0.5);
    expect(b / 1_000).toBeCloseTo(1, 0.5);
    expect(c / 2_000).toBeCloseTo(1, 0.5);
  });

  it('keeps thousands even', () => {
    const { balancer } = balancerWith(Object.fromEntries(Array.from({ length: 1_000 }, (_, at) => [`b${at}`, 1])));
    pickMany(balancer, 10_000, false);
    const loads = balancer.getStatistics().instances.map(({ connections }) => connections);
    expect(Math.max(...loads)).toBeLessThanOrEqual(11);
  });
});

describe('resource-based', () => {
  const resourceBased = (ids: string) =>
    balancerWith(Object.fromEntries([...ids].map((id) => [id, 1])), { algorithm: 'resource-based' });

  it('takes the lesser (1 + in flight) / (1.02 - cpu) of two', () => {
    const { balancer } = resourceBased('ab');
    balancer.report('a', { cpu: 0.82, memory: 0.1 });
    balancer.report('b', { cpu: 0.02, memory: 0.1 });
    // a costs 5 when idle, b one more for each call in flight: the fifth is a tie.
    expect(countOf(pickMany(balancer, 4, false))).toEqual({ b: 4 });
    expect(countOf(pickMany(balancer, 2, false))).toEqual({ a: 1, b: 1 });
  });

  it('evens out what is reported over some seconds, and shows it as it is', () => {
    const { balancer, clock } = resourceBased('ab');
    balancer.report('a', { cpu: 0.02, memory: 0.1 });
    balancer.report('b', { cpu: 0.22, memory: 0.1 });
    clock.advance(100);
    balancer.report('a', { cpu: 1, memory: 0.1 });
    expect(countOf(pickMany(balancer, 20))).toEqual({ a: 20 });
    expect(balancer.getStatistics().instances.map(({ load }) => load)).toEqual([1, 0.22]);
    clock.advance(5_000);
    balancer.report('a', { cpu: 1, memory: 0.1 });
    expect(countOf(pickMany(balancer, 20))).toEqual({ b: 20 });
  });

  it('counts weights', () => {
    const { balancer } = balancerWith({ a: 1, b: 3 }, { algorithm: 'resource-based' });
    expect(countOf(pickMany(balancer, 400, false))).toEqual({ a: 100, b: 300 });
  });

  it('leaves out who has no memory left, unless nobody has', () => {
    const { balancer } = resourceBased('abc');
    balancer.report('a', { cpu: 0, memory: 0.95 });
    balancer.report('b', { cpu: 0.5, memory: 0.9 });
    expect(Object.keys(countOf(pickMany(balancer, 100))).sort()).toEqual(['b', 'c']);
    balancer.report('b', { cpu: 0.5, memory: 0.91 });
    expect(countOf(pickMany(balancer, 100))).toEqual({ c: 100 });
    balancer.report('c', { cpu: 0.5, memory: 0.99 });
    expect(Object.keys(countOf(pickMany(balancer, 100)))).toHaveLength(3);
  });

  it('does not believe what was said long ago: who gets no calls cannot say better', () => {
    const { balancer, clock } = resourceBased('ab');
    balancer.report('a', { cpu: 1, memory: 1 });
    clock.advance(10_000);
    expect(countOf(pickMany(balancer, 50))).toEqual({ b: 50 });
    clock.advance(1);
    expect(countOf(pickMany(balancer, 50))['a']).toBeGreaterThan(0);
  });

  it('takes no notice of reports that say nothing', () => {
    const { balancer } = resourceBased('a');
    balancer.report('a', { cpu: Number.NaN, memory: 0.5 });
    balancer.report('a', { cpu: -1, memory: 0.5 });
    balancer.report('gone', { cpu: 1, memory: 0.5 });
    expect(balancer.getStatistics().load.overall).toBe(0);
    balancer.report('a', { cpu: 3, memory: 0.5 });
    expect(balancer.getStatistics().load.overall).toBe(1);
  });
});

describe('peak-EWMA', () => {
  const timed = () => {
    const { balancer, clock } = balancerWith({ a: 1, b: 1 }, { algorithm: 'peak-ewma' });
    const call = (id: string, ms: number, outcome: 'success' | 'failure' = 'success') => {
      const chosen = balancer.pick({ exclude: new Set(id === 'a' ? 'b' : 'a') });
      clock.advance(ms);
      chosen?.settle(outcome);
    };
    return { balancer, clock, call };
  };

  it('takes the lesser cost x (in flight + 1) of two', () => {
    const { balancer, call } = timed();
    call('a', 40);
    call('b', 10);
    expect(countOf(pickMany(balancer, 3, false))).toEqual({ b: 3 });
    expect(countOf(pickMany(balancer, 2, false))).toEqual({ a: 1, b: 1 });
  });

  it('believes a slow answer at once, and a fast one by and by', () => {
    const { balancer, clock, call } = timed();
    call('b', 50);
    call('a', 10);
    call('a', 200);
    expect(countOf(pickMany(balancer, 20))).toEqual({ b: 20 });
    call('a', 10);
    expect(countOf(pickMany(balancer, 20))).toEqual({ b: 20 });
    clock.advance(60_000);
    call('b', 50);
    expect(countOf(pickMany(balancer, 20))).toEqual({ a: 20 });
  });

  it('tries one that has not answered by one call at a time', () => {
    const { balancer, call } = timed();
    call('a', 10);
    expect(pickMany(balancer, 3, false)).toEqual(['b', 'a', 'a']);
  });

  it('does not take a backend that fails fast for a fast one', () => {
    const { balancer, call } = timed();
    call('a', 20);
    call('b', 1, 'failure');
    expect(countOf(pickMany(balancer, 20))).toEqual({ a: 20 });
  });

  it('learns nothing of calls that tell nothing', () => {
    const { balancer, clock, call } = timed();
    const chosen = balancer.pick({ exclude: new Set('b') });
    clock.advance(60_000);
    chosen?.settle('unknown');
    call('b', 10);
    expect(pickMany(balancer, 1)).toEqual(['a']);
  });
});

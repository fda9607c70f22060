import { describe, expect, it } from 'vitest';
import { OptionError } from '../../../src/kernel/errors.ts';
import { type CustomMetricOptions, CustomMetrics } from '../../../src/monitor/custom-metrics.ts';

describe('CustomMetrics', () => {
  it('exposes the last value of a gauge, the sum of a counter, and all values of a histogram', () => {
    const metrics = new CustomMetrics();
    for (const value of [3, 1]) {
      metrics.record('queue.depth', value);
      metrics.record('orders_total', value, { kind: 'counter', help: 'Orders.' });
      metrics.record('basket', value, { kind: 'histogram' });
    }
    metrics.record('orders_total', 5);
    expect(metrics.families()).toMatchObject([
      { name: 'custom_queue_depth', kind: 'gauge', samples: [{ labels: {}, value: 1 }] },
      { name: 'custom_orders', kind: 'counter', help: 'Orders.', samples: [{ value: 9 }] },
      { name: 'custom_basket', kind: 'histogram', samples: [{ histogram: { count: 2, sum: 4 } }] },
    ]);
    expect(metrics.figures()).toEqual({
      'queue.depth': { last: 1, count: 2, sum: 4 },
      orders_total: { last: 5, count: 3, sum: 9 },
      basket: { last: 1, count: 2, sum: 4 },
    });
  });

  it.each<[string, number, unknown]>([
    ['a', -1, { kind: 'counter' }],
    ['a', -1, { kind: 'histogram' }],
    ['a', 1, { kind: 'summary' }],
    ['a', 1, { help: '' }],
    ['a', 1, { helps: 'x' }],
    ['taken', 1, { kind: 'counter' }],
    ['ta.ken', 1, undefined],
    ['ta:ken_total', 1, undefined],
  ])('refuses %s = %d with %o, and records nothing', (name, value, options) => {
    const metrics = new CustomMetrics();
    metrics.record('taken', 1);
    metrics.record('ta_ken', 1);
    expect(() => metrics.record(name, value, options as CustomMetricOptions)).toThrow(OptionError);
    expect(Object.keys(metrics.figures())).toEqual(['taken', 'ta_ken']);
    expect(metrics.figures()['taken']).toEqual({ last: 1, count: 1, sum: 1 });
  });
});

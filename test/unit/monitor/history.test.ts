import { describe, expect, it } from 'vitest';
import { History, toRow } from '../../../src/monitor/history.ts';
import { MinuteMeter } from '../../../src/monitor/minute-meter.ts';
import { vitalsOf } from './alerts/vitals-of.ts';

const row = (numbers: Record<string, number>) => new Map(Object.entries(numbers));
const small = () => new History({ rows: 3, periodMs: 1_000 });

describe('a history', () => {
  it('keeps the last rows, and gives those that are later than a time', () => {
    const history = small();
    for (let second = 1; second <= 5; second++) history.add(second * 1_000, row({ a: second, b: second / 3 }));
    expect(history.length).toBe(3);
    expect(history.since(0)).toEqual({
      at: [3_000, 4_000, 5_000],
      columns: { a: [3, 4, 5], b: [1, 1.333, 1.667] },
    });
    expect(history.since(4_000)).toEqual({ at: [5_000], columns: { a: [5], b: [1.667] } });
    expect(history.since(5_000)).toEqual({ at: [], columns: {} });
  });

  it('has nothing where there was nothing, and no column of nothing alone', () => {
    const history = small();
    history.add(1_000, row({ a: 1 }));
    history.add(2_000, row({ b: 2 }));
    expect(history.since(0)).toEqual({ at: [1_000, 2_000], columns: { a: [1, null], b: [null, 2] } });
    for (let second = 3; second <= 5; second++) history.add(second * 1_000, row({ b: 2 }));
    expect(Object.keys(history.since(0).columns)).toEqual(['b']);
  });

  it('leaves an empty row where time passed without one', () => {
    const history = new History({ rows: 9, periodMs: 1_000 });
    for (const at of [1_000, 2_400, 9_000]) history.add(at, row({ a: 1 }));
    expect(history.since(0)).toEqual({ at: [1_000, 2_400, 2_401, 9_000], columns: { a: [1, 1, null, 1] } });
  });

  it('drops what has not been yet when the clock was set back', () => {
    const history = small();
    for (const at of [1_000, 2_000, 3_000, 1_500]) history.add(at, row({ a: at }));
    expect(history.times()).toEqual([1_000, 1_500]);
    expect(history.values('a')).toEqual([1_000, 1_500]);
    expect(history.values('none')).toEqual([Number.NaN, Number.NaN]);
  });

  it('adds up to the same in another one, as text', () => {
    const [history, other] = [small(), small()];
    history.add(1_000, row({ a: 1, c: 123_456.789 }));
    history.add(2_000, row({ b: 0.000_123 }));
    other.addAll(JSON.parse(JSON.stringify(history.since(0))));
    expect(other.since(0)).toEqual(history.since(0));
    expect(other.since(0).columns).toEqual({ a: [1, null], b: [null, 0.000_123], c: [123_457, null] });
  });

  it('stays as small with any number of names, which make room once they are gone', () => {
    const history = small();
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`custom.${index}`, index]));
    history.add(1_000, row({ ...many, 'requests.perSecond': 7 }));
    const columns = () => [...history.columns].length;
    expect(columns()).toBe(193);
    for (let second = 2; second <= 4; second++)
      history.add(second * 1_000, row({ 'custom.0': 1, 'pools.main.size': 2 }));
    expect(history.values('pools.main.size', 1)).toEqual([2]);
    expect(history.values('custom.0')).toEqual([1, 1, 1]);
    expect(columns()).toBe(3);
  });
});

describe('a row', () => {
  it('is the numbers of vitals, pools and custom metrics included', () => {
    const vitals = { ...vitalsOf({ requests: 4, errors: 1, pools: { 'a.b': 0.5 } }, 1_000), custom: { waitMs: 3 } };
    const numbers = toRow(vitals);
    expect(numbers.get('requests.errorRate')).toBe(0.25);
    expect(numbers.get('pools.a.b.utilization')).toBe(0.5);
    expect(numbers.get('custom.waitMs')).toBe(3);
    expect(numbers.get('overloaded')).toBe(0);
    for (const name of ['at', 'cache.hitRate', 'responseTime.p50', 'pools.a.b.waitMs'])
      expect(numbers.has(name), name).toBe(false);
  });
});

describe('the meter of minutes', () => {
  it('gives means of the seconds that had the number, and maxima of delays', () => {
    const meter = new MinuteMeter();
    const seconds = [
      { a: 1, 'responseTime.p99': 10, 'eventLoop.delayMs': 4 },
      { a: 3, 'eventLoop.delayMs': 2 },
    ];
    expect(meter.add(59_000, row(seconds[0]!))).toBeUndefined();
    expect(meter.add(60_000, row(seconds[1]!))).toBeUndefined();
    expect(meter.add(60_001, row({ a: 9 }))).toEqual({
      at: 60_000,
      row: row({ a: 2, 'responseTime.p99': 10, 'eventLoop.delayMs': 4 }),
    });
    expect(meter.add(500_000, row({ a: 1 }))).toEqual({ at: 120_000, row: row({ a: 9 }) });
  });
});

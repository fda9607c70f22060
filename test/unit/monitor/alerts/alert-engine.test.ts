import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AlertEngine, type AlertThresholds } from '../../../../src/monitor/alerts/alert-engine.ts';
import { resolveAlertThresholds } from '../../../../src/monitor/alerts/alert-options.ts';
import type { AlertRecord } from '../../../../src/monitor/monitor.ts';
import { FakeClock } from '../../../../src/testing/testing.ts';
import { type Second, vitalsOf } from './vitals-of.ts';

/** An engine, and what it said at which second: `60 fires cpuUsage`. */
class Watch {
  readonly clock = new FakeClock(0);
  readonly engine: AlertEngine;
  readonly said: string[] = [];
  readonly records: AlertRecord[] = [];

  constructor(thresholds: Partial<AlertThresholds> = {}, keep = 500) {
    this.engine = new AlertEngine({ thresholds: resolveAlertThresholds(thresholds), clock: this.clock, keep });
  }

  second(second: Second, instance = ''): void {
    this.clock.advance(1_000);
    this.#note(this.engine.observe(instance, vitalsOf(second)));
  }

  seconds(count: number, second: Second | ((index: number) => Second)): this {
    for (let index = 0; index < count; index++) this.second(typeof second === 'function' ? second(index) : second);
    return this;
  }

  together(instances: { readonly [name: string]: Second }): void {
    this.clock.advance(1_000);
    for (const [name, second] of Object.entries(instances)) this.#note(this.engine.observe(name, vitalsOf(second)));
  }

  #note(records: readonly AlertRecord[]): void {
    this.records.push(...records);
    for (const { state, key, subject, instance } of records) {
      const verb = state === 'firing' ? 'fires' : 'clears';
      this.said.push([this.clock.now() / 1_000, verb, key, subject, instance].filter((part) => part !== '').join(' '));
    }
  }
}

describe('AlertEngine', () => {
  it('fires once a long window is beyond the threshold, and clears once both are beyond a better one', () => {
    const watch = new Watch().seconds(200, { cpu: 100 }).seconds(100, { cpu: 0 });
    // 45 of 60 seconds at 100 % are a mean of 75, the first below 90 % of the threshold.
    expect(watch.said).toEqual(['60 fires cpuUsage', '215 clears cpuUsage']);
    expect(watch.records[0]).toEqual({
      ...{ id: 1, key: 'cpuUsage', subject: '', instance: '', state: 'firing' },
      ...{ value: 100, threshold: 85, firedAt: 60_000, clearedAt: null },
    });
    expect(watch.records[1]).toMatchObject({ id: 1, state: 'cleared', firedAt: 60_000, clearedAt: 215_000 });
    expect(watch.engine.history).toEqual([watch.records[1]]);
    expect(watch.engine.firing).toEqual([]);
  });

  it('does not fire while only one of the windows is beyond it', () => {
    expect(new Watch().seconds(100, { cpu: 0 }).seconds(50, { cpu: 100 }).seconds(60, { cpu: 0 }).said).toEqual([]);
    expect(new Watch().seconds(45, { cpu: 100 }).seconds(15, { cpu: 84 }).seconds(60, { cpu: 20 }).said).toEqual([]);
  });

  it.each<[string, Second, Second]>([
    ['CPU', { cpu: 50 }, { cpu: 100 }],
    ['errors', { requests: 10 }, { requests: 10_000, errors: 10_000 }],
    ['response time', { requests: 10, p95: 5 }, { requests: 10_000, p95: 300_000 }],
    ['cache', { hits: 10 }, { misses: 10_000 }],
    ['pool', { pools: { main: 0.5 } }, { pools: { main: 1 } }],
  ])('does not fire for a spike of one or two seconds: %s', (_, calm, spike) => {
    for (const length of [1, 2]) {
      const watch = new Watch().seconds(120, calm).seconds(length, spike).seconds(120, calm);
      expect(watch.said).toEqual([]);
    }
  });

  it.each<[string, Second, string]>([
    ['memory', { memory: 95 }, 'memoryUsage'],
    ['errors', { requests: 10, errors: 1 }, 'errorRate'],
    ['response time', { requests: 10, p95: 6_000 }, 'responseTime'],
    ['cache', { hits: 6, misses: 4 }, 'cacheHitRate'],
    ['pool', { pools: { main: 0.95, http: 0.5 } }, 'connectionPool main'],
  ])('watches %s', (_, bad, said) => {
    expect(new Watch().seconds(61, bad).said).toEqual([`60 fires ${said}`]);
  });

  it('needs 100 requests in the long window to judge a rate, and no more', () => {
    const few = (index: number): Second => (index % 60 < 49 ? { requests: 2, errors: 2 } : { requests: 0 });
    expect(new Watch().seconds(300, few).said).toEqual([]);
    const enough = (index: number): Second => (index % 60 < 50 ? { requests: 2, errors: 2 } : { requests: 0 });
    expect(new Watch().seconds(300, enough).said).toEqual(['60 fires errorRate']);
  });

  it('weighs seconds by their requests', () => {
    const mixed = (index: number): Second => (index % 2 === 0 ? { requests: 1, errors: 1 } : { requests: 99 });
    expect(new Watch().seconds(200, mixed).said).toEqual([]);
  });

  it('clears a rate when its requests have ceased for a whole window', () => {
    const watch = new Watch().seconds(100, { requests: 10, errors: 10 }).seconds(100, {});
    expect(watch.said).toEqual(['60 fires errorRate', '160 clears errorRate']);
  });

  it('clears a low hit rate only above its threshold', () => {
    const watch = new Watch().seconds(60, { hits: 60, misses: 40 }).seconds(200, { hits: 72, misses: 28 });
    expect(watch.said).toEqual(['60 fires cacheHitRate']);
    watch.seconds(60, { hits: 74, misses: 26 });
    expect(watch.said).toHaveLength(2);
  });

  it('keeps pools and instances apart', () => {
    const watch = new Watch();
    const [full, half] = [{ pools: { a: 1, b: 0.1 } }, { pools: { a: 0.1, b: 1 } }];
    for (let second = 0; second < 90; second++) watch.together({ one: full, two: half, three: {} });
    expect(watch.said).toEqual(['60 fires connectionPool a one', '60 fires connectionPool b two']);
    expect(watch.engine.firing.map(({ instance }) => instance)).toEqual(['one', 'two']);
    expect(watch.engine.forget('one')).toMatchObject([{ id: 1, state: 'cleared', instance: 'one' }]);
    expect(watch.engine.forget('one')).toEqual([]);
    expect(watch.engine.firing.map(({ instance }) => instance)).toEqual(['two']);
  });

  it('clears what fired for a pool that is gone', () => {
    const watch = new Watch().seconds(60, { pools: { main: 1 } }).seconds(60, {});
    expect(watch.said).toEqual(['60 fires connectionPool main', '120 clears connectionPool main']);
  });

  it('watches what has a threshold, and by that', () => {
    const bad = { cpu: 99, memory: 99 };
    expect(new Watch({ cpuUsage: false }).seconds(60, bad).said).toEqual(['60 fires memoryUsage']);
    expect(new Watch({ cpuUsage: 99, memoryUsage: 99 }).seconds(90, bad).said).toEqual([]);
  });

  it('begins anew after a time in which nobody looked', () => {
    const watch = new Watch().seconds(59, { cpu: 100 });
    watch.clock.advance(3_600_000);
    watch.seconds(60, { cpu: 100 });
    expect(watch.said).toEqual([]);
    watch.seconds(1, { cpu: 100 });
    expect(watch.said).toEqual(['3720 fires cpuUsage']);
  });

  it('takes seconds that are late for what they are', () => {
    const watch = new Watch();
    for (let tick = 0; tick < 60; tick++) {
      watch.clock.advance(tick % 3 === 0 ? 1_040 : 1_002);
      watch.records.push(...watch.engine.observe('', vitalsOf({ cpu: 100 })));
    }
    expect(watch.records).toHaveLength(1);
  });

  it('remembers a bounded number of records', () => {
    const watch = new Watch({}, 3);
    for (let round = 0; round < 5; round++) watch.seconds(60, { cpu: 100 }).seconds(60, { cpu: 0 });
    expect(watch.engine.history.map(({ id, state }) => `${id} ${state}`)).toEqual([
      '3 cleared',
      '4 cleared',
      '5 cleared',
    ]);
  });

  it('does not flap, however a value moves', () => {
    const level = fc.integer({ min: 0, max: 100 });
    const runs = fc.array(fc.record({ cpu: level, length: fc.integer({ min: 1, max: 40 }) }), { maxLength: 30 });
    fc.assert(
      fc.property(runs, (levels) => {
        const watch = new Watch();
        for (const { cpu, length } of levels) watch.seconds(length, { cpu });
        const times = watch.said.map((said) => Number.parseInt(said, 10));
        // The mean of 60 seconds moves by at most 100/60 in one: from 85 to 76.5, or back, not within five.
        for (const [index, time] of times.entries()) expect(time - (times[index - 1] ?? -60)).toBeGreaterThanOrEqual(6);
        const states = watch.records.map(({ state }) => state);
        for (const [index, state] of states.entries()) expect(state).toBe(index % 2 === 0 ? 'firing' : 'cleared');
      }),
      { numRuns: 300 },
    );
  });

  it('fires at most once for a value that swings around its threshold', () => {
    fc.assert(
      fc.property(fc.constantFrom(2, 4, 6, 10, 12, 20, 30, 60), fc.integer({ min: 60, max: 99 }), (period, low) => {
        const swing = (index: number): Second => ({ cpu: index % period < period / 2 ? 100 : low });
        expect(new Watch().seconds(900, swing).said.length).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('agrees with a plain reading of its rule', () => {
    const second = fc.record({ requests: fc.integer({ min: 0, max: 9 }), errors: fc.integer({ min: 0, max: 1 }) });
    const run = fc.array(second, { minLength: 60, maxLength: 150 });
    fc.assert(
      fc.property(run, (seconds) => {
        const given = seconds.map(({ requests, errors }) => ({ requests, errors: Math.min(requests, errors) }));
        const watch = new Watch({ errorRate: 10 });
        let firing = false;
        for (const [index, one] of given.entries()) {
          watch.second(one);
          const rate = (length: number): { requests: number; percent: number } => {
            const part = given.slice(Math.max(0, index + 1 - length), index + 1);
            const requests = part.reduce((sum, { requests }) => sum + requests, 0);
            return { requests, percent: (100 * part.reduce((sum, { errors }) => sum + errors, 0)) / requests };
          };
          const [long, short] = [rate(60), rate(15)];
          const first = given.findIndex(({ requests }) => requests > 0);
          const bad = given
            .slice(Math.max(0, index - 59), index + 1)
            .filter(({ requests, errors }) => errors / requests > 0.1);
          const near = [long, short].some(
            ({ percent }) => Math.abs(percent - 10) < 1e-9 || Math.abs(percent - 9) < 1e-9,
          );
          if (near) return; // Sums of fractions round.
          if (firing) firing = long.percent > 9 || short.percent > 9;
          else
            firing =
              first !== -1 &&
              index + 1 - first >= 60 &&
              long.requests >= 100 &&
              bad.length >= 3 &&
              long.percent > 10 &&
              short.percent > 10;
          expect(watch.engine.firing.length > 0, `second ${index}`).toBe(firing);
        }
      }),
      { numRuns: 200 },
    );
  });
});

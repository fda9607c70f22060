import { describe, expect, it } from 'vitest';
import { OptionError } from '../../../src/kernel/errors.ts';
import { PerformanceMonitor } from '../../../src/monitor/monitor.ts';
import { createEngineSignals } from '../../../src/signal/signal.ts';
import { FakeClock } from '../../../src/testing/testing.ts';
import { NO_SOURCES } from './sources.ts';

function monitored() {
  const clock = new FakeClock();
  const memoryBytes = 2 ** 40;
  const signals = createEngineSignals();
  return {
    clock,
    signals,
    monitor: new PerformanceMonitor({
      signals,
      clock,
      sources: NO_SOURCES,
      counts: 'all',
      machine: { cores: 2, memoryBytes },
    }),
    memoryBytes,
  };
}

describe('PerformanceMonitor', () => {
  it('shows memory as a share of what the process may use', () => {
    const { monitor, memoryBytes } = monitored();
    const { memory } = monitor.figures();
    expect(memory.percentage).toBeCloseTo((100 * memory.resident) / memoryBytes);
    expect(memory.heapUsed).toBeGreaterThan(0);
    expect(memory.heapTotal).toBeGreaterThanOrEqual(memory.heapUsed);
  });

  it('shows the use of all cores since the snapshot before, and 0 when no time has passed', () => {
    const { clock, monitor } = monitored();
    expect(monitor.figures().cpu.usage).toBe(0);
    const before = process.cpuUsage();
    let sum = 0;
    while (process.cpuUsage(before).user < 20_000) sum += Math.sqrt(sum + 1);
    clock.advance(1_000);
    const { usage, loadAverage } = monitor.figures().cpu;
    expect(usage).toBeGreaterThanOrEqual(1);
    expect(loadAverage).toHaveLength(3);
    expect(monitor.figures().cpu.usage).toBe(0);
  });

  it('says nothing of what is not configured', () => {
    expect(monitored().monitor.figures()).toMatchObject({
      cache: { hits: 0, misses: 0, hitRate: 0, missRate: 0 },
      pools: {},
      custom: {},
    });
  });

  it('sums up business metrics by name, 0 and negative values included', () => {
    const { monitor } = monitored();
    for (const value of [5, 0, -2.5]) monitor.recordCustom('orders.total', value);
    monitor.recordCustom('__proto__', 1);
    const { custom } = monitor.figures();
    expect(custom['orders.total']).toEqual({ last: -2.5, count: 3, sum: 2.5 });
    expect(Object.keys(custom)).toEqual(['orders.total', '__proto__']);
    expect(Object.getPrototypeOf(custom)).toBe(Object.prototype);
  });

  it.each([[''], ['1a'], ['a b'], ['a\n'], ['ä'], ['a'.repeat(129)], [5], [undefined]])(
    'refuses the name %o',
    (name) => {
      expect(() => monitored().monitor.recordCustom(name as string, 1)).toThrow(OptionError);
    },
  );

  it.each([[Number.NaN], [Number.POSITIVE_INFINITY], ['5'], [undefined], [5n]])(
    'refuses the value %o, naming the metric',
    (value) => {
      expect(() => monitored().monitor.recordCustom('orders', value as number)).toThrow(/orders/);
    },
  );

  it('is bounded in breakers, whose names authors choose', () => {
    const { monitor, signals } = monitored();
    for (let at = 0; at < 3_000; at++)
      signals.breaker.emit({ name: `b${at}`, from: 'closed', to: 'open', reason: 'failures', failures: 5 });
    signals.breaker.emit({ name: 'b0', from: 'open', to: 'half-open', reason: 'reset-timeout', failures: 5 });
    const samplesOf = (metric: string) => monitor.snapshot().families.find(({ name }) => name === metric)?.samples;
    expect(samplesOf('mcp_server_breaker_state')).toHaveLength(3 * 1_000);
    expect(samplesOf('mcp_server_breaker_transitions')).toHaveLength(1_001);
    expect(monitor.breakers()['b0']).toBe('half-open');
  });

  it('is bounded in names, not in values', () => {
    const { monitor } = monitored();
    for (let index = 0; index < 1_000; index++) monitor.recordCustom(`m${index}`, 1);
    expect(() => monitor.recordCustom('one_more', 1)).toThrow(OptionError);
    monitor.recordCustom('m0', 2);
    expect(monitor.figures().custom.m0).toEqual({ last: 2, count: 2, sum: 3 });
  });
});

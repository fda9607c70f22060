import { describe, expect, it } from 'vitest';
import type { MonitorSources } from '../../../src/monitor/figures.ts';
import { type MetricSnapshot, mergeSnapshots, PerformanceMonitor, VitalsMeter } from '../../../src/monitor/monitor.ts';
import { createEngineSignals, type RequestOutcome } from '../../../src/signal/signal.ts';
import { LateClock } from '../support/late-clock.ts';
import { NO_SOURCES } from './sources.ts';

const MACHINE = { cores: 2, memoryBytes: 1e12 };

function rig(sources: Partial<MonitorSources> = {}, instance = '') {
  const [clock, signals] = [new LateClock(), createEngineSignals()];
  const all = { ...NO_SOURCES, ...sources };
  const monitor = new PerformanceMonitor({ clock, signals, sources: all, counts: 'all', instance, machine: MACHINE });
  const request = (target: string, durationMs: number, outcome: RequestOutcome = 'ok'): void =>
    signals.request.emit({ method: 'tools/call', target, outcome, durationMs, finishedAt: clock.now() });
  return { clock, signals, monitor, request };
}

describe('VitalsMeter', () => {
  it('has nothing to say before the second snapshot', () => {
    const { monitor, request } = rig();
    request('a', 1);
    expect(new VitalsMeter().read(monitor.snapshot())).toBeUndefined();
  });

  it('says what happened in between, and no rate where nothing did', () => {
    const { clock, signals, monitor, request } = rig();
    const meter = new VitalsMeter();
    request('old', 5_000);
    meter.read(monitor.snapshot());
    clock.advance(2_000);
    for (let count = 0; count < 7; count++) request('a', 10);
    request('a', 100, 'tool_error');
    signals.limit.emit({ kind: 'shed', reason: 'delay', shedClass: 'list', target: 'a', delayMs: 0 });
    const { vitals } = meter.read(monitor.snapshot()) ?? {};
    expect(vitals?.at).toBe(clock.wallNow());
    expect(vitals?.requests).toEqual({
      perSecond: 4,
      errorsPerSecond: 0.5,
      shedPerSecond: 0.5,
      inFlight: 0,
      errorRate: 1 / 8,
    });
    expect(vitals?.responseTime?.p50).toBeCloseTo(10, 0);
    expect(vitals?.responseTime?.p99).toBeGreaterThanOrEqual(100);
    expect(vitals?.responseTime?.p99).toBeLessThanOrEqual(100 * (1 + 1 / 32));
    clock.advance(1_000);
    const next = meter.read(monitor.snapshot())?.vitals;
    expect(next).toMatchObject({ requests: { perSecond: 0, errorRate: null }, responseTime: null });
  });

  it('tells of cache, pools, limits, breakers and business metrics what they are now', () => {
    const pool = { size: 3, max: 4, inUse: 2, idle: 1, waiting: 1, utilization: 0.5 };
    const waits = {
      waitTime: { average: 9, p50: 0, p95: 0, p99: 0 },
      acquired: 4,
      waitedMs: 10,
      errors: 0,
      timeouts: 0,
    };
    const cache = { ...NO_SOURCES.cache(), memoryHits: 3, size: 5, bytes: 70 };
    const { clock, signals, monitor } = rig({
      cache: () => cache,
      pools: () => ({ http: { ...pool, ...waits } }),
      limits: () => ({ ...NO_SOURCES.limits(), inFlight: 6, overloaded: true }),
      breakers: () => ({
        redis: { state: 'closed', calls: 3, failures: 0, failuresInRow: 0, refused: 0, opened: 0 },
      }),
    });
    const meter = new VitalsMeter();
    meter.read(monitor.snapshot());
    clock.advance(1_000);
    cache.memoryHits += 5;
    cache.staleHits += 1;
    cache.redisHits += 2;
    cache.misses += 4; // Of these the second tier served two.
    cache.coalesced += 1;
    signals.breaker.emit({ name: 'shop', from: 'closed', to: 'half-open', reason: 'by-hand', failures: 0 });
    monitor.recordCustom('sold', 7);
    monitor.recordCustom('basket', 6, { kind: 'histogram' });
    monitor.recordCustom('basket', 2);
    const { vitals } = meter.read(monitor.snapshot()) ?? {};
    expect(vitals).toMatchObject({
      requests: { inFlight: 6 },
      cache: {
        hitsPerSecond: 8,
        missesPerSecond: 2,
        stalePerSecond: 1,
        coalescedPerSecond: 1,
        hitRate: 0.8,
        size: 5,
        bytes: 70,
      },
      pools: { http: { size: 3, inUse: 2, waiting: 1, utilization: 0.5, waitMs: 2.5 } },
      breakers: { redis: 'closed', shop: 'half-open' },
      overloaded: true,
      custom: { sold: 7, basket: 4 },
    });
  });

  it('tells of the process what its counters say', () => {
    const { clock, monitor } = rig();
    const meter = new VitalsMeter();
    meter.read(monitor.snapshot());
    const before = process.cpuUsage();
    let sum = 0;
    while (process.cpuUsage(before).user < 20_000) sum += Math.sqrt(sum + 1);
    clock.advance(1_000);
    const { vitals } = meter.read(monitor.snapshot()) ?? {};
    expect(vitals?.cpu.usage).toBeGreaterThanOrEqual(1);
    expect(vitals?.cpu.load).toBeGreaterThanOrEqual(0);
    expect(vitals?.eventLoop.utilization).toBeGreaterThan(0);
    expect(vitals?.memory.percentage).toBeCloseTo(((vitals?.memory.resident ?? 0) * 100) / MACHINE.memoryBytes);
    expect(vitals?.memory.heapUsed).toBeGreaterThan(0);
  });

  it('knows how late the event loop was', () => {
    const { clock, monitor } = rig();
    monitor.start();
    const meter = new VitalsMeter();
    meter.read(monitor.snapshot());
    clock.advance(980);
    expect(meter.read(monitor.snapshot())?.vitals.eventLoop.delayMs).toBe(0);
    clock.lateMs = 40;
    clock.advance(20);
    const { delayMs } = meter.read(monitor.snapshot())?.vitals.eventLoop ?? {};
    expect(delayMs).toBeGreaterThanOrEqual(40);
    expect(delayMs).toBeLessThanOrEqual(40 * (1 + 1 / 32));
    expect(monitor.snapshot().families.find(({ name }) => name === 'nodejs_eventloop_delay_seconds')).toMatchObject({
      samples: [{ histogram: { count: 50 } }],
    });
    expect(clock.timers).toBe(1);
    monitor.stop();
    expect(clock.timers).toBe(0);
  });

  it('survives a wall clock that is set back, and instances that go', () => {
    const [one, two] = [rig({}, '1'), rig({}, '2')];
    for (let count = 0; count < 5; count++) two.request('a', 1);
    const meter = new VitalsMeter();
    meter.read(mergeSnapshots([one.monitor.snapshot(), two.monitor.snapshot()]));
    one.request('a', 1);
    const later: MetricSnapshot = { ...one.monitor.snapshot(), at: 0 };
    expect(meter.read(mergeSnapshots([later]))?.vitals).toMatchObject({
      requests: { perSecond: 0, errorRate: null },
      responseTime: null,
    });
  });

  it('adds instances up: rates, connections and memory; of what is a share it takes the worst', () => {
    const instances = ['1', '2'].map((name) =>
      rig({ limits: () => ({ ...NO_SOURCES.limits(), inFlight: 2, overloaded: name === '2' }) }, name),
    );
    const snapshot = () => mergeSnapshots(instances.map(({ monitor }) => monitor.snapshot()));
    const meter = new VitalsMeter();
    meter.read(snapshot());
    for (const { clock, request, signals } of instances) {
      clock.advance(1_000);
      request('a', 1);
      signals.breaker.emit({ name: 'shop', from: 'closed', to: 'open', reason: 'failures', failures: 5 });
    }
    instances[0]?.signals.breaker.emit({ name: 'shop', from: 'open', to: 'closed', reason: 'by-hand', failures: 0 });
    expect(meter.read(snapshot())?.vitals).toMatchObject({
      requests: { perSecond: 2, inFlight: 4 },
      breakers: { shop: 'open' },
      overloaded: true,
    });
  });
});

describe('the rows of targets', () => {
  it('have totals since the start, rates of the last second, and times of the last one to two minutes', () => {
    const { clock, monitor, request } = rig();
    const meter = new VitalsMeter();
    const read = () => meter.read(monitor.snapshot())?.targets;
    request('a', 1_000, 'error');
    read();
    clock.advance(1_000);
    request('a', 1_000);
    request('b', 1);
    expect(read()).toMatchObject([
      { method: 'tools/call', target: 'a', total: 2, errors: 1, perSecond: 1, responseTime: { average: 1_000 } },
      { method: 'tools/call', target: 'b', total: 1, errors: 0, perSecond: 1, responseTime: { average: 1 } },
    ]);
    for (let second = 0; second < 60; second++) {
      clock.advance(1_000);
      read();
    }
    expect(read()?.[0]).toMatchObject({ total: 2, perSecond: 0, responseTime: { average: 1_000 } });
    for (let second = 0; second < 60; second++) {
      clock.advance(1_000);
      read();
    }
    expect(read()?.[0]).toMatchObject({ total: 2, responseTime: null });
    request('a', 10);
    expect(read()?.[0]).toMatchObject({ total: 3, responseTime: { average: 10 } });
  });
});

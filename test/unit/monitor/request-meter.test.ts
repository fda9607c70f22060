import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RequestMeter } from '../../../src/monitor/request-meter.ts';
import { createEngineSignals, type RequestOutcome } from '../../../src/signal/signal.ts';
import { FakeClock } from '../../../src/testing/testing.ts';

function metered() {
  const [signals, clock] = [createEngineSignals(), new FakeClock()];
  const meter = new RequestMeter(signals, clock);
  const request = (outcome: RequestOutcome, durationMs: number): void =>
    signals.request.emit({ method: 'tools/call', target: 't', outcome, durationMs, finishedAt: clock.now() });
  return { signals, clock, meter, request };
}

const EMPTY = { total: 0, errors: 0, perSecond: 0, errorRate: 0, responseTime: { average: 0, p50: 0, p95: 0, p99: 0 } };

describe('RequestMeter', () => {
  it('has nothing at first, without dividing by nothing', () => {
    expect(metered().meter.figures()).toEqual(EMPTY);
  });

  it.each([
    ['ok', 0],
    ['input_required', 0],
    ['cancelled', 0],
    ['tool_error', 1],
    ['error', 1],
  ] as const)('counts %s as %i errors', (outcome, errors) => {
    const { meter, request } = metered();
    request(outcome, 1);
    expect(meter.figures()).toMatchObject({ total: 1, errors, errorRate: errors });
  });

  it('counts everything since the start, and rates over the last minute, exactly', () => {
    const step = fc.record({ advanceMs: fc.integer({ min: 0, max: 20_000 }), failed: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { clock, meter, request } = metered();
        const seconds: { second: number; failed: boolean }[] = [];
        for (const { advanceMs, failed } of steps) {
          clock.advance(advanceMs);
          request(failed ? 'error' : 'ok', 5);
          seconds.push({ second: Math.floor(clock.now() / 1_000), failed });
        }
        const now = Math.floor(clock.now() / 1_000);
        const recent = seconds.filter(({ second }) => second > now - 60);
        const window = Math.min(60, Math.max(1, clock.now() / 1_000));
        const figures = meter.figures();
        expect(figures.total).toBe(steps.length);
        expect(figures.errors).toBe(steps.filter(({ failed }) => failed).length);
        expect(figures.perSecond).toBeCloseTo(recent.length / window);
        const failedShare = recent.filter(({ failed }) => failed).length / recent.length;
        expect(figures.errorRate).toBeCloseTo(recent.length === 0 ? 0 : failedShare);
      }),
      { numRuns: 300 },
    );
  });

  it('forgets rates and times after an idle gap of any length, but not the totals', () => {
    for (const gapMs of [60_000, 61_000, 119_000, 120_000, 121_000, 3_600_000]) {
      const { clock, meter, request } = metered();
      for (let count = 0; count < 5; count++) request('error', 1_000);
      clock.advance(gapMs);
      expect(meter.figures()).toMatchObject({ total: 5, errors: 5, perSecond: 0, errorRate: 0 });
      clock.advance(120_000);
      expect(meter.figures()).toEqual({ ...EMPTY, total: 5, errors: 5 });
      request('ok', 2);
      expect(meter.figures().responseTime.p99).toBeLessThan(3);
    }
  });

  it('has response times of one to two minutes, within 3.2 percent', () => {
    const { clock, meter, request } = metered();
    for (let ms = 1; ms <= 1_000; ms++) request('ok', ms);
    for (const wait of [0, 59_000]) {
      clock.advance(wait);
      const { average, p50, p95, p99 } = meter.figures().responseTime;
      expect(average).toBeCloseTo(500.5);
      for (const [found, exact] of [
        [p50, 500],
        [p95, 950],
        [p99, 990],
      ] as const) {
        expect(found).toBeGreaterThanOrEqual(exact);
        expect(found).toBeLessThanOrEqual(exact * (1 + 1 / 32));
      }
    }
    clock.advance(1_000);
    request('ok', 5);
    expect(meter.figures().responseTime.p50).toBeGreaterThan(400);
    clock.advance(60_000);
    request('ok', 5);
    expect(meter.figures().responseTime.p50).toBeLessThan(6);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mergeSnapshots } from '../../../src/monitor/merge.ts';
import type { MetricSnapshot } from '../../../src/monitor/metric-family.ts';
import { PerformanceMonitor } from '../../../src/monitor/monitor.ts';
import { createEngineSignals, type RequestEvent, type RequestOutcome } from '../../../src/signal/signal.ts';
import { FakeClock } from '../../../src/testing/testing.ts';
import { NO_SOURCES } from './sources.ts';

type Happening =
  | { readonly request: RequestEvent }
  | { readonly custom: readonly [name: string, value: number] }
  | { readonly shed: true };

const OUTCOMES: readonly RequestOutcome[] = ['ok', 'tool_error', 'error', 'cancelled', 'input_required'];
const happening: fc.Arbitrary<Happening> = fc.oneof(
  fc.record({
    request: fc.record({
      method: fc.constantFrom('tools/call', 'tools/list', 'prompts/get', 'resources/read'),
      target: fc.constantFrom('', 'a', 'b'),
      outcome: fc.constantFrom(...OUTCOMES),
      durationMs: fc.double({ min: 0, max: 1e5, noNaN: true }),
      finishedAt: fc.constant(0),
    }),
  }),
  fc.record({ custom: fc.tuple(fc.constantFrom('sold', 'sold_too'), fc.integer({ min: 0, max: 1_000 })) }),
  fc.constant({ shed: true as const }),
);
const happenings = fc.array(happening, { maxLength: 30 });

function recorded(instance: string, all: readonly Happening[]): MetricSnapshot {
  const signals = createEngineSignals();
  const machine = { cores: 2, memoryBytes: 1e9 };
  const parts = { signals, clock: new FakeClock(), sources: NO_SOURCES, counts: 'all' as const };
  const monitor = new PerformanceMonitor({ ...parts, instance, machine });
  for (const each of all) {
    if ('request' in each) signals.request.emit(each.request);
    else if ('custom' in each) monitor.recordCustom(...each.custom, { kind: 'counter' });
    else signals.limit.emit({ kind: 'shed', reason: 'rate', shedClass: 'tool', target: 'a', delayMs: 0 });
  }
  const snapshot = monitor.snapshot();
  // What depends on the process is not of these tests.
  return { ...snapshot, families: snapshot.families.filter(({ name }) => /^(mcp_server|custom)_/.test(name)) };
}

const addable = ({ families }: MetricSnapshot) => families.filter(({ kind }) => kind !== 'gauge');

describe('mergeSnapshots', () => {
  it('says of instances together what one that did it all would say', () => {
    fc.assert(
      fc.property(fc.array(happenings, { minLength: 1, maxLength: 4 }), (parts) => {
        const merged = mergeSnapshots(parts.map((part, at) => recorded(String(at), part)));
        expect(addable(merged)).toEqual(addable(mergeSnapshots([recorded('', parts.flat())])));
      }),
    );
  });

  it('makes no difference between orders and groups', () => {
    fc.assert(
      fc.property(happenings, happenings, happenings, (x, y, z) => {
        const [a, b, c] = [recorded('1', x), recorded('2', y), recorded('3', z)];
        const all = mergeSnapshots([a, b, c]);
        expect(mergeSnapshots([c, a, b])).toEqual(all);
        expect(mergeSnapshots([mergeSnapshots([a, b]), c])).toEqual(all);
        expect(mergeSnapshots([a, mergeSnapshots([b, c])])).toEqual(all);
      }),
    );
  });

  it('keeps a gauge apart for each instance, and takes the earliest start and the latest time', () => {
    const merged = mergeSnapshots([
      { ...recorded('1', []), at: 5, startedAt: 1 },
      { ...recorded('2', []), at: 3, startedAt: 2 },
    ]);
    expect(merged).toMatchObject({ instance: '', at: 5, startedAt: 1 });
    const gauge = merged.families.find(({ name }) => name === 'mcp_server_requests_in_flight');
    expect(gauge?.samples.map(({ labels }) => labels)).toEqual([{ instance: '1' }, { instance: '2' }]);
  });

  it('is plain JSON that survives a way by text', () => {
    const snapshot = recorded('1', [{ shed: true }]);
    expect(mergeSnapshots([JSON.parse(JSON.stringify(snapshot))])).toEqual(mergeSnapshots([snapshot]));
  });

  it('of nothing is nothing', () => {
    expect(mergeSnapshots([])).toEqual({ instance: '', at: 0, startedAt: 0, families: [] });
  });
});

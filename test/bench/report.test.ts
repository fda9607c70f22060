import { describe, expect, it } from 'vitest';
import type { Measurement } from '../../bench/harness/measure.ts';
import { formatRatio, renderGoals, renderTable } from '../../bench/harness/report.ts';
import { judgeGoals, median, type RowRounds, summarise } from '../../bench/harness/statistics.ts';
import { suite as engine } from '../../bench/suites/engine.ts';
import { type Row, rowKey } from '../../bench/suites/suite.ts';

const call = (contender: string): Row => ({ group: 'call', contender, toolset: '3', scenario: 'call-modern' });

function measured(cpuUs: Record<string, number[]>): Map<string, RowRounds> {
  return new Map(
    Object.entries(cpuUs).map(([contender, rounds]) => [
      rowKey(call(contender)),
      {
        row: call(contender),
        rounds: rounds.map(
          (cpu) =>
            ({
              cpuUs: cpu,
              sliceCpuUs: [cpu, cpu, cpu],
              requestsPerSecond: 1_000,
              p50Us: 1,
              p99Us: 2,
              peakMb: 3,
              errors: 1,
              requests: 4,
              coreShare: 1,
            }) as unknown as Measurement,
        ),
      },
    ]),
  );
}

describe('statistics', () => {
  it('takes the middle of odd and even numbers of values', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(median([])).toBe(0);
  });

  it('forms ratios within each round before it takes the median', () => {
    const rows = summarise(measured({ 'plain-http': [40, 60, 100], peregrine: [20, 36, 40] }));
    const peregrine = rows.find(({ row }) => row.contender === 'peregrine');
    expect(peregrine).toMatchObject({ toPlain: 0.5, toSdk: undefined, median: { cpuUs: 36, errors: 3 } });
  });

  it('compares slice with slice inside a group, and wholes between groups', () => {
    const rows = measured({ 'plain-http': [50], peregrine: [25] });
    const [plain, own] = [...rows.values()].map(({ rounds }) => rounds[0] as { sliceCpuUs: readonly number[] });
    Object.assign(plain as object, { sliceCpuUs: [40, 100, 60] });
    Object.assign(own as object, { sliceCpuUs: [20, 60, 6] });
    const ratio = () => summarise(rows).find(({ row }) => row.contender === 'peregrine')?.toPlain;
    expect(ratio()).toBe(0.5);
    Object.assign(rows.get(rowKey(call('plain-http'))) as object, { row: { ...call('plain-http'), group: 'other' } });
    Object.assign(plain as object, { cpuUs: 100 });
    expect(ratio()).toBe(0.25);
  });

  it('judges goals as met, missed or not measured', () => {
    const goals = judgeGoals(engine, measured({ 'plain-http': [50], peregrine: [25], 'sdk-v2': [250] }));
    expect(goals.map(({ met }) => met)).toEqual([true, false, undefined, undefined, undefined]);
    const text = renderGoals(goals, false);
    expect(text).toContain('met          tools/call, modern: at most 0.6 of plain node:http: 0.50, at most 0.60');
    expect(text).toContain('MISSED       tools/call, modern: at most 1/15 of SDK v2: 1/10.0, at most 1/15.0');
    expect(text).toContain('not measured tools/call with 500 tools');
  });
});

describe('report', () => {
  it('writes ratios as fractions when they are small', () => {
    expect([0.5, 1, 17.234, 0.05, undefined].map(formatRatio)).toEqual(['0.50', '1.00', '17.23', '1/20.0', '-']);
  });

  it('renders for terminals and as Markdown', () => {
    const rows = summarise(measured({ 'plain-http': [50, 52, 51] }));
    expect(renderTable(rows, false).split('\n')[2]).toMatch(/^3 +tools\/call, 2026-07-28 +plain-http +51\.0 +1\.00 +-/);
    expect(renderTable(rows, true).split('\n')[1]).toMatch(/^\|---\|---\|---\|---:\|/);
  });
});

describe('suite engine', () => {
  it('measures every row once, and every row of its goals', () => {
    const keys = engine.rows.map(rowKey);
    expect(new Set(keys).size).toBe(keys.length);
    for (const { row, reference } of engine.goals)
      expect(keys).toEqual(expect.arrayContaining([rowKey(row), rowKey(reference)]));
  });
});

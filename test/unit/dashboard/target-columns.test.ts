import { describe, expect, it } from 'vitest';
import { arrange } from '../../../dashboard/src/parts/target-columns.ts';
import type { TargetRow } from '../../../src/monitor/monitor.ts';

const row = (target: string, perSecond: number, p99: number | null, method = 'tools/call'): TargetRow => ({
  ...{ method, target, total: 10, errors: 0, perSecond },
  responseTime: p99 === null ? null : { average: 1, p50: 1, p95: 1, p99 },
});
const ROWS = [row('b', 1, 5), row('a', 1, null), row('', 3, 9, 'tools/list'), row('c://x', 0, 1, 'resources/read')];
const order = (key: string, isDescending: boolean, filter = ''): string[] =>
  arrange(ROWS, filter, { key, isDescending }).map(({ method, target }) => target || method);

describe('the table of tools', () => {
  it('is sorted by numbers or names, both ways, and equal rows by name', () => {
    expect(order('perSecond', true)).toEqual(['tools/list', 'a', 'b', 'c://x']);
    expect(order('perSecond', false)).toEqual(['c://x', 'a', 'b', 'tools/list']);
    expect(order('name', false)).toEqual(['a', 'b', 'c://x', 'tools/list']);
    expect(order('name', true)).toEqual(['tools/list', 'c://x', 'b', 'a']);
    expect(order('method', false)).toEqual(['c://x', 'a', 'b', 'tools/list']);
  });

  it('has rows without a number last, whichever way', () => {
    expect(order('p99', true)).toEqual(['tools/list', 'b', 'c://x', 'a']);
    expect(order('p99', false)).toEqual(['c://x', 'b', 'tools/list', 'a']);
  });

  it('finds by name and by method', () => {
    expect(order('name', false, ' TOOLS/')).toEqual(['a', 'b', 'tools/list']);
    expect(order('name', false, '://')).toEqual(['c://x']);
    expect(order('name', false, 'nothing')).toEqual([]);
  });
});

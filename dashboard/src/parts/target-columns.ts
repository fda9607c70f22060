import type { TargetRow } from '../../../src/monitor/vitals.ts';
import { count, type Format, milliseconds, percent, perSecond, text } from '../format.ts';

export interface TargetColumn {
  readonly key: string;
  readonly title: string;
  /** What it is sorted by: text, or a number, of which there may be none. */
  readonly value: (row: TargetRow) => string | number | null;
  /** Of numbers. */
  readonly format?: Format;
  /** Not shown on narrow screens; the open row has it. */
  readonly isWide?: boolean;
}

/** Rows in the order of a column, those without its number last. */
export interface TargetOrder {
  readonly key: string;
  readonly isDescending: boolean;
}

const errorRate = ({ total, errors }: TargetRow): number | null => (total === 0 ? null : (100 * errors) / total);

export const TARGET_COLUMNS: readonly TargetColumn[] = [
  { key: 'name', title: 'Name', value: nameOf },
  { key: 'method', title: 'Method', value: ({ method }) => method, isWide: true },
  { key: 'perSecond', title: 'Rate', value: ({ perSecond: rate }) => rate, format: perSecond },
  { key: 'total', title: 'Total', value: ({ total }) => total, format: count, isWide: true },
  { key: 'errorRate', title: 'Errors', value: errorRate, format: percent },
  {
    key: 'average',
    title: 'Mean',
    value: (row) => row.responseTime?.average ?? null,
    format: milliseconds,
    isWide: true,
  },
  { key: 'p50', title: 'P50', value: (row) => row.responseTime?.p50 ?? null, format: milliseconds, isWide: true },
  { key: 'p95', title: 'P95', value: (row) => row.responseTime?.p95 ?? null, format: milliseconds, isWide: true },
  { key: 'p99', title: 'P99', value: (row) => row.responseTime?.p99 ?? null, format: milliseconds },
];

/** What a row is called: the registered name, or that of a method without one. */
export function nameOf({ method, target }: TargetRow): string {
  return target === '' ? method : target;
}

/** A column of a row as text. */
export function cellText({ value, format }: TargetColumn, row: TargetRow): string {
  const cell = value(row);
  if (typeof cell === 'string') return cell;
  return format === undefined ? '' : text(format, cell);
}

/** The rows whose name or method has the text in it, in order. */
export function arrange(rows: Iterable<TargetRow>, filter: string, order: TargetOrder): TargetRow[] {
  const wanted = filter.trim().toLowerCase();
  const fits = ({ method, target }: TargetRow): boolean => `${method} ${target}`.toLowerCase().includes(wanted);
  const column = TARGET_COLUMNS.find(({ key }) => key === order.key) ?? TARGET_COLUMNS[0]!;
  return [...rows].filter(fits).toSorted((a, b) => compare(column, order, a, b) || byName(a, b));
}

function compare({ value }: TargetColumn, { isDescending }: TargetOrder, a: TargetRow, b: TargetRow): number {
  const [left, right] = [value(a), value(b)];
  if (left === null || right === null) return Number(left === null) - Number(right === null);
  const difference = typeof left === 'string' ? left.localeCompare(String(right), 'en') : left - Number(right);
  return isDescending ? -difference : difference;
}

function byName(a: TargetRow, b: TargetRow): number {
  return nameOf(a).localeCompare(nameOf(b), 'en') || a.method.localeCompare(b.method, 'en');
}

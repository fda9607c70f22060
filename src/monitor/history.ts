// Runs in the server and in the dashboard's page, so it imports nothing of Node.
import type { VitalColumns } from './live-protocol.ts';
import type { Vitals } from './vitals.ts';

/** The numbers of one second or minute, by the names of their columns; what there was none of is not in it. */
export type VitalRow = ReadonlyMap<string, number>;

export interface HistoryOptions {
  /** Rows that are kept; then the oldest goes. */
  readonly rows: number;
  /** Time from one row to the next. A longer one leaves a row without numbers, so that a line drawn of it breaks off. */
  readonly periodMs: number;
}

/** Pools and custom metrics are as many as the author likes; of more columns than this only the first are kept. */
const MAX_NAMED_COLUMNS = 192;
const NAMED = /^(?:pools|custom)\./;
const WITHOUT_HISTORY: readonly string[] = ['at', 'breakers', 'waitMs'];

/** Numbers over time, packed, in bounded memory. */
export class History {
  readonly #options: HistoryOptions;
  readonly #at: Float64Array;
  readonly #columns = new Map<string, { readonly values: Float32Array; last: number }>();
  /** How many rows were ever begun; the row `n` is at `n % rows`. */
  #end = 0;
  #length = 0;
  #named = 0;
  #soughtAt = 0;

  constructor(options: HistoryOptions) {
    this.#options = options;
    this.#at = new Float64Array(options.rows);
  }

  get length(): number {
    return this.#length;
  }

  get columns(): Iterable<string> {
    return this.#columns.keys();
  }

  /** Time of the last row, or -Infinity. */
  get lastAt(): number {
    return this.#length === 0 ? Number.NEGATIVE_INFINITY : (this.#at[this.#slot(this.#end - 1)] ?? 0);
  }

  /** Adds a row. Rows that are not older, since the clock was set back, go. */
  add(at: number, row: VitalRow): void {
    while (this.#length > 0 && this.lastAt >= at) {
      this.#end--;
      this.#length--;
    }
    if (this.#length > 0 && at - this.lastAt > 2.5 * this.#options.periodMs) this.#begin(this.lastAt + 1);
    this.#begin(at);
    const slot = this.#slot(this.#end - 1);
    for (const [name, value] of row) {
      const column = this.#columns.get(name) ?? this.#addColumn(name);
      if (column === undefined) continue;
      column.values[slot] = value;
      column.last = this.#end;
    }
  }

  /** Adds what another history told. */
  addAll({ at, columns }: VitalColumns): void {
    const named = Object.entries(columns);
    at.forEach((time, index) => {
      const row = new Map<string, number>();
      for (const [name, values] of named) {
        const value = values[index];
        if (value !== null && value !== undefined) row.set(name, value);
      }
      this.add(time, row);
    });
  }

  /** The rows later than this time. */
  since(at: number): VitalColumns {
    const count = this.#countSince(at);
    const columns: Record<string, (number | null)[]> = {};
    for (const name of this.#columns.keys()) {
      const values = this.values(name, count).map(toShort);
      if (values.some((value) => value !== null)) columns[name] = values;
    }
    return { at: this.times(count), columns };
  }

  /** Times of the last rows. */
  times(count = this.#length): number[] {
    return Array.from({ length: count }, (_, index) => this.#at[this.#slot(this.#end - count + index)] ?? 0);
  }

  /** A column's numbers in the last rows, NaN where there is none. */
  values(name: string, count = this.#length): number[] {
    const values = this.#columns.get(name)?.values;
    return Array.from({ length: count }, (_, index) => values?.[this.#slot(this.#end - count + index)] ?? Number.NaN);
  }

  #slot(row: number): number {
    return row % this.#options.rows;
  }

  #begin(at: number): void {
    const slot = this.#slot(this.#end++);
    this.#at[slot] = at;
    for (const { values } of this.#columns.values()) values[slot] = Number.NaN;
    this.#length = Math.min(this.#length + 1, this.#options.rows);
  }

  #addColumn(name: string): { readonly values: Float32Array; last: number } | undefined {
    if (NAMED.test(name)) {
      if (this.#named >= MAX_NAMED_COLUMNS) this.#makeRoom();
      if (this.#named >= MAX_NAMED_COLUMNS) return undefined;
      this.#named++;
    }
    const column = { values: new Float32Array(this.#options.rows).fill(Number.NaN), last: this.#end };
    this.#columns.set(name, column);
    return column;
  }

  /** Named columns whose last number is gone make room; they are looked for once a row. */
  #makeRoom(): void {
    if (this.#soughtAt === this.#end) return;
    this.#soughtAt = this.#end;
    for (const [name, { last }] of this.#columns) {
      if (!NAMED.test(name) || last > this.#end - this.#length) continue;
      this.#columns.delete(name);
      this.#named--;
    }
  }

  #countSince(at: number): number {
    let count = 0;
    while (count < this.#length && (this.#at[this.#slot(this.#end - count - 1)] ?? 0) > at) count++;
    return count;
  }
}

/** The numbers of vitals, by the names of their columns. */
export function toRow(vitals: Vitals): Map<string, number> {
  const row = new Map<string, number>();
  const visit = (value: unknown, name: string): void => {
    if (typeof value === 'number') row.set(name, value);
    else if (typeof value === 'boolean') row.set(name, value ? 1 : 0);
    else if (typeof value === 'object' && value !== null)
      for (const [key, inner] of Object.entries(value))
        if (!WITHOUT_HISTORY.includes(key) || name === 'pools' || name === 'custom')
          visit(inner, name === '' ? key : `${name}.${key}`);
  };
  visit(vitals, '');
  return row;
}

/** As short as a chart can tell from exact: history is much text. */
function toShort(value: number): number | null {
  if (Number.isNaN(value)) return null;
  const size = Math.abs(value);
  const scale = size >= 1_000 ? 1 : size >= 1 ? 1e3 : 1e6;
  return Math.round(value * scale) / scale;
}

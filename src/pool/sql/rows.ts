/** Turns one value of a column, never null, into what callers get. */
export type Convert = (value: unknown) => unknown;

/** Builds a row from its values in the order of the columns. */
export type RowBuilder = (values: readonly unknown[]) => Record<string, unknown>;

/**
 * Makes the builder of a result's rows. Rows are plain objects; of two columns with one name the later counts, and one
 * named `__proto__` is a column like any other.
 *
 * HOT: every row; guarded by `npm run bench`. A copy of a template has its final shape from the start, which makes the
 * assignments cheap; and because the template has every name as a property of its own, none of them reaches a prototype.
 */
export function createRowBuilder(names: readonly string[], converts: readonly (Convert | undefined)[]): RowBuilder {
  const nameless = Object.create(null) as Record<string, unknown>;
  for (const name of names) nameless[name] = null;
  const template = { ...nameless };
  if (converts.every((convert) => convert === undefined)) {
    return (values) => {
      const row = { ...template };
      for (let index = 0; index < names.length; index++) row[names[index] as string] = values[index];
      return row;
    };
  }
  return (values) => {
    const row = { ...template };
    for (let index = 0; index < names.length; index++) {
      const value = values[index];
      const convert = value === null ? undefined : converts[index];
      row[names[index] as string] = convert === undefined ? value : convert(value);
    }
    return row;
  };
}

const PLAIN_TIMESTAMP = /^(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}(?::?\d{2}){0,2})?$/;

/**
 * A database's text for a moment as ISO 8601 in UTC: `2026-01-02T03:04:05.678Z`, with six digits where there are
 * microseconds. One without an offset is taken as UTC; what is no such text (`infinity`, years before 0) stays as it is.
 */
export function toIsoTimestamp(text: unknown): unknown {
  const match = typeof text === 'string' ? PLAIN_TIMESTAMP.exec(text) : null;
  if (match === null) return text;
  const [, date, time, fraction = '', offset] = match;
  const digits = toFraction(fraction);
  if (offset === undefined || offset === 'Z' || /^[+-]00(?::?00)*$/.test(offset)) return `${date}T${time}.${digits}Z`;
  const [, sign, hours, minutes = '00'] = /^([+-])(\d{2}):?(\d{2})?/.exec(offset) ?? [];
  const shiftMs = (Number(hours) * 60 + Number(minutes)) * 60_000 * (sign === '-' ? 1 : -1);
  const seconds = new Date(Date.parse(`${date}T${time}Z`) + shiftMs).toISOString().slice(0, 19);
  return `${seconds}.${digits}Z`;
}

/** Three digits, or six where the last three are not all zero. */
function toFraction(fraction: string): string {
  const micros = fraction.padEnd(6, '0').slice(0, 6);
  return micros.endsWith('000') ? micros.slice(0, 3) : micros;
}

/** An integer as text: a number where that is exact, else a bigint. */
export function toInteger(text: unknown): unknown {
  if (typeof text === 'bigint') {
    const number = Number(text);
    return Number.isSafeInteger(number) ? number : text;
  }
  if (typeof text !== 'string') return text;
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : BigInt(text);
}

/** Bytes as a plain Uint8Array, whatever subclass the driver uses. */
export function toBytes(value: unknown): unknown {
  return Buffer.isBuffer(value) ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength) : value;
}

/** JSON text as its value. */
export function toJsonValue(text: unknown): unknown {
  return typeof text === 'string' ? JSON.parse(text) : text;
}

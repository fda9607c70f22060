import { DatabaseError } from '../errors.ts';
import type { SqlParameter } from './sql-pool.ts';

/** How one driver wants the values that are not the same for all. */
export interface ParameterEncoding {
  readonly boolean: (value: boolean) => unknown;
  readonly bigint: (value: bigint) => unknown;
  readonly integer: ((value: number) => unknown) | undefined;
  readonly date: (value: Date) => unknown;
  readonly bytes: (value: Uint8Array) => unknown;
}

/**
 * Parameters as a driver takes them: the given list itself where nothing has to change.
 *
 * HOT: every query; guarded by `npm run bench -- pools`.
 *
 * @throws {DatabaseError} `DB_PARAMETERS` for `undefined` and other values that no database has.
 */
export function encodeParameters(
  parameters: readonly SqlParameter[],
  encoding: ParameterEncoding,
  database: string,
): readonly unknown[] {
  let encoded: unknown[] | undefined;
  for (let index = 0; index < parameters.length; index++) {
    const value = parameters[index];
    if (typeof value === 'string' || value === null) continue;
    if (typeof value === 'number' && encoding.integer === undefined) continue;
    encoded ??= [...parameters];
    encoded[index] = encodeOne(value, encoding, index, database);
  }
  return encoded ?? parameters;
}

function encodeOne(value: unknown, encoding: ParameterEncoding, index: number, database: string): unknown {
  switch (typeof value) {
    case 'number':
      return Number.isSafeInteger(value) ? (encoding.integer?.(value) ?? value) : value;
    case 'boolean':
      return encoding.boolean(value);
    case 'bigint':
      return encoding.bigint(value);
    case 'object':
      if (value instanceof Uint8Array) return encoding.bytes(value);
      if (value instanceof Date) {
        if (Number.isNaN(value.getTime())) throw wrong(database, index, 'an invalid date');
        return encoding.date(value);
      }
      return toJson(value, index, database);
    default:
      throw wrong(database, index, `${typeof value === 'undefined' ? '' : 'a '}${typeof value}`);
  }
}

function toJson(value: unknown, index: number, database: string): string {
  try {
    return JSON.stringify(value);
  } catch (cause) {
    throw wrong(database, index, 'not expressible as JSON', cause);
  }
}

function wrong(database: string, index: number, what: string, cause?: unknown): DatabaseError {
  return new DatabaseError('DB_PARAMETERS', database, { detail: `parameter ${index + 1} is ${what}`, cause });
}

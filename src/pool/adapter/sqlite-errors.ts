import type { ConstraintKind, DatabaseErrorCode } from '../errors.ts';
import { DatabaseError } from '../errors.ts';

const CONSTRAINTS: Readonly<Record<number, ConstraintKind>> = {
  275: 'check',
  787: 'foreign-key',
  1299: 'not-null',
  1555: 'unique',
  2067: 'unique',
  2579: 'unique',
};

/** By SQLite's primary result code. */
const CODES: Readonly<Record<number, DatabaseErrorCode>> = {
  1: 'DB_SYNTAX',
  3: 'DB_PERMISSION',
  5: 'DB_BUSY',
  6: 'DB_BUSY',
  7: 'DB_FULL',
  8: 'DB_READONLY',
  9: 'DB_TIMEOUT',
  13: 'DB_FULL',
  14: 'DB_UNAVAILABLE',
  18: 'DB_VALUE',
  19: 'DB_CONSTRAINT',
  20: 'DB_VALUE',
  23: 'DB_PERMISSION',
  25: 'DB_PARAMETERS',
};

/** An error of `node:sqlite` as the same on every database. */
export function toSqliteError(error: unknown, database: string): DatabaseError {
  if (error instanceof DatabaseError) return error;
  const { code, errcode } = (error ?? {}) as { readonly code?: unknown; readonly errcode?: unknown };
  if (code === 'ERR_INVALID_ARG_VALUE') return new DatabaseError('DB_SYNTAX', database, { cause: error });
  if (typeof errcode !== 'number') return new DatabaseError('DB_FAILED', database, { cause: error });
  const found = CODES[errcode & 0xff] ?? 'DB_FAILED';
  const constraint = found === 'DB_CONSTRAINT' ? { constraint: CONSTRAINTS[errcode] ?? ('other' as const) } : {};
  return new DatabaseError(found, database, { cause: error, ...constraint });
}

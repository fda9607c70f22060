import type { ConstraintKind, DatabaseErrorCode } from '../errors.ts';
import { DatabaseError } from '../errors.ts';

const CONSTRAINTS: Readonly<Record<string, ConstraintKind>> = {
  '23502': 'not-null',
  '23503': 'foreign-key',
  '23505': 'unique',
  '23514': 'check',
};

/** By SQL state, or by its class: the first two characters. */
const CODES: Readonly<Record<string, DatabaseErrorCode>> = {
  '08': 'DB_CONNECTION_LOST',
  '08P01': 'DB_PARAMETERS',
  '22': 'DB_VALUE',
  '23': 'DB_CONSTRAINT',
  '25006': 'DB_READONLY',
  '25P02': 'DB_TRANSACTION_ABORTED',
  '28': 'DB_AUTHENTICATION',
  '40': 'DB_DEADLOCK',
  '42': 'DB_SYNTAX',
  '42501': 'DB_PERMISSION',
  '53': 'DB_FULL',
  '53300': 'DB_UNAVAILABLE',
  '54': 'DB_SYNTAX',
  '55P03': 'DB_BUSY',
  '57014': 'DB_TIMEOUT',
  '57P01': 'DB_CONNECTION_LOST',
  '57P02': 'DB_CONNECTION_LOST',
  '57P03': 'DB_UNAVAILABLE',
  '57P05': 'DB_CONNECTION_LOST',
};

const NO_SUCH_DATABASE = '3D000';

/** An error of `pg` as the same on every database. */
export function toPostgresError(error: unknown, database: string, isConnecting: boolean): DatabaseError {
  if (error instanceof DatabaseError) return error;
  const { code, severity } = (error ?? {}) as { readonly code?: unknown; readonly severity?: unknown };
  const state = severity !== undefined && typeof code === 'string' ? code : undefined;
  // What has no SQL state did not come from the server: the connection itself failed.
  const found = state === undefined ? 'DB_CONNECTION_LOST' : (CODES[state] ?? CODES[state.slice(0, 2)] ?? 'DB_FAILED');
  const isAway = found === 'DB_CONNECTION_LOST' || state === NO_SUCH_DATABASE;
  const shown = isConnecting && isAway ? 'DB_UNAVAILABLE' : found;
  const constraint = shown === 'DB_CONSTRAINT' ? { constraint: CONSTRAINTS[state ?? ''] ?? ('other' as const) } : {};
  return new DatabaseError(shown, database, { cause: error, ...constraint });
}

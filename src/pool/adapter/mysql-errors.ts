import type { ConstraintKind, DatabaseErrorCode } from '../errors.ts';
import { DatabaseError } from '../errors.ts';

const CONSTRAINTS: Readonly<Record<number, ConstraintKind>> = {
  1048: 'not-null',
  1062: 'unique',
  1169: 'unique',
  1216: 'foreign-key',
  1217: 'foreign-key',
  1364: 'not-null',
  1451: 'foreign-key',
  1452: 'foreign-key',
  1557: 'foreign-key',
  1586: 'unique',
  1761: 'foreign-key',
  1762: 'foreign-key',
  3819: 'check',
  4025: 'check',
};

/** By the server's error number; MySQL and MariaDB agree on the lower ones. */
const CODES: Readonly<Record<number, DatabaseErrorCode>> = {
  1020: 'DB_DEADLOCK', // MariaDB's snapshot isolation: the row was changed since this transaction first read
  1021: 'DB_FULL',
  1037: 'DB_FULL',
  1038: 'DB_FULL',
  1040: 'DB_UNAVAILABLE',
  1044: 'DB_PERMISSION',
  1045: 'DB_AUTHENTICATION',
  1053: 'DB_CONNECTION_LOST',
  1114: 'DB_FULL',
  1142: 'DB_PERMISSION',
  1143: 'DB_PERMISSION',
  1203: 'DB_UNAVAILABLE',
  1205: 'DB_BUSY',
  1210: 'DB_PARAMETERS',
  1213: 'DB_DEADLOCK',
  1227: 'DB_PERMISSION',
  1290: 'DB_READONLY',
  1317: 'DB_TIMEOUT',
  1697: 'DB_VALUE',
  1792: 'DB_READONLY',
  1836: 'DB_READONLY',
  1927: 'DB_CONNECTION_LOST',
  1969: 'DB_TIMEOUT',
  3024: 'DB_TIMEOUT',
  3572: 'DB_BUSY',
};

/** By the first two characters of the SQL state, where the number says nothing. */
const CLASSES: Readonly<Record<string, DatabaseErrorCode>> = {
  '08': 'DB_CONNECTION_LOST',
  '22': 'DB_VALUE',
  '23': 'DB_CONSTRAINT',
  '28': 'DB_AUTHENTICATION',
  '40': 'DB_DEADLOCK',
  '42': 'DB_SYNTAX',
};

const NO_SUCH_DATABASE = 1049;

/** Values that MySQL refuses under the general state HY000. */
const VALUE_NUMBERS = new Set([1264, 1265, 1292, 1366, 1367, 1406, 3140, 3141]);

/** An error of `mysql2` as the same on every database. */
export function toMysqlError(error: unknown, database: string, isConnecting: boolean): DatabaseError {
  if (error instanceof DatabaseError) return error;
  const { errno, sqlState } = (error ?? {}) as { readonly errno?: unknown; readonly sqlState?: unknown };
  const isServers = typeof errno === 'number' && errno > 0 && typeof sqlState === 'string';
  const code = isServers ? codeOf(errno, sqlState) : 'DB_CONNECTION_LOST';
  const isAway = code === 'DB_CONNECTION_LOST' || errno === NO_SUCH_DATABASE;
  const shown = isConnecting && isAway ? 'DB_UNAVAILABLE' : code;
  const constraint =
    shown === 'DB_CONSTRAINT' ? { constraint: CONSTRAINTS[errno as number] ?? ('other' as const) } : {};
  return new DatabaseError(shown, database, { cause: error, ...constraint });
}

function codeOf(errno: number, sqlState: string): DatabaseErrorCode {
  if (CONSTRAINTS[errno] !== undefined) return 'DB_CONSTRAINT';
  if (VALUE_NUMBERS.has(errno)) return 'DB_VALUE';
  return CODES[errno] ?? CLASSES[sqlState.slice(0, 2)] ?? 'DB_FAILED';
}

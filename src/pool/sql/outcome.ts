import type { CallOutcome } from '../call-gate.ts';
import {
  DatabaseError,
  type DatabaseErrorCode,
  DriverMissingError,
  PoolClosedError,
  PoolQueueFullError,
  PoolTimeoutError,
  TransactionOutcomeUnknownError,
} from '../errors.ts';

const FAILURES: ReadonlySet<DatabaseErrorCode> = new Set(['DB_UNAVAILABLE', 'DB_CONNECTION_LOST', 'DB_TIMEOUT']);
/** What the caller ended, or what never came to the server. */
const UNKNOWN: ReadonlySet<DatabaseErrorCode> = new Set(['DB_CANCELLED', 'DB_PARAMETERS']);

/**
 * What an error says of a database: a refused statement shows that it answers, a full pool shows nothing.
 *
 * @param other What an error says that is none of this database's.
 */
export function outcomeOf(error: unknown, database: string, other: CallOutcome = 'unknown'): CallOutcome {
  if (error instanceof DatabaseError && error.database === database) {
    if (FAILURES.has(error.code)) return 'failure';
    return UNKNOWN.has(error.code) ? 'unknown' : 'success';
  }
  if (error instanceof TransactionOutcomeUnknownError && error.database === database) return 'failure';
  return isOfPool(error, database) || error instanceof DriverMissingError ? 'unknown' : other;
}

function isOfPool(error: unknown, database: string): boolean {
  const isPools =
    error instanceof PoolTimeoutError || error instanceof PoolQueueFullError || error instanceof PoolClosedError;
  return isPools && error.pool === database;
}

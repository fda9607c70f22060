import { PeregrineError } from '../kernel/errors.ts';

/** `POOL_TIMEOUT`: no connection became free in time. Retryable: the pool was busy, not broken. */
export class PoolTimeoutError extends PeregrineError {
  readonly pool: string;
  readonly waitedMs: number;
  readonly queued: number;

  constructor(pool: string, waitedMs: number, queued: number) {
    super('POOL_TIMEOUT', `pool "${pool}": no connection after ${waitedMs} ms (${queued} waiting)`, {
      retryable: true,
    });
    this.pool = pool;
    this.waitedMs = waitedMs;
    this.queued = queued;
  }
}

/** `POOL_QUEUE_FULL`: too many callers wait for a connection already. Retryable. */
export class PoolQueueFullError extends PeregrineError {
  readonly pool: string;
  readonly queued: number;

  constructor(pool: string, queued: number) {
    super('POOL_QUEUE_FULL', `pool "${pool}": ${queued} callers wait already`, { retryable: true });
    this.pool = pool;
    this.queued = queued;
  }
}

/** `POOL_CLOSED`: the pool has been closed, or is closing and takes nothing new. */
export class PoolClosedError extends PeregrineError {
  readonly pool: string;

  constructor(pool: string) {
    super('POOL_CLOSED', `pool "${pool}" is closed`);
    this.pool = pool;
  }
}

/** `DRIVER_MISSING`: the optional package for this kind of database is not installed. */
export class DriverMissingError extends PeregrineError {
  constructor(kind: string, packageName: string, cause: unknown) {
    super('DRIVER_MISSING', `"${kind}" databases need the package "${packageName}": npm install ${packageName}`, {
      cause,
    });
  }
}

/** What a statement broke. */
export type ConstraintKind = 'unique' | 'foreign-key' | 'not-null' | 'check' | 'other';

/** The codes of a {@link DatabaseError}. */
export type DatabaseErrorCode = keyof typeof MESSAGES;

// Messages reach clients, so they hold nothing that the database said: that is in `cause`.
const MESSAGES = {
  DB_UNAVAILABLE: 'cannot be reached',
  DB_CONNECTION_LOST: 'the connection was lost',
  DB_AUTHENTICATION: 'the login was refused',
  DB_PERMISSION: 'the account may not do this',
  DB_READONLY: 'it can only be read',
  DB_CONSTRAINT: 'a constraint refused the statement',
  DB_SYNTAX: 'the statement is not valid',
  DB_VALUE: 'a value does not fit its type or range',
  DB_PARAMETERS: 'the parameters do not fit the statement',
  DB_TIMEOUT: 'the statement took too long and was stopped',
  DB_CANCELLED: 'the statement was cancelled',
  DB_DEADLOCK: 'the transaction collided with another one',
  DB_BUSY: 'a lock was not free in time',
  DB_FULL: 'it is out of space or memory',
  DB_TRANSACTION_ABORTED: 'the transaction had failed before and was rolled back',
  DB_FAILED: 'the statement failed',
} as const;

const RETRYABLE: ReadonlySet<string> = new Set(['DB_UNAVAILABLE', 'DB_DEADLOCK', 'DB_BUSY']);

/** Details of a {@link DatabaseError}. */
export interface DatabaseErrorDetails {
  /** The driver's own error. */
  readonly cause?: unknown;
  readonly constraint?: ConstraintKind;
  /** Whether the same call can succeed later. @default by the code */
  readonly retryable?: boolean;
  /** More for the message; must be safe to show to a client. */
  readonly detail?: string;
}

/**
 * A statement that failed. The code says how, on every database alike; the driver's error is the `cause`.
 *
 * `DB_CONNECTION_LOST` is retryable only where nothing can have happened: for a statement that reads, or inside a
 * transaction that had not been committed.
 */
export class DatabaseError extends PeregrineError {
  declare readonly code: DatabaseErrorCode;
  /** The configured name of the database. */
  readonly database: string;
  /** Which kind of constraint refused; set for `DB_CONSTRAINT`. */
  readonly constraint: ConstraintKind | undefined;

  constructor(code: DatabaseErrorCode, database: string, details: DatabaseErrorDetails = {}) {
    const { constraint, detail } = details;
    const more = detail ?? constraint;
    super(code, `database "${database}": ${MESSAGES[code]}${more === undefined ? '' : ` (${more})`}`, {
      cause: details.cause,
      retryable: details.retryable ?? RETRYABLE.has(code),
    });
    this.database = database;
    this.constraint = constraint;
  }
}

/**
 * `COMMIT_UNKNOWN`: the connection was lost while the transaction was being committed, so it may be committed or not.
 *
 * Not retryable: running the work again could do it twice. Look at the data first.
 */
export class TransactionOutcomeUnknownError extends PeregrineError {
  readonly database: string;

  constructor(database: string, cause: unknown) {
    super(
      'COMMIT_UNKNOWN',
      `database "${database}": the connection was lost while committing; the outcome is unknown`,
      {
        cause,
      },
    );
    this.database = database;
  }
}

const TRANSACTION_USE = {
  TRANSACTION_ENDED: 'the transaction has ended; its object can no longer be used',
  TRANSACTION_NESTED: 'a nested transaction is open; use its own object until it ends',
  TRANSACTION_STREAMING: 'a stream of the transaction is open; read it to its end or leave its loop first',
} as const;

/** `TRANSACTION_ENDED`, `TRANSACTION_NESTED`, `TRANSACTION_STREAMING`: a transaction was used when it could not be. */
export class TransactionUseError extends PeregrineError {
  constructor(code: keyof typeof TRANSACTION_USE) {
    super(code, TRANSACTION_USE[code]);
  }
}

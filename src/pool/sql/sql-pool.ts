import type { PoolStatistics } from '../../kernel/pool-statistics.ts';

/** What a placeholder can stand for. Plain objects and arrays are sent as JSON. */
export type SqlParameter =
  | null
  | boolean
  | number
  | bigint
  | string
  | Date
  | Uint8Array
  | readonly unknown[]
  | { readonly [key: string]: unknown };

/** A row: a plain object by column name. */
export type SqlRow = Record<string, unknown>;

/** What a statement that writes did. */
export interface SqlOutcome {
  /** Rows inserted, deleted, or matched by an update. */
  readonly changes: number;
  /** The last generated id; always nothing on PostgreSQL, where `RETURNING` tells it. */
  readonly insertId: number | bigint | undefined;
}

/** Settings of one statement. */
export interface SqlQueryOptions {
  /** Stops the statement on the server when aborted. */
  readonly signal?: AbortSignal | undefined;
  /** Longest time that the statement may run, in milliseconds; 0 for no limit. @default the database's `statementTimeoutMs` */
  readonly timeoutMs?: number | undefined;
}

/** Settings of a transaction. */
export interface SqlTransactionOptions {
  /** Stops what runs, and rolls back, when aborted. */
  readonly signal?: AbortSignal | undefined;
}

/** What a pool and a transaction both do. `?` stands for a parameter on every database. */
export interface SqlExecutor {
  /**
   * Runs a statement and answers its rows; of one that only writes, none.
   *
   * @throws {DatabaseError} with a code that is the same on every database.
   * @throws {PeregrineError} `POOL_TIMEOUT`, `POOL_QUEUE_FULL`, `POOL_CLOSED`, `DRIVER_MISSING`
   */
  query<Row = SqlRow>(sql: string, parameters?: readonly SqlParameter[], options?: SqlQueryOptions): Promise<Row[]>;
  /** Runs a statement and answers what it changed. @throws as `query` does */
  execute(sql: string, parameters?: readonly SqlParameter[], options?: SqlQueryOptions): Promise<SqlOutcome>;
  /**
   * The rows one after the other, without ever holding all of them. Leaving the loop early stops the statement.
   *
   * `timeoutMs` limits the wait for each part of the rows.
   */
  stream<Row = SqlRow>(
    sql: string,
    parameters?: readonly SqlParameter[],
    options?: SqlQueryOptions,
  ): AsyncIterableIterator<Row>;
}

/** An open transaction. Its statements run one at a time, in the order of the calls. */
export interface SqlTransaction extends SqlExecutor {
  /** Runs work under a savepoint: when it throws, only what it did is undone. */
  transaction<T>(work: (transaction: SqlTransaction) => Promise<T>): Promise<T>;
}

/** Whether a database answers. */
export interface SqlHealth {
  readonly status: 'up' | 'down';
  /** How long the answer took, in milliseconds. */
  readonly latencyMs: number;
  /** The code of the error, such as `DB_UNAVAILABLE`; nothing while it is up. */
  readonly code?: string;
}

/** A named database, reached through a bounded number of connections. */
export interface SqlPool extends SqlExecutor {
  readonly name: string;
  readonly kind: 'sqlite' | 'postgres' | 'mysql';
  /**
   * Runs work in a transaction: committed when it resolves, rolled back when it throws.
   *
   * @throws {TransactionOutcomeUnknownError} when the connection was lost while committing.
   */
  transaction<T>(work: (transaction: SqlTransaction) => Promise<T>, options?: SqlTransactionOptions): Promise<T>;
  /** Asks the database a trivial question. Never throws. */
  health(): Promise<SqlHealth>;
  statistics(): PoolStatistics;
  /** Takes nothing new, waits for what runs, and closes. @param graceMs Longest wait, in milliseconds. @default 5_000 */
  close(graceMs?: number): Promise<void>;
}

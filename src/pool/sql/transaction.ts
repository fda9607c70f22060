import { DatabaseError, TransactionOutcomeUnknownError, TransactionUseError } from '../errors.ts';
import type { DriverResult } from './driver.ts';
import type { SqlOutcome, SqlParameter, SqlQueryOptions, SqlRow, SqlTransaction } from './sql-pool.ts';

/** A connection that one transaction has for itself. */
export interface TransactionSession {
  readonly database: string;
  /** Whether the database has given up the transaction, so that it can only be rolled back. */
  readonly isDoomed: boolean;
  run(sql: string, parameters: readonly SqlParameter[], options: SqlQueryOptions): Promise<DriverResult>;
  stream(sql: string, parameters: readonly SqlParameter[], options: SqlQueryOptions): AsyncGenerator<SqlRow>;
  /** Runs one of the pool's own statements. @throws {DatabaseError} `DB_CONNECTION_LOST` also when it takes too long. */
  control(sql: string): Promise<DriverResult>;
}

const NO_PARAMETERS: readonly SqlParameter[] = Object.freeze([]);
const NO_OPTIONS: SqlQueryOptions = Object.freeze({});

/**
 * Runs work between a `begin` statement and `COMMIT`, or `ROLLBACK` when it throws.
 *
 * @param check Called before the commit; what it throws rolls back.
 */
export async function runTransaction<T>(
  session: TransactionSession,
  begin: string,
  work: (transaction: SqlTransaction) => Promise<T>,
  check: () => void = () => {},
): Promise<T> {
  await session.control(begin);
  const transaction = new Transaction(session, 1);
  let value: T;
  try {
    value = await transaction.runToEnd(work);
    check();
    if (session.isDoomed) throw new DatabaseError('DB_TRANSACTION_ABORTED', session.database);
  } catch (error) {
    await rollBack(session);
    throw error;
  }
  await commit(session);
  return value;
}

async function commit(session: TransactionSession): Promise<void> {
  let result: DriverResult;
  try {
    result = await session.control('COMMIT');
  } catch (error) {
    if (error instanceof DatabaseError && error.code === 'DB_CONNECTION_LOST')
      throw new TransactionOutcomeUnknownError(session.database, error.cause ?? error);
    await rollBack(session);
    throw error;
  }
  // PostgreSQL answers a COMMIT after a failed statement with this instead of an error.
  if (result.command === 'ROLLBACK') throw new DatabaseError('DB_TRANSACTION_ABORTED', session.database);
}

/** A connection that cannot even roll back is cut by the session, which rolls back as well. */
async function rollBack(session: TransactionSession): Promise<void> {
  await session.control('ROLLBACK').catch(() => {});
}

class Transaction implements SqlTransaction {
  readonly #session: TransactionSession;
  readonly #depth: number;
  #state: 'open' | 'nested' | 'streaming' | 'ended' = 'open';
  #last: Promise<unknown> = Promise.resolve();
  readonly #streams = new Set<AsyncGenerator<SqlRow>>();

  constructor(session: TransactionSession, depth: number) {
    this.#session = session;
    this.#depth = depth;
  }

  /** Runs work with this object, waits for what it left running, and lets nobody use it afterwards. */
  async runToEnd<T>(work: (transaction: SqlTransaction) => Promise<T>): Promise<T> {
    try {
      return await work(this);
    } finally {
      this.#state = 'ended';
      for (const stream of this.#streams) await stream.return(undefined).catch(() => {});
      await this.#last.catch(() => {});
    }
  }

  async query<Row = SqlRow>(
    sql: string,
    parameters: readonly SqlParameter[] = NO_PARAMETERS,
    options = NO_OPTIONS,
  ): Promise<Row[]> {
    const { rows } = await this.#inTurn(() => this.#session.run(sql, parameters, options));
    return rows as Row[];
  }

  async execute(
    sql: string,
    parameters: readonly SqlParameter[] = NO_PARAMETERS,
    options = NO_OPTIONS,
  ): Promise<SqlOutcome> {
    const { changes, insertId } = await this.#inTurn(() => this.#session.run(sql, parameters, options));
    return { changes, insertId };
  }

  stream<Row = SqlRow>(
    sql: string,
    parameters: readonly SqlParameter[] = NO_PARAMETERS,
    options = NO_OPTIONS,
  ): AsyncIterableIterator<Row> {
    const stream = this.#stream(sql, parameters, options);
    this.#streams.add(stream);
    return stream as AsyncGenerator<Row>;
  }

  async *#stream(sql: string, parameters: readonly SqlParameter[], options: SqlQueryOptions): AsyncGenerator<SqlRow> {
    const leave = await this.#enter('streaming');
    try {
      yield* this.#session.stream(sql, parameters, options);
    } finally {
      leave();
    }
  }

  async transaction<T>(work: (transaction: SqlTransaction) => Promise<T>): Promise<T> {
    const name = `peregrine_${this.#depth}`;
    const leave = await this.#enter('nested');
    try {
      await this.#session.control(`SAVEPOINT ${name}`);
      try {
        const value = await new Transaction(this.#session, this.#depth + 1).runToEnd(work);
        await this.#session.control(`RELEASE SAVEPOINT ${name}`);
        return value;
      } catch (error) {
        if (!this.#session.isDoomed) {
          await this.#session.control(`ROLLBACK TO SAVEPOINT ${name}`);
          await this.#session.control(`RELEASE SAVEPOINT ${name}`);
        }
        throw error;
      }
    } finally {
      leave();
    }
  }

  /** Takes the connection for more than one statement, after what was called before. @returns What gives it back. */
  async #enter(state: 'nested' | 'streaming'): Promise<() => void> {
    this.#check();
    this.#state = state;
    const before = this.#last;
    let finish = (): void => {};
    this.#last = new Promise<void>((resolve) => {
      finish = resolve;
    });
    await before.catch(() => {});
    return () => {
      if (this.#state === state) this.#state = 'open';
      finish();
    };
  }

  #check(): void {
    if (this.#state === 'ended') throw new TransactionUseError('TRANSACTION_ENDED');
    if (this.#state === 'nested') throw new TransactionUseError('TRANSACTION_NESTED');
    if (this.#state === 'streaming') throw new TransactionUseError('TRANSACTION_STREAMING');
    if (this.#session.isDoomed) throw new DatabaseError('DB_TRANSACTION_ABORTED', this.#session.database);
  }

  /** A connection runs one statement at a time, so calls made together run one after the other. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    this.#check();
    const mine = this.#last.then(work, work);
    this.#last = mine;
    mine.catch(() => {}); // the caller has the same promise; this only keeps the line going
    return mine;
  }
}

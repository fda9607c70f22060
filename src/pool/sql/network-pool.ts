import type { Clock } from '../../kernel/clock.ts';
import type { PoolStatistics } from '../../kernel/pool-statistics.ts';
import type { Random } from '../../kernel/random.ts';
import type { PoolEvent, Signal } from '../../signal/signal.ts';
import type { CallGate } from '../call-gate.ts';
import { DatabaseError } from '../errors.ts';
import { ConnectionPool, type PooledConnection } from './connection-pool.ts';
import type { Driver, DriverConnection, DriverResult } from './driver.ts';
import { type GuardParts, runGuarded } from './guard.ts';
import { measureHealth } from './health.ts';
import type { ResolvedDatabase } from './options.ts';
import { outcomeOf } from './outcome.ts';
import { NetworkSession, streamRows } from './session.ts';
import type {
  SqlHealth,
  SqlOutcome,
  SqlParameter,
  SqlPool,
  SqlQueryOptions,
  SqlRow,
  SqlTransaction,
  SqlTransactionOptions,
} from './sql-pool.ts';
import { type Statement, StatementParser } from './statement.ts';
import { runTransaction } from './transaction.ts';

/** What a pool of connections to a server is made of. */
export interface NetworkPoolParts {
  readonly name: string;
  readonly settings: ResolvedDatabase;
  readonly driver: Driver;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: Signal<PoolEvent>;
  /** What stands before every call. */
  readonly gate?: CallGate | undefined;
}

const NO_PARAMETERS: readonly SqlParameter[] = Object.freeze([]);
const NO_OPTIONS: SqlQueryOptions = Object.freeze({});

/** A database behind a server, through a pool of connections. */
export class NetworkPool implements SqlPool {
  readonly name: string;
  readonly kind: 'postgres' | 'mysql';
  readonly #parts: NetworkPoolParts;
  readonly #parser: StatementParser;
  readonly #pool: ConnectionPool<DriverConnection>;

  constructor(parts: NetworkPoolParts) {
    const { name, settings, driver, clock, random, signal } = parts;
    this.name = name;
    this.kind = driver.dialect;
    this.#parts = parts;
    this.#parser = new StatementParser(driver.dialect, name);
    this.#pool = new ConnectionPool<DriverConnection>({
      name,
      limits: settings,
      clock,
      random,
      signal,
      connect: (attempt) => driver.connect(attempt),
      validate: (connection) => connection.control('SELECT 1'),
    });
  }

  async query<Row = SqlRow>(
    sql: string,
    parameters: readonly SqlParameter[] = NO_PARAMETERS,
    options: SqlQueryOptions = NO_OPTIONS,
  ): Promise<Row[]> {
    return (await this.#run(sql, parameters, options)).rows as Row[];
  }

  async execute(
    sql: string,
    parameters: readonly SqlParameter[] = NO_PARAMETERS,
    options: SqlQueryOptions = NO_OPTIONS,
  ): Promise<SqlOutcome> {
    const { changes, insertId } = await this.#run(sql, parameters, options);
    return { changes, insertId };
  }

  async *stream<Row = SqlRow>(
    sql: string,
    parameters: readonly SqlParameter[] = NO_PARAMETERS,
    options: SqlQueryOptions = NO_OPTIONS,
  ): AsyncGenerator<Row> {
    const statement = this.#parser.parse(sql);
    this.#parser.checkCount(statement, parameters);
    const rows = this.#rows(statement, parameters, options) as AsyncGenerator<Row>;
    const { gate } = this.#parts;
    if (gate === undefined) return yield* rows;
    const entry = gate.enter();
    let first: IteratorResult<Row>;
    try {
      first = await rows.next();
    } catch (error) {
      gate.leave(entry, outcomeOf(error, this.name));
      throw error;
    }
    gate.leave(entry, 'success'); // What comes now may take as long as its reader likes.
    if (first.done) return;
    try {
      yield first.value;
      yield* rows;
    } finally {
      await rows.return(undefined);
    }
  }

  async *#rows(
    statement: Statement,
    parameters: readonly SqlParameter[],
    options: SqlQueryOptions,
  ): AsyncGenerator<SqlRow> {
    const pooled = await this.#pool.acquire(options.signal);
    const parts = this.#guardOf(pooled);
    const limits = this.#limits(options, statement.isRead);
    let isClean = false;
    try {
      yield* streamRows(parts, limits, () => pooled.connection.openCursor(statement, parameters, false));
      isClean = true;
    } catch (error) {
      isClean = isStatementError(error);
      throw error;
    } finally {
      // Left early, the cursor was closed on the way here; a connection on which that failed is lost.
      this.#pool.release(pooled, isClean || !pooled.connection.isLost);
    }
  }

  async transaction<T>(
    work: (transaction: SqlTransaction) => Promise<T>,
    options: SqlTransactionOptions = {},
  ): Promise<T> {
    const { gate } = this.#parts;
    if (gate === undefined) return this.#transaction(work, options, () => {});
    const entry = gate.enter();
    let isLost = false;
    try {
      const value = await this.#transaction(work, options, (connection) => {
        isLost = connection.isLost;
      });
      gate.leave(entry, 'success');
      return value;
    } catch (error) {
      // What the work throws itself says nothing bad of the database, unless its connection was lost meanwhile.
      gate.leave(entry, outcomeOf(error, this.name, isLost ? 'failure' : 'success'));
      throw error;
    }
  }

  async #transaction<T>(
    work: (transaction: SqlTransaction) => Promise<T>,
    options: SqlTransactionOptions,
    ended: (connection: DriverConnection) => void,
  ): Promise<T> {
    const pooled = await this.#pool.acquire(options.signal);
    const session = new NetworkSession({
      database: this.name,
      clock: this.#parts.clock,
      connection: pooled.connection,
      timer: pooled.timer,
      parser: this.#parser,
      signal: options.signal,
      timeoutMs: this.#parts.settings.statementTimeoutMs,
    });
    try {
      return await runTransaction(session, 'BEGIN', work, () => {
        if (options.signal?.aborted)
          throw new DatabaseError('DB_CANCELLED', this.name, { cause: options.signal.reason });
      });
    } finally {
      ended(pooled.connection);
      this.#pool.release(pooled, session.isClean);
    }
  }

  /** Asks past the gate: the answer is about the database, not about the calls before. */
  health(): Promise<SqlHealth> {
    return measureHealth(this.#parts.clock, () => this.#run('SELECT 1', NO_PARAMETERS, { timeoutMs: 5_000 }, null));
  }

  statistics(): PoolStatistics {
    return this.#pool.statistics();
  }

  close(graceMs = 5_000): Promise<void> {
    return this.#pool.close(graceMs);
  }

  /** HOT: every query; guarded by `npm run bench -- pools`. */
  async #run(
    sql: string,
    parameters: readonly SqlParameter[],
    options: SqlQueryOptions,
    gate: CallGate | null = this.#parts.gate ?? null,
  ): Promise<DriverResult> {
    const statement = this.#parser.parse(sql);
    this.#parser.checkCount(statement, parameters);
    const entry = gate?.enter() ?? 0;
    try {
      const acquired = this.#pool.acquire(options.signal);
      const pooled = acquired instanceof Promise ? await acquired : acquired;
      const { connection } = pooled;
      try {
        const result = await runGuarded(this.#guardOf(pooled), this.#limits(options, statement.isRead), () =>
          connection.run(statement, parameters),
        );
        gate?.leave(entry, 'success');
        return result;
      } finally {
        this.#pool.release(pooled);
      }
    } catch (error) {
      gate?.leave(entry, outcomeOf(error, this.name));
      throw error;
    }
  }

  #guardOf({ connection, timer }: PooledConnection<DriverConnection>): GuardParts {
    return { database: this.name, clock: this.#parts.clock, connection, timer };
  }

  #limits({ signal, timeoutMs }: SqlQueryOptions, isHarmless: boolean) {
    return { signal, timeoutMs: timeoutMs ?? this.#parts.settings.statementTimeoutMs, isHarmless };
  }
}

function isStatementError(error: unknown): boolean {
  return error instanceof DatabaseError && error.code !== 'DB_CONNECTION_LOST';
}

import type { Clock } from '../../kernel/clock.ts';
import { PoolMeter, type PoolStatistics } from '../../kernel/pool-statistics.ts';
import type { Random } from '../../kernel/random.ts';
import type { PoolEvent, Signal } from '../../signal/signal.ts';
import { SqliteHandle } from '../adapter/sqlite.ts';
import { DatabaseError, PoolClosedError } from '../errors.ts';
import { ConnectionPool } from './connection-pool.ts';
import type { DriverResult } from './driver.ts';
import { measureHealth } from './health.ts';
import type { ResolvedDatabase } from './options.ts';
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
import { SqliteSession, SqliteWriter } from './sqlite-writer.ts';
import { StatementParser } from './statement.ts';
import { runTransaction } from './transaction.ts';

/** What an SQLite pool is made of. */
export interface SqlitePoolParts {
  readonly name: string;
  readonly settings: ResolvedDatabase;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: Signal<PoolEvent>;
}

const NO_PARAMETERS: readonly SqlParameter[] = Object.freeze([]);
const NO_OPTIONS: SqlQueryOptions = Object.freeze({});

/**
 * An SQLite database in this process: one handle that writes, one that reads at once, and one for each stream.
 *
 * Reads see everything committed and wait for nobody, an open transaction included. A database in memory has one handle
 * for everything, so there they wait for it.
 */
export class SqlitePool implements SqlPool {
  readonly name: string;
  readonly kind = 'sqlite';
  readonly #parts: SqlitePoolParts;
  readonly #isInMemory: boolean;
  readonly #parser: StatementParser;
  readonly #meter: PoolMeter;
  readonly #writer: SqliteWriter;
  readonly #streams: ConnectionPool<SqliteHandle>;
  #reader: SqliteHandle | undefined;
  #closing: Promise<void> | undefined;

  constructor(parts: SqlitePoolParts) {
    const { name, settings, clock, random, signal } = parts;
    this.name = name;
    this.#parts = parts;
    this.#isInMemory = settings.url === ':memory:';
    this.#parser = new StatementParser('sqlite', name);
    this.#meter = new PoolMeter(clock);
    this.#writer = new SqliteWriter({
      ...parts,
      meter: this.#meter,
      open: () => this.#open('writer'),
      onSchemaChange: () => this.#reader?.forget(),
    });
    this.#streams = new ConnectionPool<SqliteHandle>({
      name,
      limits: settings,
      clock,
      random,
      signal,
      connect: async () => this.#open('reader'),
      validate: async () => {},
    });
  }

  /** HOT: every lookup; guarded by `npm run bench -- pools`. Not `async`, which would cost more than the rest of it. */
  query<Row = SqlRow>(
    sql: string,
    parameters: readonly SqlParameter[] = NO_PARAMETERS,
    options: SqlQueryOptions = NO_OPTIONS,
  ): Promise<Row[]> {
    try {
      const reader = this.#reader ?? this.#openReader();
      if (options.signal?.aborted) throw this.#cancelled(options.signal);
      if (!(this.#isInMemory && this.#writer.isBusy)) {
        const rows = reader.read(sql, parameters);
        if (rows !== undefined) {
          this.#meter.countImmediate();
          return Promise.resolve(rows as Row[]);
        }
      }
    } catch (error) {
      if (!(error instanceof DatabaseError && error.code === 'DB_BUSY')) return Promise.reject(error);
    }
    return this.#write(sql, parameters, options).then(({ rows }) => rows as Row[]);
  }

  async execute(
    sql: string,
    parameters: readonly SqlParameter[] = NO_PARAMETERS,
    options: SqlQueryOptions = NO_OPTIONS,
  ): Promise<SqlOutcome> {
    const { changes, insertId } = await this.#write(sql, parameters, options);
    return { changes, insertId };
  }

  async *stream<Row = SqlRow>(
    sql: string,
    parameters: readonly SqlParameter[] = NO_PARAMETERS,
    options: SqlQueryOptions = NO_OPTIONS,
  ): AsyncGenerator<Row> {
    if (this.#isInMemory || !this.#parser.parse(sql).isRead) {
      for (const row of await this.query<Row>(sql, parameters, options)) {
        if (options.signal?.aborted) throw this.#cancelled(options.signal);
        yield row;
      }
      return;
    }
    this.#openReader(); // makes sure that the file is there
    const pooled = await this.#streams.acquire(options.signal);
    try {
      for (const row of pooled.connection.iterate(sql, parameters)) {
        if (options.signal?.aborted) throw this.#cancelled(options.signal);
        yield row as Row;
      }
    } finally {
      this.#streams.release(pooled);
    }
  }

  async transaction<T>(
    work: (transaction: SqlTransaction) => Promise<T>,
    options: SqlTransactionOptions = {},
  ): Promise<T> {
    this.#checkOpen();
    return this.#writer.exclusively(options.signal, async (handle) => {
      const session = new SqliteSession(this.name, handle, this.#writer, options.signal);
      try {
        // Taking the right to write at once: a transaction that asks for it later can be refused halfway.
        return await runTransaction(session, 'BEGIN IMMEDIATE', work, () => {
          if (options.signal?.aborted) throw this.#cancelled(options.signal);
        });
      } finally {
        if (handle.isTransaction) handle.control('ROLLBACK');
      }
    });
  }

  health(): Promise<SqlHealth> {
    return measureHealth(this.#parts.clock, async () => (this.#reader ?? this.#openReader()).read('SELECT 1', []));
  }

  statistics(): PoolStatistics {
    const streams = this.#streams.statistics();
    const own = this.#isInMemory ? 1 : 2;
    return this.#meter.figures({
      size: this.#writer.size + (this.#isInMemory || this.#reader === undefined ? 0 : 1) + streams.size,
      max: this.#isInMemory ? own : own + streams.max,
      inUse: (this.#writer.isBusy ? 1 : 0) + streams.inUse,
      waiting: this.#writer.waiting + streams.waiting,
    });
  }

  close(graceMs = 5_000): Promise<void> {
    this.#closing ??= this.#close(graceMs);
    return this.#closing;
  }

  /** The writer goes last: what is in the log gets into the file when the last handle is one that may write it. */
  async #close(graceMs: number): Promise<void> {
    const streams = this.#streams.close(graceMs);
    if (!this.#isInMemory) this.#reader?.destroy();
    this.#reader = undefined;
    await Promise.all([streams, this.#writer.close(graceMs)]);
  }

  async #write(sql: string, parameters: readonly SqlParameter[], options: SqlQueryOptions): Promise<DriverResult> {
    this.#checkOpen();
    if (options.signal?.aborted) throw this.#cancelled(options.signal);
    return this.#writer.run(sql, parameters, options.signal);
  }

  /** The handle that reads. The writer comes first: it makes the file and turns on write-ahead logging. */
  #openReader(): SqliteHandle {
    this.#checkOpen();
    const writer = this.#writer.handle();
    this.#reader ??= this.#isInMemory ? writer : this.#open('reader');
    return this.#reader;
  }

  #open(role: 'writer' | 'reader'): SqliteHandle {
    const { name, settings, clock } = this.#parts;
    try {
      return new SqliteHandle({
        database: name,
        path: settings.url,
        role,
        readOnly: settings.readOnly,
        preparedStatements: settings.preparedStatements,
        parser: this.#parser,
        clock,
      });
    } catch (error) {
      this.#meter.errors++;
      const { signal } = this.#parts;
      if (signal.active) signal.emit({ kind: 'error', pool: name, size: 0, error });
      throw error;
    }
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw new PoolClosedError(this.name);
  }

  #cancelled(signal: AbortSignal): DatabaseError {
    return new DatabaseError('DB_CANCELLED', this.name, { cause: signal.reason });
  }
}

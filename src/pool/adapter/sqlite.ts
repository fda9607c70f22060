import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import type { Clock } from '../../kernel/clock.ts';
import { DatabaseError } from '../errors.ts';
import { BoundedCache } from '../sql/bounded-cache.ts';
import type { DriverResult } from '../sql/driver.ts';
import { encodeParameters, type ParameterEncoding } from '../sql/parameters.ts';
import { type Convert, createRowBuilder, type RowBuilder, toInteger, toIsoTimestamp } from '../sql/rows.ts';
import type { SqlParameter, SqlRow } from '../sql/sql-pool.ts';
import type { StatementParser } from '../sql/statement.ts';
import { toSqliteError } from './sqlite-errors.ts';

/** What one handle on a database file needs to know. */
export interface SqliteHandleOptions {
  readonly database: string;
  /** A file, or `:memory:`. */
  readonly path: string;
  readonly role: 'writer' | 'reader';
  readonly readOnly: boolean;
  /** Statements kept prepared. */
  readonly preparedStatements: number;
  readonly parser: StatementParser;
  readonly clock: Clock;
}

interface Prepared {
  readonly statement: StatementSync;
  readonly parameterCount: number;
  readonly isRead: boolean;
  readonly hasColumns: boolean;
  /** Whether it may change what other statements answer: their columns, or whether they exist. */
  readonly isSchemaChange: boolean;
  build: RowBuilder;
  isWide: boolean;
}

/** SQLite's own waiting stops the whole process, so it is short; the pool waits on without stopping anything. */
const BUSY_MS = 20;
const SCHEMA_CHECK_MS = 1_000;
const DATA_WORDS = new Set(['SELECT', 'VALUES', 'WITH', 'INSERT', 'UPDATE', 'DELETE', 'REPLACE', 'EXPLAIN']);
// A JavaScript number would be bound as a float, and a text column would make "5.0" of 5.
const ENCODING: ParameterEncoding = {
  boolean: (value) => (value ? 1n : 0n),
  bigint: (value) => value,
  integer: BigInt,
  date: (value) => value.toISOString(),
  bytes: (value) => value,
};

/** One handle on an SQLite database, with its statements kept prepared. Everything happens at once, on this thread. */
export class SqliteHandle {
  isLost = false;
  onLost: ((error: unknown) => void) | undefined;
  /** How many statements ran that may have changed the schema. */
  schemaChanges = 0;
  readonly #options: SqliteHandleOptions;
  readonly #db: DatabaseSync;
  readonly #prepared: BoundedCache<string, Prepared>;
  #schemaCheckedAt: number;
  #schemaVersion: unknown;

  /** @throws {DatabaseError} `DB_UNAVAILABLE` when the file cannot be opened. */
  constructor(options: SqliteHandleOptions) {
    this.#options = options;
    this.#prepared = new BoundedCache(Math.max(1, options.preparedStatements));
    this.#schemaCheckedAt = options.clock.now();
    const { DatabaseSync } = process.getBuiltinModule('node:sqlite');
    try {
      const readOnly = options.readOnly || options.role === 'reader';
      this.#db = new DatabaseSync(options.path, { readOnly, timeout: BUSY_MS, enableForeignKeyConstraints: true });
      if (!readOnly && options.path !== ':memory:') this.#enableWal();
    } catch (error) {
      throw toSqliteError(error, options.database);
    }
  }

  get isTransaction(): boolean {
    return this.#db.isOpen && this.#db.isTransaction;
  }

  /**
   * The rows of a statement that only reads; nothing for one that may write, which is then not run.
   *
   * HOT: every lookup; guarded by `npm run bench -- pools`.
   */
  read(sql: string, parameters: readonly SqlParameter[]): SqlRow[] | undefined {
    const prepared = this.#prepared.get(sql) ?? this.#tryPrepare(sql);
    if (prepared === undefined || !prepared.isRead) return undefined;
    if (this.#options.clock.now() - this.#schemaCheckedAt >= SCHEMA_CHECK_MS && this.#hasNewSchema()) {
      this.forget();
      return this.read(sql, parameters);
    }
    return this.#rows(prepared, parameters);
  }

  /** Runs any statement. @throws {DatabaseError} */
  run(sql: string, parameters: readonly SqlParameter[]): DriverResult {
    this.#checkOpen();
    const prepared = this.#prepared.get(sql) ?? this.#prepare(sql);
    if (prepared.isRead)
      return { rows: this.#rows(prepared, parameters), changes: 0, insertId: undefined, command: '' };
    const values = this.#encode(prepared, parameters);
    try {
      if (prepared.hasColumns) {
        const rows = (prepared.statement.all(...values) as unknown as unknown[][]).map(prepared.build);
        return { rows, changes: rows.length, insertId: undefined, command: '' };
      }
      const { changes, lastInsertRowid } = prepared.statement.run(...values);
      const id = toInteger(lastInsertRowid) as number | bigint;
      return { rows: [], changes: Number(changes), insertId: id === 0 ? undefined : id, command: '' };
    } catch (error) {
      throw toSqliteError(error, this.#options.database);
    } finally {
      if (prepared.isSchemaChange) {
        this.schemaChanges++;
        this.forget();
      }
    }
  }

  /** The rows one after the other. The handle sees the database as it was at the first until the last. */
  *iterate(sql: string, parameters: readonly SqlParameter[]): Generator<SqlRow> {
    const prepared = this.#prepare(sql);
    prepared.statement.setReadBigInts(true);
    const values = this.#encode(prepared, parameters);
    const build = this.#builderOf(prepared.statement, true);
    try {
      for (const row of prepared.statement.iterate(...values)) yield build(row as unknown as unknown[]);
    } catch (error) {
      throw toSqliteError(error, this.#options.database);
    } finally {
      this.#prepared.delete(sql); // it was changed, and may still be at work
    }
  }

  /** Runs a statement of the pool's own. @throws {DatabaseError} */
  control(sql: string): void {
    this.#checkOpen();
    try {
      this.#db.exec(sql);
    } catch (error) {
      throw toSqliteError(error, this.#options.database);
    }
  }

  /** Forgets prepared statements, because the schema may have changed. */
  forget(): void {
    this.#prepared.clear();
    // Preparing goes by the schema as this handle last saw it; only a statement that runs makes it look again.
    this.control('SELECT 1 FROM sqlite_schema LIMIT 1');
  }

  async close(): Promise<void> {
    this.destroy();
  }

  destroy(): void {
    this.isLost = true;
    this.#prepared.clear();
    if (this.#db.isOpen) this.#db.close();
  }

  /** A pool that was closed while a transaction took too long has rolled it back. */
  #checkOpen(): void {
    if (this.isLost)
      throw new DatabaseError('DB_TRANSACTION_ABORTED', this.#options.database, { detail: 'its pool was closed' });
  }

  /** Write-ahead logging lasts in the file; where another process is at work right now it has done this itself. */
  #enableWal(): void {
    try {
      this.#db.exec('PRAGMA journal_mode = WAL');
    } catch (error) {
      if (toSqliteError(error, this.#options.database).code !== 'DB_BUSY') throw error;
    }
    this.#db.exec('PRAGMA synchronous = FULL');
  }

  #rows(prepared: Prepared, parameters: readonly SqlParameter[]): SqlRow[] {
    const values = this.#encode(prepared, parameters);
    try {
      const rows = prepared.statement.all(...values) as unknown as unknown[][];
      const { build } = prepared;
      for (let index = 0; index < rows.length; index++) (rows as unknown[])[index] = build(rows[index] as unknown[]);
      return rows as unknown as SqlRow[];
    } catch (error) {
      if ((error as { readonly code?: unknown } | null)?.code !== 'ERR_OUT_OF_RANGE' || prepared.isWide)
        throw toSqliteError(error, this.#options.database);
    }
    // An integer beyond 2^53: from now on this statement reads all of them as bigints.
    this.#widen(prepared);
    return this.#rows(prepared, parameters);
  }

  #encode(prepared: Prepared, parameters: readonly SqlParameter[]): SQLInputValue[] {
    const { database, parser } = this.#options;
    if (parameters.length !== prepared.parameterCount) parser.checkCount(prepared, parameters);
    return encodeParameters(parameters, ENCODING, database) as SQLInputValue[];
  }

  /** A reader cannot always prepare what only the writer can run or see; the writer's error is then the one to show. */
  #tryPrepare(sql: string): Prepared | undefined {
    if (this.#options.role === 'writer') return this.#prepare(sql);
    if (!this.#options.parser.parse(sql).isRead) return undefined;
    try {
      return this.#prepare(sql);
    } catch {
      return undefined;
    }
  }

  #prepare(sql: string): Prepared {
    const { parser, database } = this.#options;
    const { text, parameterCount, isRead, firstWord } = parser.parse(sql);
    try {
      const statement = this.#db.prepare(text);
      const prepared: Prepared = {
        statement,
        parameterCount,
        isRead,
        hasColumns: statement.columns().length > 0,
        isSchemaChange: !DATA_WORDS.has(firstWord),
        build: this.#builderOf(statement, false),
        isWide: false,
      };
      // A writing statement cannot be run again when an integer turns out to be too large.
      if (!isRead) this.#widen(prepared);
      this.#prepared.set(sql, prepared);
      return prepared;
    } catch (error) {
      throw toSqliteError(error, database);
    }
  }

  #widen(prepared: Prepared): void {
    prepared.statement.setReadBigInts(true);
    prepared.build = this.#builderOf(prepared.statement, true);
    prepared.isWide = true;
  }

  #builderOf(statement: StatementSync, isWide: boolean): RowBuilder {
    const columns = statement.columns();
    const names = columns.map(({ name }) => name);
    const converts = columns.map(({ type }) => convertOf(type, isWide));
    const build = createRowBuilder(names, converts);
    if (typeof statement.setReturnArrays === 'function') {
      statement.setReturnArrays(true);
      return build;
    }
    // Before Node.js 24 rows come as objects only.
    return (row) => build(names.map((name) => (row as unknown as SqlRow)[name]));
  }

  #hasNewSchema(): boolean {
    this.#schemaCheckedAt = this.#options.clock.now();
    const before = this.#schemaVersion;
    this.#schemaVersion = this.#db.prepare('PRAGMA schema_version').get()?.schema_version;
    return before !== undefined && before !== this.#schemaVersion;
  }
}

/** How a column's values become those that are alike on all databases, by the type in the table's declaration. */
function convertOf(declared: string | null, isWide: boolean): Convert | undefined {
  const type = declared?.toUpperCase() ?? '';
  if (type.startsWith('BOOL')) return (value) => (isNumeric(value) ? Boolean(value) : value);
  if (type.startsWith('DECIMAL') || type.startsWith('NUMERIC'))
    return (value) => (isNumeric(value) ? String(value) : value);
  if (type.startsWith('DATETIME') || type.startsWith('TIMESTAMP')) return (value) => narrow(toIsoTimestamp(value));
  if (type.startsWith('JSON')) return (value) => narrow(toJsonIfValid(value));
  return isWide ? narrow : undefined;
}

function narrow(value: unknown): unknown {
  return typeof value === 'bigint' ? toInteger(value) : value;
}

function isNumeric(value: unknown): boolean {
  return typeof value === 'number' || typeof value === 'bigint';
}

/** SQLite does not check what is in a column that is declared as JSON. */
function toJsonIfValid(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

/** Whether another connection's lock was in the way. */
export function isBusy(error: unknown): boolean {
  return error instanceof DatabaseError && error.code === 'DB_BUSY';
}

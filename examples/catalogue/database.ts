import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { type Progress, SCHEMA_VERSION, seed, TABLES } from './seed.ts';

/** Marks the file as this example's own ("Pere"), so that nobody else's database is ever emptied. */
const APPLICATION_ID = 0x50657265;

/** Something the person who starts the example can put right; its message is the whole story. */
export class CatalogueError extends Error {
  override readonly name = 'CatalogueError';
}

/** A database with its statements kept compiled. */
export class Statements {
  readonly #db: DatabaseSync;
  readonly #compiled = new Map<string, StatementSync>();

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  // The schema is this example's own, so the shape of a row is known where its statement is written.
  all<Row>(sql: string, ...values: number[]): Row[] {
    return this.#compile(sql).all(...values) as Row[];
  }

  get<Row>(sql: string, ...values: number[]): Row | undefined {
    return this.#compile(sql).get(...values) as Row | undefined;
  }

  /** @returns The id of the row it inserted, if it did. */
  run(sql: string, ...values: (number | string)[]): number {
    return Number(this.#compile(sql).run(...values).lastInsertRowid);
  }

  /** All of `work` or, when it throws, nothing. */
  transaction<T>(work: () => T): T {
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.#db.exec('COMMIT');
      return result;
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      throw error;
    }
  }

  close(): void {
    if (this.#db.isOpen) this.#db.close();
  }

  #compile(sql: string): StatementSync {
    const compiled = this.#compiled.get(sql);
    if (compiled !== undefined) return compiled;
    const statement = this.#db.prepare(sql);
    this.#compiled.set(sql, statement);
    return statement;
  }
}

/**
 * Opens the catalogue's database; an empty, outdated or half-seeded one is filled first.
 *
 * Everything happens in one exclusive transaction: an interrupted start leaves nothing behind, and of several
 * processes that start at once one seeds while the others wait.
 *
 * @param path A file's, whose folder is made where missing, or `:memory:`.
 * @returns The database, and whether this call seeded it.
 * @throws {CatalogueError} when the file cannot be opened or is not a catalogue.
 */
export async function openDatabase(
  path: string,
  progress: Progress,
  signal?: AbortSignal,
): Promise<{ db: DatabaseSync; seeded: boolean }> {
  const db = openFile(path);
  try {
    if (isCurrent(db)) return { db, seeded: false };
    db.exec('BEGIN EXCLUSIVE');
    const seeded = !isCurrent(db); // another process may have seeded while this one waited for its turn
    if (seeded) await fill(db, progress, signal);
    db.exec('COMMIT');
    // What was logged while seeding is written home now rather than by the first requests.
    if (seeded) db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    return { db, seeded };
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    db.close();
    throw toCatalogueError(error, path);
  }
}

async function fill(db: DatabaseSync, progress: Progress, signal: AbortSignal | undefined): Promise<void> {
  for (const table of TABLES) db.exec(`DROP TABLE IF EXISTS ${table}`);
  db.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
  await seed(db, progress, signal);
  db.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`); // last: says that all the rows are there
}

function openFile(path: string): DatabaseSync {
  try {
    if (path !== ':memory:') mkdirSync(dirname(path), { recursive: true });
    const db = new DatabaseSync(path, { timeout: 30_000 });
    try {
      if (isForeign(db)) throw new CatalogueError('the database belongs to another program; choose another file');
      db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL');
    } catch (error) {
      db.close();
      throw error;
    }
    return db;
  } catch (error) {
    throw toCatalogueError(error, path);
  }
}

function isCurrent(db: DatabaseSync): boolean {
  return readPragma(db, 'application_id') === APPLICATION_ID && readPragma(db, 'user_version') === SCHEMA_VERSION;
}

function isForeign(db: DatabaseSync): boolean {
  return (
    readPragma(db, 'application_id') !== APPLICATION_ID && db.prepare('SELECT 1 FROM sqlite_schema').get() !== undefined
  );
}

function readPragma(db: DatabaseSync, name: 'application_id' | 'user_version'): unknown {
  return db.prepare(`PRAGMA ${name}`).get()?.[name];
}

/** SQLite's and the file system's own errors (a full disk, a folder without permission) are the user's to solve. */
function toCatalogueError(error: unknown, path: string): unknown {
  if (error instanceof CatalogueError) return new CatalogueError(`${path}: ${error.message}`);
  if (!(error instanceof Error) || !('code' in error) || error.name === 'AbortError') return error;
  return new CatalogueError(`cannot use ${path} as the catalogue's database: ${error.message}`, { cause: error });
}

import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { CancelTimer, Clock } from '../../kernel/clock.ts';
import { toMessage } from '../../kernel/errors.ts';
import { keepAlive } from '../../kernel/keep-alive.ts';
import type { Random } from '../../kernel/random.ts';
import { StateStoreError } from '../errors.ts';
import { fromExact, toExact } from '../exact-text.ts';
import type { Awaitable, LogLimits, LogPage, PutOptions, PutOutcome, StateStore, StoredText } from '../state-store.ts';

/** How state is kept in a file. */
export interface SqliteStateOptions {
  readonly path: string;
  /** Longest wait for another process that writes, in milliseconds. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly random: Random;
}

const SCHEMA = `
CREATE TABLE IF NOT EXISTS texts (key TEXT PRIMARY KEY, text TEXT NOT NULL, version INTEGER NOT NULL, ends REAL NOT NULL);
CREATE INDEX IF NOT EXISTS texts_by_end ON texts (ends);
CREATE TABLE IF NOT EXISTS members (key TEXT, name TEXT, ends REAL NOT NULL, PRIMARY KEY (key, name)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS members_by_name ON members (name, ends);
CREATE TABLE IF NOT EXISTS logs (name TEXT PRIMARY KEY, last INTEGER NOT NULL, length INTEGER NOT NULL, ends REAL NOT NULL);
CREATE INDEX IF NOT EXISTS logs_by_end ON logs (ends);
CREATE TABLE IF NOT EXISTS entries (log TEXT, number INTEGER, text TEXT NOT NULL, length INTEGER NOT NULL, PRIMARY KEY (log, number));`;

const STATEMENTS = {
  get: 'SELECT text, version FROM texts WHERE key = ? AND ends > ?',
  put: 'INSERT INTO texts VALUES (?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET text = excluded.text, version = excluded.version, ends = excluded.ends',
  touch: 'UPDATE texts SET ends = ? WHERE key = ? AND ends > ?',
  delete: 'DELETE FROM texts WHERE key = ? AND ends > ?',
  count: 'SELECT count(*) AS count FROM members WHERE name = ? AND ends > ?',
  join: 'INSERT INTO members VALUES (?, ?, ?) ON CONFLICT (key, name) DO UPDATE SET ends = excluded.ends',
  stay: 'UPDATE members SET ends = ? WHERE key = ?',
  leave: 'DELETE FROM members WHERE key = ?',
  log: 'SELECT last, length FROM logs WHERE name = ? AND ends > ?',
  keepLog:
    'INSERT INTO logs VALUES (?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET last = excluded.last, length = excluded.length, ends = excluded.ends',
  append: 'INSERT INTO entries VALUES (?, ?, ?, ?)',
  oldest: 'SELECT number, length FROM entries WHERE log = ? ORDER BY number LIMIT 1',
  shorten: 'DELETE FROM entries WHERE log = ? AND number = ?',
  read: 'SELECT number, text FROM entries WHERE log = ? AND number > ? ORDER BY number',
  drop: 'DELETE FROM logs WHERE name = ?',
  empty: 'DELETE FROM entries WHERE log = ?',
  sweepTexts: 'DELETE FROM texts WHERE ends <= ?',
  sweepMembers: 'DELETE FROM members WHERE ends <= ?',
  sweepEntries: 'DELETE FROM entries WHERE log IN (SELECT name FROM logs WHERE ends <= ?)',
  sweepLogs: 'DELETE FROM logs WHERE ends <= ?',
} as const;

/** SQLite's own waiting stops the whole process, so it is short; what waits on waits without stopping anything. */
const BUSY_MS = 5;
const RETRY_MS = 5;
const SWEEP_EVERY_MS = 10_000;
const VERSIONS = 2 ** 52;
const SQLITE_BUSY = 5;

type Prepared = { readonly [K in keyof typeof STATEMENTS]: StatementSync };

interface LogRow {
  readonly last: number;
  readonly length: number;
}

/** Keeps state in a file, which the processes of one machine share and which outlives them. */
export class SqliteStateStore implements StateStore {
  readonly kind = 'sqlite';
  readonly #options: SqliteStateOptions;
  #db: DatabaseSync | undefined;
  #run: Prepared | undefined;
  #cancelSweep: CancelTimer | undefined;

  constructor(options: SqliteStateOptions) {
    this.#options = options;
  }

  /** @throws {StateStoreError} when the file cannot be used. */
  async open(): Promise<void> {
    const { path, clock } = this.#options;
    const { DatabaseSync } = process.getBuiltinModule('node:sqlite');
    try {
      this.#db = new DatabaseSync(path, { timeout: BUSY_MS });
    } catch (error) {
      throw toStateError(error);
    }
    const db = this.#db;
    await this.#attempt(() => {
      db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL');
      db.exec(SCHEMA);
    });
    const prepared = Object.entries(STATEMENTS).map(([name, sql]) => [name, db.prepare(sql)]);
    this.#run = Object.fromEntries(prepared) as Prepared;
    this.#cancelSweep = clock.every(SWEEP_EVERY_MS, () => void this.#sweep());
  }

  close(): void {
    this.#cancelSweep?.();
    this.#run = undefined;
    if (this.#db?.isOpen) this.#db.close();
  }

  get(key: string): Awaitable<StoredText | undefined> {
    return this.#attempt(() => {
      const found = this.#statements.get.get(toExact(key), this.#now()) as unknown as StoredText | undefined;
      return found && { text: fromExact(found.text), version: found.version };
    });
  }

  put(key: string, text: string, { ttlMs, expect, within = [] }: PutOptions): Awaitable<PutOutcome> {
    const name = toExact(key);
    return this.#change(({ get, put, count, leave, join, stay }, now) => {
      const there = get.get(name, now) as unknown as StoredText | undefined;
      if (expect !== undefined && expect !== (there?.version ?? 0)) return 'conflict';
      const counted = (set: string): number => (count.get(toExact(set), now) as { count: number }).count;
      if (there === undefined && !within.every(({ set, max }) => counted(set) < max)) return 'full';
      const version = 1 + Math.floor(this.#options.random() * VERSIONS);
      const ends = now + ttlMs;
      put.run(name, toExact(text), version, ends);
      if (there !== undefined) stay.run(ends, name);
      else {
        leave.run(name);
        for (const { set } of within) join.run(name, toExact(set), ends);
      }
      return version;
    });
  }

  touch(key: string, ttlMs: number): Awaitable<boolean> {
    const name = toExact(key);
    return this.#change(({ touch, stay }, now) => {
      if (touch.run(now + ttlMs, name, now).changes === 0) return false;
      stay.run(now + ttlMs, name);
      return true;
    });
  }

  delete(key: string): Awaitable<boolean> {
    const name = toExact(key);
    return this.#change((run, now) => {
      run.leave.run(name);
      return run.delete.run(name, now).changes !== 0;
    });
  }

  count(set: string): Awaitable<number> {
    return this.#attempt(() => (this.#statements.count.get(toExact(set), this.#now()) as { count: number }).count);
  }

  append(log: string, text: string, { ttlMs, maxEntries, maxLength }: LogLimits): Awaitable<number> {
    const name = toExact(log);
    return this.#change((run, now) => {
      const there = run.log.get(name, now) as unknown as LogRow | undefined;
      if (there === undefined) run.empty.run(name);
      const number = (there?.last ?? 0) + 1;
      let length = (there?.length ?? 0) + text.length;
      run.append.run(name, number, toExact(text), text.length);
      for (;;) {
        const oldest = run.oldest.get(name) as { number: number; length: number } | undefined;
        if (oldest === undefined || (number - oldest.number < maxEntries && length <= maxLength)) break;
        run.shorten.run(name, oldest.number);
        length -= oldest.length;
      }
      run.keepLog.run(name, number, length, now + ttlMs);
      return number;
    });
  }

  read(log: string, after: number): Awaitable<LogPage> {
    const name = toExact(log);
    return this.#change((run, now) => {
      const there = run.log.get(name, now) as unknown as LogRow | undefined;
      if (there === undefined) return { entries: [], isWhole: after === 0 };
      const oldest = run.oldest.get(name) as { number: number } | undefined;
      const rows = run.read.all(name, after) as unknown as { number: number; text: string }[];
      const entries = rows.map(({ number, text }) => ({ number, text: fromExact(text) }));
      return { entries, isWhole: after >= (oldest?.number ?? there.last + 1) - 1 && after <= there.last };
    }, 'BEGIN');
  }

  drop(log: string): Awaitable<void> {
    const name = toExact(log);
    return this.#change(({ drop, empty }) => {
      drop.run(name);
      empty.run(name);
    });
  }

  get #statements(): Prepared {
    if (this.#run === undefined) throw new StateStoreError('the file is not open');
    return this.#run;
  }

  /** Time that other processes share, and that goes on while none runs. */
  #now(): number {
    return this.#options.clock.wallNow();
  }

  async #sweep(): Promise<void> {
    const sweep = ({ sweepTexts, sweepMembers, sweepEntries, sweepLogs }: Prepared, now: number): void => {
      for (const statement of [sweepTexts, sweepMembers, sweepEntries, sweepLogs]) statement.run(now);
    };
    try {
      await this.#change(sweep);
    } catch {
      // Whatever is in the way: there is a next time, and what is over is not read.
    }
  }

  /** Does all of it, or nothing. */
  #change<T>(work: (run: Prepared, now: number) => T, begin = 'BEGIN IMMEDIATE'): Awaitable<T> {
    return this.#attempt(() => {
      const db = this.#db as DatabaseSync;
      const run = this.#statements;
      db.exec(begin);
      try {
        const result = work(run, this.#now());
        db.exec('COMMIT');
        return result;
      } catch (error) {
        if (db.isTransaction) db.exec('ROLLBACK');
        throw error;
      }
    });
  }

  /** At once where nobody is in the way; otherwise as soon as may be. @throws {StateStoreError} */
  #attempt<T>(work: () => T): Awaitable<T> {
    try {
      return work();
    } catch (error) {
      if (!isBusy(error)) throw toStateError(error);
      return this.#insist(work);
    }
  }

  async #insist<T>(work: () => T): Promise<T> {
    const { clock, timeoutMs } = this.#options;
    const endsAt = clock.now() + timeoutMs;
    const release = keepAlive(); // A server that starts has no socket yet.
    try {
      for (;;) {
        await new Promise<void>((resolve) => void clock.after(RETRY_MS, resolve));
        try {
          return work();
        } catch (error) {
          if (!isBusy(error) || clock.now() >= endsAt) throw toStateError(error);
        }
      }
    } finally {
      release();
    }
  }
}

function isBusy(error: unknown): boolean {
  return ((error as { readonly errcode?: number }).errcode ?? 0) % 256 === SQLITE_BUSY;
}

function toStateError(error: unknown): StateStoreError {
  return error instanceof StateStoreError ? error : new StateStoreError(`SQLite failed: ${toMessage(error)}`, error);
}

import type { Clock } from '../../kernel/clock.ts';
import { keepAlive } from '../../kernel/keep-alive.ts';
import type { PoolMeter } from '../../kernel/pool-statistics.ts';
import type { Random } from '../../kernel/random.ts';
import type { PoolEvent, Signal } from '../../signal/signal.ts';
import { isBusy, type SqliteHandle } from '../adapter/sqlite.ts';
import { DatabaseError, PoolClosedError } from '../errors.ts';
import type { DriverResult } from './driver.ts';
import type { ResolvedDatabase } from './options.ts';
import type { SqlParameter, SqlQueryOptions, SqlRow } from './sql-pool.ts';
import type { TransactionSession } from './transaction.ts';
import { WaitingLine } from './waiting-line.ts';

/** What the writer is made of. */
export interface SqliteWriterParts {
  readonly name: string;
  readonly settings: ResolvedDatabase;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: Signal<PoolEvent>;
  readonly meter: PoolMeter;
  open(): SqliteHandle;
  /** Told when other handles have to prepare their statements anew. */
  onSchemaChange(): void;
}

const NOTHING: DriverResult = Object.freeze({ rows: [], changes: 0, insertId: undefined, command: '' });
const MAX_PAUSE_MS = 50;

/** The one handle that writes, for one caller at a time, in the order of the calls. */
export class SqliteWriter {
  readonly #parts: SqliteWriterParts;
  readonly #line: WaitingLine<void>;
  #handle: SqliteHandle | undefined;
  #isClosed = false;
  #onFree: (() => void) | undefined;
  /** Whether somebody holds it. */
  isBusy = false;

  constructor(parts: SqliteWriterParts) {
    this.#parts = parts;
    this.#line = new WaitingLine<void>({
      pool: parts.name,
      limits: parts.settings,
      clock: parts.clock,
      onServed: (waitedMs) => parts.meter.countWaited(waitedMs),
      onTimeout: (error) => {
        parts.meter.timeouts++;
        this.#tell('timeout', error);
      },
    });
  }

  get waiting(): number {
    return this.#line.length;
  }

  get size(): number {
    return this.#handle === undefined ? 0 : 1;
  }

  handle(): SqliteHandle {
    if (this.#handle === undefined) {
      this.#handle = this.#parts.open();
      this.#tell('opened');
    }
    return this.#handle;
  }

  /** Runs one statement in its turn. */
  async run(sql: string, parameters: readonly SqlParameter[], signal: AbortSignal | undefined): Promise<DriverResult> {
    return this.exclusively(signal, (handle) => this.retryWhileBusy(() => handle.run(sql, parameters), signal));
  }

  /** Runs work with the handle while nobody else has it. */
  async exclusively<T>(signal: AbortSignal | undefined, work: (handle: SqliteHandle) => Promise<T>): Promise<T> {
    const { meter, name } = this.#parts;
    if (this.#isClosed) throw new PoolClosedError(name);
    if (this.isBusy) {
      await this.#line.join(signal);
    } else {
      this.isBusy = true;
      meter.countImmediate();
    }
    try {
      const handle = this.handle();
      const { schemaChanges } = handle;
      const result = await work(handle);
      if (handle.schemaChanges !== schemaChanges) this.#parts.onSchemaChange();
      return result;
    } finally {
      if (!this.#line.serve()) {
        this.isBusy = false;
        this.#onFree?.();
      }
    }
  }

  /** Tries again while another process has the database locked, as long as the settings allow. */
  async retryWhileBusy<T>(attempt: () => T, signal: AbortSignal | undefined): Promise<T> {
    const { clock, random, settings, name } = this.#parts;
    const endsAt = clock.now() + settings.busyTimeoutMs;
    for (let pauseMs = 2; ; pauseMs = Math.min(MAX_PAUSE_MS, pauseMs * 2)) {
      try {
        return attempt();
      } catch (error) {
        if (!isBusy(error) || clock.now() >= endsAt) throw error;
      }
      const letGo = keepAlive(); // the clock does not, and a statement that waits is work to be done
      await new Promise<void>((resolve) => clock.after(pauseMs * (0.5 + random() / 2), resolve));
      letGo();
      if (signal?.aborted) throw new DatabaseError('DB_CANCELLED', name, { cause: signal.reason });
    }
  }

  async close(graceMs: number): Promise<void> {
    this.#isClosed = true;
    if (this.isBusy) {
      await new Promise<void>((resolve) => {
        const cancel = this.#parts.clock.after(graceMs, resolve);
        this.#onFree = () => {
          cancel();
          resolve();
        };
      });
    }
    this.#line.rejectAll(() => new PoolClosedError(this.#parts.name));
    this.#line.close();
    if (this.#handle === undefined) return;
    this.#handle.destroy();
    this.#handle = undefined;
    this.#tell('closed');
  }

  #tell(kind: PoolEvent['kind'], error?: unknown): void {
    const { signal, name } = this.#parts;
    if (signal.active) signal.emit({ kind, pool: name, size: this.size, ...(error === undefined ? {} : { error }) });
  }
}

/** The writer while one transaction has it. */
export class SqliteSession implements TransactionSession {
  readonly database: string;
  isDoomed = false;
  readonly #handle: SqliteHandle;
  readonly #writer: SqliteWriter;
  readonly #signal: AbortSignal | undefined;

  constructor(database: string, handle: SqliteHandle, writer: SqliteWriter, signal: AbortSignal | undefined) {
    this.database = database;
    this.#handle = handle;
    this.#writer = writer;
    this.#signal = signal;
  }

  async run(sql: string, parameters: readonly SqlParameter[], { signal }: SqlQueryOptions): Promise<DriverResult> {
    for (const each of [this.#signal, signal])
      if (each?.aborted) throw new DatabaseError('DB_CANCELLED', this.database, { cause: each.reason });
    try {
      return this.#handle.run(sql, parameters);
    } catch (error) {
      this.isDoomed = !this.#handle.isTransaction; // a full disk, for one, makes SQLite roll back by itself
      throw error;
    }
  }

  async *stream(sql: string, parameters: readonly SqlParameter[], options: SqlQueryOptions): AsyncGenerator<SqlRow> {
    const { signal } = options;
    for (const row of this.#handle.iterate(sql, parameters)) {
      for (const each of [this.#signal, signal])
        if (each?.aborted) throw new DatabaseError('DB_CANCELLED', this.database, { cause: each.reason });
      yield row;
    }
  }

  async control(sql: string): Promise<DriverResult> {
    const isEnding = sql === 'ROLLBACK' && !this.#handle.isTransaction;
    if (isEnding) return NOTHING;
    const signal = sql.startsWith('BEGIN') ? this.#signal : undefined; // what has begun is brought to an end
    await this.#writer.retryWhileBusy(() => this.#handle.control(sql), signal);
    return NOTHING;
  }
}

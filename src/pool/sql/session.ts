import type { Clock } from '../../kernel/clock.ts';
import { DatabaseError } from '../errors.ts';
import type { DriverConnection, DriverCursor, DriverResult } from './driver.ts';
import { type GuardLimits, type GuardParts, runGuarded } from './guard.ts';
import type { LazyTimer } from './lazy-timer.ts';
import type { SqlParameter, SqlQueryOptions, SqlRow } from './sql-pool.ts';
import type { StatementParser } from './statement.ts';
import type { TransactionSession } from './transaction.ts';

/** What a transaction's connection comes with. */
export interface NetworkSessionParts {
  readonly database: string;
  readonly clock: Clock;
  readonly connection: DriverConnection;
  readonly timer: LazyTimer;
  readonly parser: StatementParser;
  /** Aborts the whole transaction. */
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: number;
}

const CONTROL_TIMEOUT_MS = 30_000;

/** A connection to a server while one transaction has it. */
export class NetworkSession implements TransactionSession {
  readonly database: string;
  /** Whether the connection may serve others afterwards: only when the server has confirmed the transaction's end. */
  isClean = false;
  #hasFailed = false;
  readonly #parts: NetworkSessionParts;

  constructor(parts: NetworkSessionParts) {
    this.database = parts.database;
    this.#parts = parts;
  }

  get isDoomed(): boolean {
    return this.#hasFailed || this.#parts.connection.isLost;
  }

  async run(sql: string, parameters: readonly SqlParameter[], options: SqlQueryOptions): Promise<DriverResult> {
    const { parser, connection } = this.#parts;
    const statement = parser.parse(sql);
    parser.checkCount(statement, parameters);
    return this.#watch(() =>
      runGuarded(this.#parts, this.#limits(options), () => connection.run(statement, parameters)),
    );
  }

  async *stream(sql: string, parameters: readonly SqlParameter[], options: SqlQueryOptions): AsyncGenerator<SqlRow> {
    const { parser, connection } = this.#parts;
    const statement = parser.parse(sql);
    parser.checkCount(statement, parameters);
    yield* streamRows(this.#parts, this.#limits(options), () => connection.openCursor(statement, parameters, true));
  }

  /** Not stoppable: what a half-done `COMMIT` did is known only from its answer, and no answer means a cut connection. */
  async control(sql: string): Promise<DriverResult> {
    const { clock, connection, timeoutMs } = this.#parts;
    const cancel = clock.after(timeoutMs === 0 ? CONTROL_TIMEOUT_MS : timeoutMs, () => connection.destroy());
    try {
      const result = await this.#watch(() => connection.control(sql));
      this.isClean = sql === 'COMMIT' || sql === 'ROLLBACK';
      return result;
    } finally {
      cancel();
    }
  }

  async #watch<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof DatabaseError && error.code === 'DB_DEADLOCK') this.#hasFailed = true;
      throw error;
    }
  }

  #limits(options: SqlQueryOptions): GuardLimits {
    const { signal, timeoutMs } = this.#parts;
    const both =
      signal !== undefined && options.signal !== undefined ? AbortSignal.any([signal, options.signal]) : undefined;
    return {
      signal: both ?? options.signal ?? signal,
      timeoutMs: options.timeoutMs ?? timeoutMs,
      isHarmless: true, // without a COMMIT nothing of a transaction lasts
    };
  }
}

/** The rows of a cursor, each part of them under the limits. However the loop is left, the cursor is closed. */
export async function* streamRows(
  parts: GuardParts,
  limits: GuardLimits,
  open: () => Promise<DriverCursor>,
): AsyncGenerator<SqlRow> {
  const cursor = await runGuarded(parts, limits, open);
  try {
    for (;;) {
      const rows = await runGuarded(parts, limits, () => cursor.read());
      if (rows === undefined) return;
      yield* rows;
    }
  } finally {
    if (!parts.connection.isLost) await runGuarded(parts, { ...limits, signal: undefined }, () => cursor.close());
  }
}

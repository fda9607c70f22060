import type { DatabaseError } from '../errors.ts';
import type { SqlOutcome, SqlParameter, SqlRow } from './sql-pool.ts';
import type { Statement } from './statement.ts';
import type { Dialect } from './tokens.ts';

/** What a statement answered. */
export interface DriverResult extends SqlOutcome {
  readonly rows: SqlRow[];
  /** What the server says it did, such as `COMMIT`; empty where it does not say. */
  readonly command: string;
}

/** Rows that come in parts. */
export interface DriverCursor {
  /** The next rows; nothing after the last. */
  read(): Promise<SqlRow[] | undefined>;
  /** Gives up what is left. The connection can be used again afterwards. */
  close(): Promise<void>;
}

/** One connection to a server. It runs one thing at a time; whoever holds it sees to that. */
export interface DriverConnection {
  /** Whether it can never be used again. */
  readonly isLost: boolean;
  /** Called once when the connection is lost, whoever noticed. */
  onLost: ((error: unknown) => void) | undefined;
  /** @throws {DatabaseError} */
  run(statement: Statement, parameters: readonly SqlParameter[]): Promise<DriverResult>;
  /** Runs a statement of the pool's own, without parameters, such as `COMMIT`. @throws {DatabaseError} */
  control(sql: string): Promise<DriverResult>;
  /** @throws {DatabaseError} */
  openCursor(statement: Statement, parameters: readonly SqlParameter[], inTransaction: boolean): Promise<DriverCursor>;
  /** Asks the server, by another way than this connection, to stop what runs on it. */
  cancel(): Promise<void>;
  /** Says goodbye. */
  close(): Promise<void>;
  /** Cuts the connection. What runs fails with `DB_CONNECTION_LOST`. */
  destroy(): void;
}

/** A kind of database server. */
export interface Driver {
  readonly dialect: Exclude<Dialect, 'sqlite'>;
  /**
   * Opens a connection whose session is in UTC.
   *
   * @param signal Ends the attempt; whatever was opened is cut.
   * @throws {DatabaseError} @throws {DriverMissingError}
   */
  connect(signal: AbortSignal): Promise<DriverConnection>;
}

/** Whether an error says that the connection is gone. */
export function isConnectionError(error: DatabaseError): boolean {
  return error.code === 'DB_CONNECTION_LOST' || error.code === 'DB_UNAVAILABLE';
}

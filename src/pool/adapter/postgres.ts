import { createHash } from 'node:crypto';
import { Socket } from 'node:net';
import type * as Pg from 'pg';
import { DatabaseError } from '../errors.ts';
import { BoundedCache } from '../sql/bounded-cache.ts';
import type { Driver, DriverConnection, DriverCursor, DriverResult } from '../sql/driver.ts';
import { encodeParameters, type ParameterEncoding } from '../sql/parameters.ts';
import type { SqlParameter, SqlRow } from '../sql/sql-pool.ts';
import type { Statement } from '../sql/statement.ts';
import { loadDriver } from './load-driver.ts';
import { toPostgresError } from './postgres-errors.ts';
import { createTypes } from './postgres-types.ts';

/** What the driver needs to know of a database. */
export interface PostgresDriverOptions {
  readonly database: string;
  readonly url: string;
  readonly connectTimeoutMs: number;
  /** Statements kept prepared on each connection; 0 for none. */
  readonly preparedStatements: number;
}

/** The parts of `pg`'s client that its types leave out. */
type PgClient = Pg.Client & { readonly processID: number | null };

type Load = () => Promise<typeof Pg>;

const CURSOR_ROWS = 256;
const CURSOR_WORDS = new Set(['SELECT', 'VALUES', 'WITH', 'TABLE']);
const ENCODING: ParameterEncoding = {
  boolean: (value) => value,
  bigint: String,
  integer: undefined,
  date: (value) => value.toISOString(),
  bytes: (value) => Buffer.from(value.buffer, value.byteOffset, value.byteLength),
};

/** Connects to PostgreSQL with `pg`. */
export function createPostgresDriver(options: PostgresDriverOptions, load: Load = () => import('pg')): Driver {
  const open = async (signal: AbortSignal): Promise<PostgresConnection> => {
    const pg = await loadDriver('postgres', 'pg', load);
    const socket = new Socket();
    const client = new pg.Client({
      connectionString: options.url,
      stream: () => socket,
      types: createTypes(pg.types),
      keepAlive: true,
      application_name: 'peregrine',
      connectionTimeoutMillis: options.connectTimeoutMs,
    }) as PgClient;
    const connection = new PostgresConnection(options, client, socket, cancel);
    const onAbort = (): void => connection.destroy();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await client.connect();
      await client.query("SET TIME ZONE 'UTC'");
      return connection;
    } catch (error) {
      connection.destroy();
      throw toPostgresError(error, options.database, true);
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  };
  const cancel = async (processId: number): Promise<void> => {
    const connection = await open(AbortSignal.timeout(options.connectTimeoutMs));
    try {
      await connection.control(`SELECT pg_cancel_backend(${processId})`);
    } finally {
      await connection.close();
    }
  };
  return { dialect: 'postgres', connect: open };
}

class PostgresConnection implements DriverConnection {
  isLost = false;
  onLost: ((error: unknown) => void) | undefined;
  readonly #options: PostgresDriverOptions;
  readonly #client: PgClient;
  readonly #socket: Socket;
  readonly #cancel: (processId: number) => Promise<void>;
  readonly #prepared: BoundedCache<string, string>;
  #toDeallocate: string[] = [];
  #cursors = 0;

  constructor(options: PostgresDriverOptions, client: PgClient, socket: Socket, cancel: (id: number) => Promise<void>) {
    this.#options = options;
    this.#client = client;
    this.#socket = socket;
    this.#cancel = cancel;
    this.#prepared = new BoundedCache(options.preparedStatements, (name) => this.#toDeallocate.push(name));
    client.on('error', (error) => this.#lose(error));
    client.on('end', () => this.#lose(undefined));
  }

  /** HOT: every query; guarded by `npm run bench -- pools`. */
  run(statement: Statement, parameters: readonly SqlParameter[]): Promise<DriverResult> {
    const values = encodeParameters(parameters, ENCODING, this.#options.database);
    const name = this.#nameOf(statement);
    if (this.#toDeallocate.length === 0) return this.#send(statement.text, values, name);
    return this.#deallocate().then(() => this.#send(statement.text, values, name));
  }

  control(sql: string): Promise<DriverResult> {
    return this.#send(sql, undefined, undefined);
  }

  async openCursor(
    statement: Statement,
    parameters: readonly SqlParameter[],
    inTransaction: boolean,
  ): Promise<DriverCursor> {
    if (!CURSOR_WORDS.has(statement.firstWord) || !statement.isRead)
      return wholeCursor(await this.run(statement, parameters));
    const values = encodeParameters(parameters, ENCODING, this.#options.database);
    const name = `peregrine_cursor_${++this.#cursors}`;
    if (!inTransaction) await this.control('BEGIN');
    try {
      await this.#send(`DECLARE ${name} NO SCROLL CURSOR FOR ${statement.text}`, values, undefined);
    } catch (error) {
      if (!inTransaction) await this.control('ROLLBACK');
      throw error;
    }
    return {
      read: async () => {
        const { rows } = await this.#send(`FETCH ${CURSOR_ROWS} FROM ${name}`, undefined, undefined);
        return rows.length === 0 ? undefined : rows;
      },
      close: async () => {
        try {
          await this.control(inTransaction ? `CLOSE ${name}` : 'COMMIT');
        } catch (error) {
          if (!(error instanceof DatabaseError && error.code === 'DB_TRANSACTION_ABORTED')) throw error;
        }
      },
    };
  }

  async cancel(): Promise<void> {
    const { processID } = this.#client;
    if (processID === null) throw new Error('the server did not tell its process');
    await this.#cancel(processID);
  }

  async close(): Promise<void> {
    this.onLost = undefined;
    this.isLost = true;
    await this.#client.end();
  }

  destroy(): void {
    this.isLost = true;
    this.#socket.destroy();
  }

  #lose(error: unknown): void {
    const wasLost = this.isLost;
    this.isLost = true;
    if (!wasLost)
      this.onLost?.(error === undefined ? undefined : toPostgresError(error, this.#options.database, false));
  }

  /** A statement that is asked for again gets a name, so that the server keeps it prepared. */
  #nameOf(statement: Statement): string | undefined {
    if (statement.uses < 2 || this.#options.preparedStatements === 0) return undefined;
    const known = this.#prepared.get(statement.text);
    if (known !== undefined) return known;
    const name = `p_${createHash('sha256').update(statement.text).digest('hex').slice(0, 24)}`;
    this.#prepared.set(statement.text, name);
    return name;
  }

  async #deallocate(): Promise<void> {
    const names = this.#toDeallocate;
    this.#toDeallocate = [];
    for (const name of names) {
      await this.#send(`DEALLOCATE ${name}`, undefined, undefined).catch(() => {});
      this.#forgetParsed(name);
    }
  }

  /** @returns Whether the text can simply be sent again: outside a transaction, which the server has given up. */
  #forget(text: string, name: string): boolean {
    this.#prepared.delete(text);
    this.#toDeallocate.push(name);
    return this.#client.getTransactionStatus() === 'I';
  }

  /** `pg` remembers names by itself and would not send the text again. */
  #forgetParsed(name: string): void {
    const { connection } = this.#client as unknown as {
      readonly connection?: { readonly parsedStatements?: Record<string, string> };
    };
    delete connection?.parsedStatements?.[name];
  }

  #send(text: string, values: readonly unknown[] | undefined, name: string | undefined): Promise<DriverResult> {
    return new Promise((resolve, reject) => {
      void this.#client.query(toConfig(text, values, name), (error: Error | null, result: Pg.QueryResult<SqlRow>) => {
        if (!error) resolve(toResult(result));
        else if (name !== undefined && isOutdated(error) && this.#forget(text, name))
          resolve(this.#send(text, values, undefined));
        else reject(toPostgresError(error, this.#options.database, false));
      });
    });
  }
}

/** Without a list of values the statement is one of ours, and the simple protocol saves messages. */
function toConfig(text: string, values: readonly unknown[] | undefined, name: string | undefined): Pg.QueryConfig {
  if (values === undefined) return { text };
  const config = name === undefined ? { text, values, queryMode: 'extended' } : { text, values, name };
  return config as Pg.QueryConfig;
}

/** `pg` makes rows as all databases have them: from a template that has every name as a property of its own. */
function toResult({ command, rowCount, rows }: Pg.QueryResult<SqlRow>): DriverResult {
  return { rows, changes: command === 'SELECT' ? 0 : (rowCount ?? 0), insertId: undefined, command: command ?? '' };
}

/** `cached plan must not change result type`, or a prepared statement that somebody else dropped. */
function isOutdated(error: Error & { readonly code?: string; readonly routine?: string }): boolean {
  return error.code === '26000' || (error.code === '0A000' && error.routine === 'RevalidateCachedQuery');
}

/** A result that is there already, in one part. */
function wholeCursor({ rows }: DriverResult): DriverCursor {
  let rest: SqlRow[] | undefined = rows;
  return {
    read: async () => {
      const part = rest;
      rest = undefined;
      return part;
    },
    close: async () => {},
  };
}

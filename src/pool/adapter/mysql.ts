import type { Readable } from 'node:stream';
import type * as Mysql from 'mysql2';
import { BoundedCache } from '../sql/bounded-cache.ts';
import type { Driver, DriverConnection, DriverCursor, DriverResult } from '../sql/driver.ts';
import { encodeParameters, type ParameterEncoding } from '../sql/parameters.ts';
import { createRowBuilder, type RowBuilder, toInteger } from '../sql/rows.ts';
import type { SqlParameter, SqlRow } from '../sql/sql-pool.ts';
import type { Statement } from '../sql/statement.ts';
import { loadDriver } from './load-driver.ts';
import { toMysqlError } from './mysql-errors.ts';
import { convertOf } from './mysql-types.ts';

/** What the driver needs to know of a database. */
export interface MysqlDriverOptions {
  readonly database: string;
  readonly url: string;
  readonly connectTimeoutMs: number;
  /** Statements kept prepared on each connection; `mysql2` needs at least one. */
  readonly preparedStatements: number;
}

type Values = readonly unknown[];
type Load = () => Promise<typeof Mysql>;
type Command = Mysql.Query & { on(event: string, listener: (...args: never[]) => void): Command };

const CURSOR_ROWS = 256;
const UNSUPPORTED_PREPARED = 1295;
const MAX_SIGNED = 0x7fff_ffff_ffff_ffffn;

/** Connects to MySQL and MariaDB with `mysql2`. */
export function createMysqlDriver(options: MysqlDriverOptions, load: Load = () => import('mysql2')): Driver {
  const open = async (signal: AbortSignal): Promise<MysqlConnection> => {
    const { default: mysql } = (await loadDriver('mysql', 'mysql2', load)) as unknown as MysqlModule;
    const raw = mysql.createConnection({
      uri: options.url.replace(/^mariadb:/, 'mysql:'),
      connectTimeout: options.connectTimeoutMs,
      charset: 'utf8mb4',
      timezone: 'Z',
      dateStrings: true,
      jsonStrings: true,
      supportBigNumbers: true,
      enableKeepAlive: true,
      maxPreparedStatements: Math.max(1, options.preparedStatements),
    } as Mysql.ConnectionOptions);
    const connection = new MysqlConnection(options, raw, cancel, encodingOf(mysql));
    const onAbort = (): void => connection.destroy();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await new Promise<void>((resolve, reject) => raw.connect((error) => (error ? reject(error) : resolve())));
      await connection.control("SET time_zone = '+00:00'");
      return connection;
    } catch (error) {
      connection.destroy();
      throw toMysqlError(error, options.database, true);
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  };
  const cancel = async (threadId: number): Promise<void> => {
    const connection = await open(AbortSignal.timeout(options.connectTimeoutMs));
    try {
      await connection.control(`KILL QUERY ${threadId}`);
    } finally {
      await connection.close();
    }
  };
  return { dialect: 'mysql', connect: open };
}

/** `mysql2` as an ES module, whose named exports leave out what it defines late. */
interface MysqlModule {
  readonly default: typeof Mysql & TypedParameters;
}

/** The part of `mysql2` that versions before 3.24 lack. */
interface TypedParameters {
  readonly TypedParameter?: { readonly BIGINT: ToTyped & { readonly unsigned: ToTyped } };
}
type ToTyped = (value: number | bigint) => unknown;

/** Integers as such: as doubles or text, `LIMIT ?` is refused and comparisons above 2^53 are not exact. */
function encodingOf({ TypedParameter }: TypedParameters): ParameterEncoding {
  const integer =
    TypedParameter === undefined
      ? undefined
      : (value: number | bigint) =>
          value > MAX_SIGNED ? TypedParameter.BIGINT.unsigned(value) : TypedParameter.BIGINT(value);
  return {
    boolean: (value) => (integer ?? Number)(value ? 1 : 0),
    bigint: integer ?? String,
    integer,
    date: (value) => value,
    bytes: (value) => Buffer.from(value.buffer, value.byteOffset, value.byteLength),
  };
}

interface KnownShape {
  readonly fields: readonly Mysql.FieldPacket[];
  readonly build: RowBuilder;
}

class MysqlConnection implements DriverConnection {
  isLost = false;
  onLost: ((error: unknown) => void) | undefined;
  readonly #options: MysqlDriverOptions;
  readonly #raw: Mysql.Connection;
  readonly #cancel: (threadId: number) => Promise<void>;
  readonly #encoding: ParameterEncoding;
  readonly #shapes = new BoundedCache<string, KnownShape>(1_000);
  #cursor: MysqlCursor | undefined;

  constructor(
    options: MysqlDriverOptions,
    raw: Mysql.Connection,
    cancel: (threadId: number) => Promise<void>,
    encoding: ParameterEncoding,
  ) {
    this.#options = options;
    this.#raw = raw;
    this.#cancel = cancel;
    this.#encoding = encoding;
    raw.on('error', (error) => this.#lose(error));
    raw.on('end', () => this.#lose(undefined));
  }

  /** HOT: every query; guarded by `npm run bench -- pools`. */
  async run(statement: Statement, parameters: readonly SqlParameter[]): Promise<DriverResult> {
    const values = encodeParameters(parameters, this.#encoding, this.#options.database);
    try {
      return await this.#send('execute', statement.text, values);
    } catch (error) {
      const { cause } = error as { readonly cause?: { readonly errno?: number } };
      // Some statements, such as `LOCK TABLES`, exist only in the text protocol.
      if (cause?.errno !== UNSUPPORTED_PREPARED || values.length > 0) throw error;
      return this.#send('query', statement.text, values);
    }
  }

  control(sql: string): Promise<DriverResult> {
    return this.#send('query', sql, []);
  }

  async openCursor(statement: Statement, parameters: readonly SqlParameter[]): Promise<DriverCursor> {
    const values = encodeParameters(parameters, this.#encoding, this.#options.database);
    const { text: sql } = statement;
    const command = this.#raw.execute({ sql, values: [...values], rowsAsArray: true } as Mysql.QueryOptions) as Command;
    this.#cursor = new MysqlCursor(command, {
      build: (fields) => this.#builderOf(sql, fields),
      toError: (error) => this.#toError(error),
      cancel: () => this.cancel(),
    });
    return this.#cursor;
  }

  async cancel(): Promise<void> {
    await this.#cancel(this.#raw.threadId);
  }

  async close(): Promise<void> {
    this.onLost = undefined;
    this.isLost = true;
    await new Promise<void>((resolve) => this.#raw.end(() => resolve()));
  }

  destroy(): void {
    this.isLost = true;
    // `destroy` of mysql2 ends the stream politely, which waits for a server that may not answer.
    (this.#raw as unknown as { readonly stream: { destroy(): void } }).stream.destroy();
  }

  #lose(error: unknown): void {
    const wasLost = this.isLost;
    this.isLost = true;
    this.#cursor?.end(error ?? new Error('the connection ended')); // mysql2 does not tell a command without callback
    if (!wasLost) this.onLost?.(error === undefined ? undefined : this.#toError(error));
  }

  #toError(error: unknown) {
    if ((error as { readonly fatal?: boolean } | null)?.fatal) this.isLost = true;
    return toMysqlError(error, this.#options.database, false);
  }

  #send(method: 'execute' | 'query', sql: string, values: Values): Promise<DriverResult> {
    return new Promise((resolve, reject) => {
      this.#raw[method](
        { sql, values, rowsAsArray: true } as Mysql.QueryOptions,
        (error: unknown, result: unknown, fields: Mysql.FieldPacket[] | undefined) => {
          if (error) reject(this.#toError(error));
          else resolve(this.#toResult(sql, result, fields));
        },
      );
    });
  }

  #toResult(sql: string, result: unknown, fields: Mysql.FieldPacket[] | undefined): DriverResult {
    if (Array.isArray(result) && fields !== undefined) {
      return { rows: result.map(this.#builderOf(sql, fields)), changes: 0, insertId: undefined, command: '' };
    }
    const { affectedRows, insertId } = result as { readonly affectedRows: number; readonly insertId: number | string };
    const id = toInteger(insertId) as number | bigint;
    return { rows: [], changes: affectedRows, insertId: id === 0 ? undefined : id, command: '' };
  }

  #builderOf(sql: string, fields: readonly Mysql.FieldPacket[]): RowBuilder {
    const known = this.#shapes.get(sql);
    if (known !== undefined && isSameShape(known.fields, fields)) return known.build;
    const build = createRowBuilder(
      fields.map(({ name }) => name),
      fields.map(convertOf),
    );
    this.#shapes.set(sql, { fields, build });
    return build;
  }
}

function isSameShape(known: readonly Mysql.FieldPacket[], fields: readonly Mysql.FieldPacket[]): boolean {
  if (known.length !== fields.length) return false;
  for (let index = 0; index < known.length; index++) {
    const [a, b] = [known[index], fields[index]];
    if (a?.name !== b?.name || a?.columnType !== b?.columnType || a?.columnLength !== b?.columnLength) return false;
  }
  return true;
}

interface CursorParts {
  build(fields: readonly Mysql.FieldPacket[]): RowBuilder;
  toError(error: unknown): unknown;
  cancel(): Promise<void>;
}

/** Rows as they arrive; the socket waits while nobody reads. */
class MysqlCursor implements DriverCursor {
  readonly #parts: CursorParts;
  readonly #stream: Readable;
  #isEnded = false;
  #error: unknown;
  #build: RowBuilder | undefined;
  #wake = (): void => {};

  constructor(command: Command, parts: CursorParts) {
    this.#parts = parts;
    command.on('end', () => this.end());
    command.on('error', (error: unknown) => this.end(error));
    command.on('fields', (fields: readonly Mysql.FieldPacket[]) => {
      this.#build = parts.build(fields);
    });
    this.#stream = command.stream({ highWaterMark: CURSOR_ROWS });
    this.#stream.on('error', () => {}); // heard from the command
    for (const event of ['readable', 'end']) this.#stream.on(event, () => this.#wake());
  }

  /** The server has sent everything, or the connection is gone. */
  end(error?: unknown): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#error = error;
    this.#wake();
  }

  async read(): Promise<SqlRow[] | undefined> {
    for (;;) {
      const rows: SqlRow[] = [];
      while (rows.length < CURSOR_ROWS) {
        const values = this.#stream.read() as Values | null;
        if (values === null) break;
        if (this.#build !== undefined) rows.push(this.#build(values));
      }
      if (rows.length > 0) return rows;
      if (this.#error !== undefined) throw this.#parts.toError(this.#error);
      if (this.#isEnded && this.#stream.readableLength === 0) return undefined;
      await this.#woken();
    }
  }

  async close(): Promise<void> {
    if (this.#isEnded) return;
    const cancelled = this.#parts.cancel();
    this.#stream.destroy(); // lets the rest flow by
    while (!this.#isEnded) await this.#woken();
    await cancelled;
  }

  #woken(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

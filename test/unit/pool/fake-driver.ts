import type { CallGate } from '../../../src/pool/call-gate.ts';
import { DatabaseError } from '../../../src/pool/errors.ts';
import type { Driver, DriverConnection, DriverCursor, DriverResult } from '../../../src/pool/sql/driver.ts';
import { NetworkPool } from '../../../src/pool/sql/network-pool.ts';
import { resolveDatabase } from '../../../src/pool/sql/options.ts';
import type { SqlRow } from '../../../src/pool/sql/sql-pool.ts';
import type { Statement } from '../../../src/pool/sql/statement.ts';
import { type PoolEvent, Signal } from '../../../src/signal/signal.ts';
import { FakeClock } from '../../../src/testing/testing.ts';

export const MACHINE = Object.freeze({ cores: 4, memoryBytes: 1e9 });
export const result = (changed: Partial<DriverResult> = {}): DriverResult => ({
  rows: [],
  changes: 0,
  insertId: undefined,
  command: '',
  ...changed,
});

type Answer = (sql: string) => Promise<DriverResult>;

/** A server that answers as a test tells it, and remembers what it was asked. */
export class FakeServer implements Driver {
  readonly dialect = 'postgres';
  readonly log: string[] = [];
  readonly connections: FakeServerConnection[] = [];
  answer: Answer = async () => result();
  /** What cancelling does. */
  cancel: (connection: FakeServerConnection) => Promise<void> = async (connection) => connection.stop();

  async connect(): Promise<DriverConnection> {
    const connection = new FakeServerConnection(this);
    this.connections.push(connection);
    return connection;
  }
}

export class FakeServerConnection implements DriverConnection {
  isLost = false;
  onLost: ((error: unknown) => void) | undefined;
  readonly #server: FakeServer;
  #fail: ((error: unknown) => void) | undefined;

  constructor(server: FakeServer) {
    this.#server = server;
  }

  run(statement: Statement): Promise<DriverResult> {
    return this.control(statement.text);
  }

  control(sql: string): Promise<DriverResult> {
    this.#server.log.push(sql);
    if (this.isLost) return Promise.reject(new DatabaseError('DB_CONNECTION_LOST', 'shop'));
    return new Promise((resolve, reject) => {
      this.#fail = reject;
      this.#server.answer(sql).then(resolve, reject);
    });
  }

  async openCursor(statement: Statement): Promise<DriverCursor> {
    const { rows } = await this.control(statement.text);
    const parts: (SqlRow[] | undefined)[] = [rows, undefined];
    return {
      read: async () => parts.shift(),
      close: async () => {
        this.#server.log.push('close cursor');
      },
    };
  }

  /** What the server does when it is told to stop. */
  stop(): void {
    this.#server.log.push('stopped');
    this.#fail?.(new DatabaseError('DB_TIMEOUT', 'shop'));
  }

  cancel(): Promise<void> {
    return this.#server.cancel(this);
  }

  async close(): Promise<void> {
    this.#server.log.push('closed');
  }

  destroy(): void {
    this.isLost = true;
    this.#server.log.push('destroyed');
    this.#fail?.(new DatabaseError('DB_CONNECTION_LOST', 'shop'));
  }
}

/** A pool on a fake server, in virtual time. */
export function createPoolOnFake(options: object = {}, gateOf?: (clock: FakeClock) => CallGate) {
  const server = new FakeServer();
  const clock = new FakeClock();
  const settings = resolveDatabase('database', { url: 'postgres://localhost/shop', ...options }, MACHINE);
  const signal = new Signal<PoolEvent>();
  const pool = new NetworkPool({
    name: 'shop',
    settings,
    driver: server,
    clock,
    random: () => 0,
    signal,
    gate: gateOf?.(clock),
  });
  return { pool, server, clock };
}

/** A promise that never settles by itself. */
export const never = <T>(): Promise<T> => new Promise<T>(() => {});

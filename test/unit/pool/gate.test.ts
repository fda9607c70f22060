import { describe, expect, it } from 'vitest';
import { Circuit } from '../../../src/breaker/breaker.ts';
import {
  ConnectionPoolManager,
  DatabaseError,
  type DatabaseErrorCode,
  DriverMissingError,
  PoolClosedError,
  PoolQueueFullError,
  PoolTimeoutError,
  TransactionOutcomeUnknownError,
} from '../../../src/pool/pool.ts';
import { outcomeOf } from '../../../src/pool/sql/outcome.ts';
import { settle } from './fake-connection.ts';
import { createPoolOnFake, never, result } from './fake-driver.ts';

/** A pool on a fake server behind a circuit that three failures in a row open for a second. */
function guarded(options: object = {}) {
  let circuit: Circuit | undefined;
  const parts = createPoolOnFake(options, (clock) => {
    circuit = new Circuit({ name: 'shop', threshold: 3, timeout: 0, resetTimeout: 1_000, clock });
    return circuit;
  });
  const failWith = (code: DatabaseErrorCode) => {
    parts.server.answer = () => Promise.reject(new DatabaseError(code, 'shop'));
  };
  return { ...parts, circuit: circuit as unknown as Circuit, failWith };
}

const codeOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'fine',
    (error) => error.code ?? error,
  );

describe('a database behind a gate', () => {
  it('is not asked while the circuit is open, then once, and works again', async () => {
    const { pool, server, clock, failWith } = guarded();
    failWith('DB_TIMEOUT');
    for (let count = 0; count < 3; count++) expect(await codeOf(pool.query('SELECT 1'))).toBe('DB_TIMEOUT');
    const asked = server.log.length;
    expect(await codeOf(pool.query('SELECT 1'))).toBe('CIRCUIT_OPEN');
    expect(await codeOf(pool.execute('SELECT 1'))).toBe('CIRCUIT_OPEN');
    expect(await codeOf(pool.transaction(async () => {}))).toBe('CIRCUIT_OPEN');
    expect(await codeOf(pool.stream('SELECT 1').next())).toBe('CIRCUIT_OPEN');
    expect(server.log).toHaveLength(asked);
    clock.advance(1_000);
    server.answer = async () => result({ rows: [{ a: 1 }] });
    const probe = pool.query('SELECT 1');
    expect(await codeOf(pool.query('SELECT 1'))).toBe('CIRCUIT_OPEN');
    expect(await probe).toEqual([{ a: 1 }]);
    expect(await pool.query('SELECT 1')).toEqual([{ a: 1 }]);
  });

  it.each([
    ['DB_UNAVAILABLE', 'open'],
    ['DB_CONNECTION_LOST', 'open'],
    ['DB_TIMEOUT', 'open'],
    ['DB_SYNTAX', 'closed'],
    ['DB_CONSTRAINT', 'closed'],
    ['DB_DEADLOCK', 'closed'],
    ['DB_AUTHENTICATION', 'closed'],
  ] as const)('fails or answers with %s, and its circuit is %s', async (code, state) => {
    const { pool, circuit, failWith } = guarded();
    failWith(code);
    for (let count = 0; count < 3; count++) expect(await codeOf(pool.query('SELECT 1'))).toBe(code);
    expect(circuit.state).toBe(state);
  });

  it('counts a transaction as one call, by its end', async () => {
    const { pool, server, circuit } = guarded();
    await pool.transaction(async (transaction) => {
      for (let count = 0; count < 5; count++) await transaction.query('SELECT 1');
    });
    expect(circuit.statistics()).toMatchObject({ calls: 1, successes: 1 });
    expect(await codeOf(pool.transaction(() => Promise.reject({ code: 'out of stock' })))).toBe('out of stock');
    expect(circuit.statistics()).toMatchObject({ calls: 2, successes: 2 });
    server.answer = (sql) =>
      sql === 'COMMIT' ? Promise.reject(new DatabaseError('DB_CONNECTION_LOST', 'shop')) : Promise.resolve(result());
    expect(await codeOf(pool.transaction(async () => {}))).toBe('COMMIT_UNKNOWN');
    expect(circuit.statistics()).toMatchObject({ calls: 3, failures: 1 });
  });

  it('sees a connection that was lost behind an error of the transaction’s own', async () => {
    const { pool, server, circuit } = guarded();
    const work = pool.transaction(async () => {
      server.connections[0]?.destroy();
      throw Object.assign(new Error('no'), { code: 'my own' });
    });
    expect(await codeOf(work)).toBe('my own');
    expect(circuit.statistics()).toMatchObject({ failures: 1, successes: 0 });
  });

  it('judges a stream by its first part, and reads on', async () => {
    const { pool, server, circuit } = guarded();
    server.answer = async () => result({ rows: [{ a: 1 }, { a: 2 }] });
    const rows: unknown[] = [];
    for await (const row of pool.stream('SELECT a')) rows.push(row, circuit.statistics().successes);
    expect(rows).toEqual([{ a: 1 }, 1, { a: 2 }, 1]);
    for await (const _ of pool.stream('SELECT a')) break;
    expect(server.log.filter((line) => line === 'close cursor')).toHaveLength(2);
    expect(pool.statistics().inUse).toBe(0);
    server.answer = async () => result();
    for await (const _ of pool.stream('SELECT a')) throw new Error('no row is expected');
    expect(circuit.statistics()).toMatchObject({ calls: 3, successes: 3 });
  });

  it('learns nothing from a call that its caller ended or that never came to the server', async () => {
    const { pool, server, circuit } = guarded({ maxConnections: 1, maxWaiting: 1 });
    server.answer = () => never();
    const ending = new AbortController();
    const ended = codeOf(pool.query('SELECT 1', [], { signal: ending.signal }));
    await settle();
    const second = pool.query('SELECT 1');
    expect(await codeOf(pool.query('SELECT 1'))).toBe('POOL_QUEUE_FULL');
    server.answer = async () => result();
    ending.abort();
    expect(await ended).toBe('DB_CANCELLED');
    expect(await codeOf(pool.query('SELECT ?', []))).toBe('DB_PARAMETERS');
    await second;
    expect(circuit.statistics()).toMatchObject({ calls: 3, failures: 0, successes: 1, cancelled: 2 });
  });

  it('answers for its health whatever the circuit says', async () => {
    const { pool, circuit } = guarded();
    circuit.open();
    expect(await pool.health()).toMatchObject({ status: 'up' });
    expect(circuit.statistics()).toMatchObject({ state: 'open', calls: 0 });
  });
});

describe('what an error says of a database', () => {
  it.each([
    [new TransactionOutcomeUnknownError('shop', undefined), 'failure'],
    [new PoolTimeoutError('shop', 1, 1), 'unknown'],
    [new PoolQueueFullError('shop', 1), 'unknown'],
    [new PoolClosedError('shop'), 'unknown'],
    [new DriverMissingError('postgres', 'pg', undefined), 'unknown'],
    [new DatabaseError('DB_UNAVAILABLE', 'other'), 'success'],
    [new TransactionOutcomeUnknownError('other', undefined), 'success'],
    [new PoolTimeoutError('other', 1, 1), 'success'],
    [new TypeError('the author’s own'), 'success'],
  ])('%s', (error, outcome) => expect(outcomeOf(error, 'shop', 'success')).toBe(outcome));
});

it('SQLite has no gate', async () => {
  const asked: string[] = [];
  const config = { databases: { near: 'sqlite::memory:', far: 'postgres://127.0.0.1:1/x' } };
  const manager = new ConnectionPoolManager(config, { gateOf: (name) => void asked.push(name) });
  expect(asked).toEqual(['far']);
  await manager.close();
});

import { describe, expect, it } from 'vitest';
import { DatabaseError } from '../../../src/pool/errors.ts';
import { settle } from './fake-connection.ts';
import { createPoolOnFake, never, result } from './fake-driver.ts';

describe('a statement', () => {
  it('that takes too long is stopped on the server, and its connection is used again', async () => {
    const { pool, server, clock } = createPoolOnFake({ statementTimeoutMs: 1_000 });
    server.answer = (sql) => (sql === 'SELECT slow' ? never() : Promise.resolve(result()));
    const failed = expect(pool.query('SELECT slow')).rejects.toMatchObject({ code: 'DB_TIMEOUT', retryable: false });
    await settle();
    clock.advance(1_000);
    await failed;
    await pool.query('SELECT next');
    // The statement in between meets a request to stop that comes late.
    expect(server.log).toEqual(['SELECT slow', 'stopped', 'SELECT 1', 'SELECT next']);
    expect(server.connections).toHaveLength(1);
    await pool.close();
    expect(clock.timers).toBe(0);
  });

  it('that finished before it could be stopped has succeeded', async () => {
    const { pool, server, clock } = createPoolOnFake();
    let finish = (): void => {};
    server.answer = (sql) =>
      sql === 'UPDATE a'
        ? new Promise((resolve) => {
            finish = () => resolve(result({ changes: 3 }));
          })
        : Promise.resolve(result());
    server.cancel = async () => finish();
    const running = pool.execute('UPDATE a', [], { timeoutMs: 50 });
    await settle();
    clock.advance(50);
    expect(await running).toEqual({ changes: 3, insertId: undefined });
  });

  it.each(['does not answer', 'cannot be reached to be told'])('is cut off from a server that %s', async (what) => {
    const { pool, server, clock } = createPoolOnFake();
    server.answer = (sql) => (sql === 'UPDATE a' ? never() : Promise.resolve(result()));
    server.cancel = () => (what === 'does not answer' ? never() : Promise.reject(new Error('refused')));
    const failed = expect(pool.query('UPDATE a', [], { timeoutMs: 50 })).rejects.toThrow(
      'the statement took too long and was stopped (its outcome is unknown)',
    );
    await settle();
    clock.advance(50);
    await settle();
    clock.advance(2_000);
    await failed;
    expect(pool.statistics()).toMatchObject({ size: 0, inUse: 0 });
  });

  it('whose caller goes is stopped, and the signal is left alone afterwards', async () => {
    const { pool, server } = createPoolOnFake();
    const controller = new AbortController();
    server.answer = (sql) => (sql === 'SELECT slow' ? never() : Promise.resolve(result()));
    const failed = expect(pool.query('SELECT slow', [], { signal: controller.signal })).rejects.toMatchObject({
      code: 'DB_CANCELLED',
    });
    await settle();
    controller.abort(new Error('gone'));
    await failed;
    const before = server.log.length;
    await pool.query('SELECT a', [], { signal: new AbortController().signal });
    expect(server.log.slice(before)).toEqual(['SELECT a']);
  });

  it('replaces a connection on which nothing works after the stop', async () => {
    const { pool, server, clock } = createPoolOnFake();
    server.answer = (sql) => (sql === 'SELECT slow' ? never() : Promise.reject(new DatabaseError('DB_FAILED', 'shop')));
    const failed = expect(pool.query('SELECT slow', [], { timeoutMs: 50 })).rejects.toMatchObject({
      code: 'DB_TIMEOUT',
    });
    await settle();
    clock.advance(50);
    await failed;
    expect(server.log.filter((line) => line === 'SELECT 1')).toHaveLength(2);
    expect(pool.statistics().size).toBe(0);
  });

  it.each([
    ['SELECT a', true],
    ['UPDATE a', false],
  ])('%s on a connection that is lost is retryable: %s', async (sql, retryable) => {
    const { pool, server } = createPoolOnFake();
    server.answer = async () => {
      server.connections[0]!.isLost = true;
      throw new DatabaseError('DB_CONNECTION_LOST', 'shop');
    };
    await expect(pool.query(sql)).rejects.toMatchObject({ code: 'DB_CONNECTION_LOST', retryable });
    expect(pool.statistics().size).toBe(0);
  });

  it('has its whole time, whenever the one before it began', async () => {
    const { pool, server, clock } = createPoolOnFake({ statementTimeoutMs: 1_000 });
    await pool.query('SELECT a');
    clock.advance(600);
    server.answer = (sql) => (sql === 'SELECT slow' ? never() : Promise.resolve(result()));
    const failed = expect(pool.query('SELECT slow')).rejects.toMatchObject({ code: 'DB_TIMEOUT' });
    await settle();
    clock.advance(999);
    expect(server.log).toEqual(['SELECT a', 'SELECT slow']);
    clock.advance(1);
    await failed;
  });

  it('may run without a limit', async () => {
    const { pool, server, clock } = createPoolOnFake({ statementTimeoutMs: 0 });
    let finish = (): void => {};
    server.answer = () =>
      new Promise((resolve) => {
        finish = () => resolve(result({ rows: [{ a: 1 }] }));
      });
    const running = pool.query('SELECT a');
    await settle();
    clock.advance(10_000_000);
    finish();
    expect(await running).toEqual([{ a: 1 }]);
  });

  it('is refused before anything is sent when its parameters do not fit', async () => {
    const { pool, server } = createPoolOnFake();
    await expect(pool.query('SELECT ?', [])).rejects.toMatchObject({ code: 'DB_PARAMETERS' });
    await expect(pool.stream('SELECT ?', []).next()).rejects.toMatchObject({ code: 'DB_PARAMETERS' });
    expect(server.connections).toHaveLength(0);
  });
});

describe('a stream', () => {
  it('closes its cursor and gives the connection back, however it is left', async () => {
    const { pool, server } = createPoolOnFake();
    server.answer = async () => result({ rows: [{ a: 1 }, { a: 2 }] });
    for await (const _ of pool.stream('SELECT a')) break;
    const all = [];
    for await (const row of pool.stream('SELECT a')) all.push(row);
    expect(all).toEqual([{ a: 1 }, { a: 2 }]);
    const fail = async () => {
      for await (const _ of pool.stream('SELECT a')) throw new Error('mine');
    };
    await expect(fail()).rejects.toThrow('mine');
    expect(server.log.filter((line) => line === 'close cursor')).toHaveLength(3);
    expect(pool.statistics()).toMatchObject({ size: 1, inUse: 0 });
  });
});

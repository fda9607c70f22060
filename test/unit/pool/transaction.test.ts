import { describe, expect, it } from 'vitest';
import { DatabaseError, type SqlTransaction } from '../../../src/pool/pool.ts';
import { settle } from './fake-connection.ts';
import { createPoolOnFake, never, result } from './fake-driver.ts';

const failing = (wanted: string, code: ConstructorParameters<typeof DatabaseError>[0]) => async (sql: string) => {
  if (sql === wanted) throw new DatabaseError(code, 'shop');
  return result();
};

describe('a transaction', () => {
  it('is committed when the work is done', async () => {
    const { pool, server } = createPoolOnFake();
    expect(await pool.transaction(async (transaction) => (await transaction.execute('INSERT')).changes)).toBe(0);
    expect(server.log).toEqual(['BEGIN', 'INSERT', 'COMMIT']);
  });

  it('is rolled back when the work throws', async () => {
    const { pool, server } = createPoolOnFake();
    const failure = new Error('mine');
    await expect(pool.transaction(() => Promise.reject(failure))).rejects.toBe(failure);
    await pool.query('SELECT a');
    expect(server.log).toEqual(['BEGIN', 'ROLLBACK', 'SELECT a']);
    expect(server.connections).toHaveLength(1);
  });

  it('whose roll-back fails costs its connection', async () => {
    const { pool, server } = createPoolOnFake();
    server.answer = failing('ROLLBACK', 'DB_FAILED');
    await expect(pool.transaction(() => Promise.reject(new Error('mine')))).rejects.toThrow('mine');
    expect(server.log).toEqual(['BEGIN', 'ROLLBACK', 'destroyed']);
  });

  it('has an unknown outcome when the connection is lost while committing', async () => {
    const { pool, server } = createPoolOnFake();
    server.answer = failing('COMMIT', 'DB_CONNECTION_LOST');
    await expect(pool.transaction(async () => 'done')).rejects.toMatchObject({
      name: 'TransactionOutcomeUnknownError',
      code: 'COMMIT_UNKNOWN',
      retryable: false,
    });
    expect(server.log).toEqual(['BEGIN', 'COMMIT', 'destroyed']);
  });

  it('has an unknown outcome when the server does not answer the COMMIT in time', async () => {
    const { pool, server, clock } = createPoolOnFake({ statementTimeoutMs: 1_000 });
    server.answer = (sql) => (sql === 'COMMIT' ? never() : Promise.resolve(result()));
    const failed = expect(pool.transaction(async () => {})).rejects.toMatchObject({ code: 'COMMIT_UNKNOWN' });
    await settle();
    clock.advance(1_000);
    await failed;
    expect(pool.statistics().size).toBe(0);
  });

  it('is rolled back when the server refuses the COMMIT', async () => {
    const { pool, server } = createPoolOnFake();
    server.answer = failing('COMMIT', 'DB_CONSTRAINT');
    await expect(pool.transaction(async () => {})).rejects.toMatchObject({ code: 'DB_CONSTRAINT' });
    expect(server.log).toEqual(['BEGIN', 'COMMIT', 'ROLLBACK']);
  });

  it('is not called committed when the server rolls back instead', async () => {
    const { pool, server } = createPoolOnFake();
    server.answer = async (sql) => result({ command: sql === 'COMMIT' ? 'ROLLBACK' : '' });
    await expect(pool.transaction(async () => {})).rejects.toMatchObject({ code: 'DB_TRANSACTION_ABORTED' });
    expect(server.log).toEqual(['BEGIN', 'COMMIT']);
  });

  it('is known not to be committed when the connection was lost before the COMMIT', async () => {
    const { pool, server } = createPoolOnFake();
    const work = pool.transaction(async () => server.connections[0]!.destroy());
    await expect(work).rejects.toMatchObject({ code: 'DB_TRANSACTION_ABORTED' });
    expect(server.log).not.toContain('COMMIT');
  });

  it('lets nothing more through after a deadlock, which has ended it on the server', async () => {
    const { pool, server } = createPoolOnFake();
    server.answer = failing('UPDATE a', 'DB_DEADLOCK');
    const work = pool.transaction(async (transaction) => {
      await transaction.execute('UPDATE a').catch(() => {});
      await transaction.execute('UPDATE b').catch(() => {});
    });
    await expect(work).rejects.toMatchObject({ code: 'DB_TRANSACTION_ABORTED' });
    expect(server.log).toEqual(['BEGIN', 'UPDATE a', 'ROLLBACK']);
  });

  it('does not go back to a savepoint that a deadlock has taken away', async () => {
    const { pool, server } = createPoolOnFake();
    server.answer = failing('UPDATE a', 'DB_DEADLOCK');
    const work = pool.transaction((outer) => outer.transaction((inner) => inner.execute('UPDATE a')));
    await expect(work).rejects.toMatchObject({ code: 'DB_DEADLOCK', retryable: true });
    expect(server.log).toEqual(['BEGIN', 'SAVEPOINT peregrine_1', 'UPDATE a', 'ROLLBACK']);
  });

  it('refuses two nested ones at a time', async () => {
    const { pool } = createPoolOnFake();
    await pool.transaction(async (transaction) => {
      const first = transaction.transaction(async () => 'first');
      await expect(transaction.transaction(async () => 'second')).rejects.toMatchObject({ code: 'TRANSACTION_NESTED' });
      expect(await first).toBe('first');
      expect(await transaction.transaction(async () => 'third')).toBe('third');
    });
  });

  it('closes a stream that was left open, and refuses its object afterwards', async () => {
    const { pool, server } = createPoolOnFake();
    server.answer = async () => result({ rows: [{ a: 1 }, { a: 2 }] });
    let kept: SqlTransaction | undefined;
    await pool.transaction(async (transaction) => {
      kept = transaction;
      await transaction.stream('SELECT a').next();
    });
    expect(server.log).toEqual(['BEGIN', 'SELECT a', 'close cursor', 'COMMIT']);
    await expect(kept!.query('SELECT a')).rejects.toMatchObject({ code: 'TRANSACTION_ENDED' });
    await expect(kept!.stream('SELECT a').next()).rejects.toMatchObject({ code: 'TRANSACTION_ENDED' });
  });

  it('that is aborted while it runs nothing is rolled back all the same', async () => {
    const { pool, server } = createPoolOnFake();
    const controller = new AbortController();
    const work = pool.transaction(async () => controller.abort(new Error('gone')), { signal: controller.signal });
    await expect(work).rejects.toMatchObject({ code: 'DB_CANCELLED' });
    expect(server.log).toEqual(['BEGIN', 'ROLLBACK']);
  });

  it('waits for its connection like everybody', async () => {
    const { pool, clock } = createPoolOnFake({ maxConnections: 1, acquireTimeoutMs: 100 });
    await pool.transaction(async () => {
      const second = expect(pool.transaction(async () => {})).rejects.toMatchObject({ code: 'POOL_TIMEOUT' });
      await settle();
      clock.advance(100);
      await second;
    });
  });
});

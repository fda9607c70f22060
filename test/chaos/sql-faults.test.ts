import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ConnectionPoolManager, type SqlPool } from '../../src/pool/pool.ts';
import { type FaultProxy, startFaultProxy } from '../faults/tcp-proxy.ts';
import { startMariadb } from '../services/mariadb.ts';
import type { OwnServer } from '../services/own-server.ts';
import { startPostgres } from '../services/postgres.ts';

const SERVERS = [
  { name: 'PostgreSQL', start: startPostgres, slow: 'SELECT pg_sleep(20)' },
  { name: 'MariaDB', start: startMariadb, slow: 'SELECT sleep(20)' },
] as const;

describe.each(SERVERS)('$name behind a network with faults', ({ start, slow }) => {
  let server: OwnServer;
  let proxy: FaultProxy;
  let manager: ConnectionPoolManager;
  let direct: ConnectionPoolManager;
  let pool: SqlPool;

  const through = (port: number): string => {
    const url = new URL(server.url);
    url.port = String(port);
    return url.href;
  };
  const settings = { maxConnections: 2, acquireTimeoutMs: 400, connectTimeoutMs: 1_000, validateAfterIdleMs: 0 };

  beforeAll(async () => {
    server = await start();
    direct = new ConnectionPoolManager({ database: server.url });
    await direct.database().execute('CREATE TABLE account (id INTEGER PRIMARY KEY, amount INTEGER NOT NULL)');
  });
  afterAll(async () => {
    await direct.close();
    await server.stop();
  });
  beforeEach(async () => {
    proxy = await startFaultProxy({ targetPort: server.port });
    manager = new ConnectionPoolManager({ database: { url: through(proxy.port), ...settings } });
    pool = manager.database();
    await direct.database().execute('DELETE FROM account');
    await direct.database().execute('INSERT INTO account VALUES (1, 100)');
  });
  afterEach(async () => {
    await manager.close(100);
    await proxy.close();
  });

  const amount = async (): Promise<unknown> =>
    (await direct.database().query('SELECT amount FROM account WHERE id = 1'))[0]?.amount;
  const add = (from: Pick<SqlPool, 'execute'> = pool) =>
    from.execute('UPDATE account SET amount = amount + ? WHERE id = ?', [1, 1]);

  it('reports a connection that was reset while idle to nobody', async () => {
    await pool.query('SELECT 1');
    proxy.resetAll();
    for (let round = 0; round < 5; round++) expect(await pool.query('SELECT 1 AS a')).toEqual([{ a: 1 }]);
    expect(pool.statistics().errors).toBeGreaterThan(0);
  });

  it('reports a reset in the middle of a query, as retryable for one that reads alone', async () => {
    const reading = expect(pool.query(slow)).rejects.toMatchObject({ code: 'DB_CONNECTION_LOST', retryable: true });
    const lockedUpdate = direct.database().transaction(async (transaction) => {
      await add(transaction);
      const writing = expect(add()).rejects.toMatchObject({ code: 'DB_CONNECTION_LOST', retryable: false });
      await until(async () => pool.statistics().inUse === 2);
      await until(async () => proxy.connections === 2);
      proxy.resetAll();
      await Promise.all([reading, writing]);
    });
    await lockedUpdate;
    expect(await pool.query('SELECT 1 AS a')).toEqual([{ a: 1 }]);
    expect(pool.statistics()).toMatchObject({ inUse: 0 });
  });

  it('loses nothing of a transaction whose connection is reset, and commits nothing', async () => {
    const work = pool.transaction(async (transaction) => {
      await add(transaction);
      proxy.resetAll();
      await add(transaction);
    });
    await expect(work).rejects.toMatchObject({ code: 'DB_CONNECTION_LOST', retryable: true });
    expect(await amount()).toBe(100);
    expect(await pool.query('SELECT 1 AS a')).toEqual([{ a: 1 }]);
  });

  it('never calls a transaction committed whose COMMIT was cut, whatever the server did', async () => {
    const outcomes: string[] = [];
    for (const direction of ['toServer', 'toClient'] as const) {
      const before = (await amount()) as number;
      const work = pool.transaction(async (transaction) => {
        await add(transaction);
        proxy.cutAfter(3, direction);
      });
      await expect(work).rejects.toMatchObject({ code: 'COMMIT_UNKNOWN', retryable: false });
      proxy.cutAfter(Number.POSITIVE_INFINITY, direction);
      await until(async () => (await pool.query('SELECT 1 AS a').catch(() => [])).length === 1);
      outcomes.push((await amount()) === before ? 'not committed' : 'committed');
    }
    // The first never reached the server; the second did, and only its answer was lost.
    expect(outcomes).toEqual(['not committed', 'committed']);
  });

  it('gives up on a server that does not answer a COMMIT', async () => {
    const stalling = new ConnectionPoolManager({
      database: { url: through(proxy.port), ...settings, statementTimeoutMs: 300 },
    });
    const work = stalling.database().transaction(async (transaction) => {
      await add(transaction);
      proxy.stall();
    });
    await expect(work).rejects.toMatchObject({ code: 'COMMIT_UNKNOWN' });
    expect(stalling.statistics().default).toMatchObject({ inUse: 0 });
    await stalling.close(100);
  });

  it('cuts a connection whose server does not obey a time-out, and serves the next caller', async () => {
    const options = { url: through(proxy.port), ...settings, validateAfterIdleMs: 60_000 };
    const stalling = new ConnectionPoolManager({ database: options });
    const stalled = stalling.database();
    await stalled.query('SELECT 1');
    proxy.stall();
    await expect(stalled.query('SELECT 1', [], { timeoutMs: 100 })).rejects.toMatchObject({ code: 'DB_TIMEOUT' });
    expect(stalled.statistics()).toMatchObject({ inUse: 0, size: 0 });
    proxy.resume();
    await until(async () => (await stalled.query('SELECT 1 AS a').catch(() => [])).length === 1);
    await stalling.close();
  });

  it('answers a full pool with a retryable error after a bounded wait', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const held = [pool.query(slow, [], { signal }), pool.query(slow, [], { signal })];
    const settled = Promise.allSettled(held);
    await until(async () => pool.statistics().inUse === 2);
    await expect(pool.query('SELECT 1')).rejects.toMatchObject({ code: 'POOL_TIMEOUT', retryable: true });
    expect(pool.statistics()).toMatchObject({ utilization: 1, timeouts: 1 });
    controller.abort(new Error('enough'));
    await settled;
    expect(await pool.query('SELECT 1 AS a')).toEqual([{ a: 1 }]);
  });

  it('frees the connection of a stream that is cut', async () => {
    const options = { url: through(proxy.port), ...settings, validateAfterIdleMs: 60_000 };
    const cut = new ConnectionPoolManager({ database: options });
    const own = cut.database();
    await own.query('SELECT 1'); // There is a connection, so what is cut is no attempt to make or to check one.
    const read = async () => {
      for await (const _ of own.stream(slow)) throw new Error('no row is expected');
    };
    const reading = read().catch((error) => error);
    await until(async () => own.statistics().inUse === 1);
    await new Promise((resolve) => setImmediate(resolve));
    proxy.resetAll();
    expect(await reading).toMatchObject({ code: 'DB_CONNECTION_LOST', retryable: true });
    expect(own.statistics().inUse).toBe(0);
    await cut.close();
  });

  it('fails at once with a retryable code while nothing listens, and recovers by itself', async () => {
    await proxy.refuse(true);
    const late = new ConnectionPoolManager({ database: { url: through(proxy.port), ...settings } });
    await expect(late.database().query('SELECT 1')).rejects.toMatchObject({ code: 'DB_UNAVAILABLE', retryable: true });
    expect(await late.health()).toMatchObject({ default: { status: 'down', code: 'DB_UNAVAILABLE' } });
    await proxy.refuse(false);
    await until(async () => (await late.health()).default?.status === 'up');
    expect(await late.database().query('SELECT 1 AS a')).toEqual([{ a: 1 }]);
    await late.close();
  });

  it('fails within the connect time-out when the server accepts and says nothing', async () => {
    proxy.stall();
    const started = performance.now();
    await expect(pool.query('SELECT 1')).rejects.toMatchObject({ retryable: true });
    expect(performance.now() - started).toBeLessThan(3_000);
  });

  it('survives the server being killed in the middle of a query, and its restart', async () => {
    const running = expect(pool.query(slow)).rejects.toMatchObject({ code: 'DB_CONNECTION_LOST', retryable: true });
    await until(async () => pool.statistics().inUse === 1);
    await add(direct.database());
    await server.kill('SIGKILL');
    await running;
    await expect(pool.query('SELECT 1')).rejects.toMatchObject({ retryable: true });
    await server.restart();
    await until(async () => (await pool.query('SELECT 1 AS a').catch(() => [])).length === 1);
    await until(async () => (await direct.health()).default?.status === 'up');
    expect(await amount()).toBe(101); // what was reported as done is still there
  });
});

/** Asks again and again until it is so; the test's own time-out bounds it. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setImmediate(resolve));
}

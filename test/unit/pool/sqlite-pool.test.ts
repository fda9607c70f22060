import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConnectionPoolManager, type SqlPool } from '../../../src/pool/pool.ts';
import { type PoolEvent, Signal } from '../../../src/signal/signal.ts';
import { FakeClock } from '../../../src/testing/testing.ts';
import { settle } from './fake-connection.ts';

let folder: string;
let manager: ConnectionPoolManager;
let clock: FakeClock;
const heard: PoolEvent[] = [];

function open(options: object = {}): SqlPool {
  const signal = new Signal<PoolEvent>();
  signal.on((event) => heard.push(event));
  const database = { url: `sqlite:${join(folder, 'shop.db')}`, ...options };
  manager = new ConnectionPoolManager({ database }, { clock, random: () => 0, signal });
  return manager.database();
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'peregrine-sqlite-'));
  clock = new FakeClock();
  heard.length = 0;
});
afterEach(async () => {
  await manager.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('an SQLite pool', () => {
  it('writes ahead, checks foreign keys and waits for the disk', async () => {
    const pool = open();
    await pool.execute('CREATE TABLE a (id INTEGER PRIMARY KEY)');
    await pool.execute('CREATE TABLE b (a REFERENCES a (id))');
    expect(await pool.query('PRAGMA journal_mode')).toEqual([{ journal_mode: 'wal' }]);
    expect(await pool.query('PRAGMA synchronous')).toEqual([{ synchronous: 2 }]);
    await expect(pool.execute('INSERT INTO b VALUES (1)')).rejects.toMatchObject({ constraint: 'foreign-key' });
  });

  it('reads while a transaction is open, and lets other writers wait for it', async () => {
    const pool = open({ acquireTimeoutMs: 1_000 });
    await pool.execute('CREATE TABLE a (n INTEGER)');
    await pool.transaction(async (transaction) => {
      await transaction.execute('INSERT INTO a VALUES (1)');
      expect(await pool.query('SELECT n FROM a')).toEqual([]);
      const late = expect(pool.execute('INSERT INTO a VALUES (2)')).rejects.toMatchObject({ code: 'POOL_TIMEOUT' });
      await settle();
      expect(pool.statistics()).toMatchObject({ inUse: 1, waiting: 1 });
      clock.advance(1_000);
      await late;
    });
    expect(await pool.query('SELECT n FROM a')).toEqual([{ n: 1 }]);
    expect(pool.statistics()).toMatchObject({ inUse: 0, waiting: 0, timeouts: 1 });
  });

  it('in memory lets readers wait too', async () => {
    const pool = open({ url: 'sqlite::memory:' });
    await pool.execute('CREATE TABLE a (n INTEGER)');
    let reading: Promise<unknown> | undefined;
    await pool.transaction(async (transaction) => {
      await transaction.execute('INSERT INTO a VALUES (1)');
      reading = pool.query('SELECT n FROM a');
      await settle();
      await transaction.execute('INSERT INTO a VALUES (2)');
    });
    expect(await reading).toEqual([{ n: 1 }, { n: 2 }]);
  });

  it('waits for the lock of another process without stopping this one, and not for ever', async () => {
    const pool = open({ busyTimeoutMs: 1_000 });
    await pool.execute('CREATE TABLE a (n INTEGER)');
    const other = new DatabaseSync(join(folder, 'shop.db'));
    other.exec('BEGIN IMMEDIATE; INSERT INTO a VALUES (7)');
    const failed = expect(pool.execute('INSERT INTO a VALUES (1)')).rejects.toMatchObject({
      code: 'DB_BUSY',
      retryable: true,
    });
    for (let waited = 0; waited < 1_200; waited += 50) {
      await settle();
      clock.advance(50);
    }
    await failed;
    const stopping = new AbortController();
    const stopped = expect(pool.transaction(async () => {}, { signal: stopping.signal })).rejects.toMatchObject({
      code: 'DB_CANCELLED',
    });
    await settle();
    stopping.abort();
    clock.advance(10);
    await stopped;
    const waiting = pool.transaction((transaction) => transaction.execute('INSERT INTO a VALUES (2)'));
    await settle();
    other.exec('COMMIT');
    other.close();
    clock.advance(10);
    expect(await waiting).toMatchObject({ changes: 1 });
    expect(await pool.query('SELECT n FROM a ORDER BY n')).toEqual([{ n: 2 }, { n: 7 }]);
  });

  it('notices within a second that another process changed the tables', async () => {
    const pool = open();
    await pool.execute('CREATE TABLE a (n INTEGER)');
    await pool.execute('INSERT INTO a VALUES (1)');
    expect(await pool.query('SELECT * FROM a')).toEqual([{ n: 1 }]);
    clock.advance(1_000);
    expect(await pool.query('SELECT * FROM a')).toEqual([{ n: 1 }]);
    const other = new DatabaseSync(join(folder, 'shop.db'));
    other.exec('ALTER TABLE a RENAME COLUMN n TO m');
    other.close();
    clock.advance(1_000);
    expect(await pool.query('SELECT * FROM a')).toEqual([{ m: 1 }]);
  });

  it('reads integers exactly once one is too large for a number', async () => {
    const pool = open();
    await pool.execute('CREATE TABLE a (n INTEGER, yes BOOLEAN, at TIMESTAMP, price DECIMAL, doc JSON)');
    const rows = () => pool.query('SELECT * FROM a ORDER BY n');
    await pool.execute('INSERT INTO a VALUES (1, 1, 5, 2, 3)');
    const first = { n: 1, yes: true, at: 5, price: '2', doc: 3 };
    expect(await rows()).toEqual([first]);
    await pool.execute('INSERT INTO a (n, doc) VALUES (?, ?)', [2n ** 60n, 'no json']);
    const second = { n: 2n ** 60n, yes: null, at: null, price: null, doc: 'no json' };
    for (let round = 0; round < 3; round++) expect(await rows()).toEqual([first, second]);
    expect(await pool.query('UPDATE a SET yes = 0 WHERE n > ? RETURNING n', [1])).toEqual([{ n: 2n ** 60n }]);
    expect(await pool.query('SELECT count(*) AS c FROM a WHERE yes = 0')).toEqual([{ c: 1 }]);
  });

  it('sees temporary tables of the handle that writes', async () => {
    const pool = open();
    await pool.execute('CREATE TEMP TABLE t (n INTEGER)');
    await pool.execute('INSERT INTO t VALUES (1)');
    expect(await pool.query('SELECT n FROM t')).toEqual([{ n: 1 }]);
  });

  it('opens for reading only when told so', async () => {
    const writable = open();
    await writable.execute('CREATE TABLE a (n INTEGER)');
    await manager.close();
    const pool = open({ readOnly: true });
    expect(await pool.query('SELECT * FROM a')).toEqual([]);
    await expect(pool.execute('INSERT INTO a VALUES (1)')).rejects.toMatchObject({ code: 'DB_READONLY' });
  });

  it('tells what happens to those who listen, and recovers when the file can be opened', async () => {
    const pool = open({ url: `sqlite:${join(folder, 'later', 'shop.db')}` });
    await expect(pool.query('SELECT 1')).rejects.toMatchObject({ code: 'DB_UNAVAILABLE' });
    expect(heard.map(({ kind }) => kind)).toEqual(['error']);
    const { mkdirSync } = await import('node:fs');
    mkdirSync(join(folder, 'later'));
    expect(await pool.query('SELECT 1 AS a')).toEqual([{ a: 1 }]);
    await manager.close();
    expect(heard.map(({ kind }) => kind)).toEqual(['error', 'opened', 'closed']);
  });

  it('leaves one file with everything in it when it is closed', async () => {
    const pool = open();
    await pool.execute('CREATE TABLE a (n INTEGER)');
    await pool.execute('INSERT INTO a VALUES (1)');
    expect(await pool.query('SELECT n FROM a')).toEqual([{ n: 1 }]);
    for await (const row of pool.stream('SELECT n FROM a')) expect(row).toEqual({ n: 1 });
    await manager.close();
    expect(readdirSync(folder)).toEqual(['shop.db']);
    await expect(pool.query('SELECT n FROM a')).rejects.toMatchObject({ code: 'POOL_CLOSED' });
  });

  it('closes after the transaction that is open, but waits no longer than it may', async () => {
    const pool = open();
    let finish = (): void => {};
    const held = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const work = pool.transaction(() => held);
    await settle();
    const closing = manager.close(100);
    await expect(pool.execute('CREATE TABLE a (n)')).rejects.toMatchObject({ code: 'POOL_CLOSED' });
    clock.advance(100);
    await closing;
    finish();
    await expect(work).rejects.toMatchObject({ code: 'DB_TRANSACTION_ABORTED' });
  });
});

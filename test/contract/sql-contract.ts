import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ConnectionPoolManager, placeholders, type SqlPool } from '../../src/pool/pool.ts';
import { uniqueName } from '../services/unique-name.ts';
import { describeStreams, describeTransactions } from './sql-contract-transactions.ts';
import type { Shop, SqlSubject } from './sql-subject.ts';

/** What every database must do alike. */
export function describeSqlContract(subject: SqlSubject): void {
  describe(`SQL contract: ${subject.name}`, () => {
    const table = uniqueName('shop');
    let manager: ConnectionPoolManager;
    let pool: SqlPool;

    beforeAll(async () => {
      manager = new ConnectionPoolManager({ database: subject.options() });
      pool = manager.database();
      await pool.execute(
        `CREATE TABLE ${table} (id INTEGER PRIMARY KEY, name VARCHAR(200) NOT NULL UNIQUE, price INTEGER)`,
      );
    });
    afterAll(async () => {
      await pool.execute(`DROP TABLE ${table}`);
      await manager.close();
    });
    beforeEach(async () => {
      await pool.execute(`DELETE FROM ${table}`);
      await pool.execute(`INSERT INTO ${table} VALUES (1, ?, 100), (2, ?, 200)`, ['one', 'two']);
    });
    const shop: Shop = {
      table,
      get manager() {
        return manager;
      },
      get pool() {
        return pool;
      },
      names: async (from = pool) =>
        (await from.query<{ name: string }>(`SELECT name FROM ${table} ORDER BY id`)).map(({ name }) => name),
      insert: (into, id, name) => into.execute(`INSERT INTO ${table} (id, name) VALUES (?, ?)`, [id, name]),
    };
    const { names, insert } = shop;
    describeTransactions(subject, shop);
    describeStreams(subject, shop);

    describe('statements', () => {
      it('answers rows as plain objects, as often as it is asked', async () => {
        for (let round = 0; round < 4; round++) {
          const rows = await pool.query(`SELECT id, name FROM ${table} WHERE id = ?`, [2]);
          expect(rows).toEqual([{ id: 2, name: 'two' }]);
          expect(Object.getPrototypeOf(rows[0])).toBe(Object.prototype);
        }
        expect(await pool.query(`SELECT * FROM ${table} WHERE id = ?`, [9])).toEqual([]);
      });

      it('leaves question marks in strings, names and comments alone', async () => {
        const rows = await pool.query(`SELECT '?' AS a, '''?' AS b, ? AS c /* ? */ -- ?\n FROM ${table} WHERE id = ?`, [
          'x',
          1,
        ]);
        expect(rows).toEqual([{ a: '?', b: "'?", c: 'x' }]);
      });

      it('tells what was changed', async () => {
        expect(await pool.execute(`UPDATE ${table} SET price = ? WHERE id > ?`, [5, 0])).toMatchObject({ changes: 2 });
        // An update to the same values counts the rows that it matched.
        expect(await pool.execute(`UPDATE ${table} SET price = ? WHERE id > ?`, [5, 0])).toMatchObject({ changes: 2 });
        expect(await pool.execute(`DELETE FROM ${table} WHERE id = ?`, [2])).toMatchObject({ changes: 1 });
        expect(await pool.query(`DELETE FROM ${table}`)).toEqual([]);
      });

      it('tells the id that was generated, but on PostgreSQL', async () => {
        const ids = uniqueName('ids');
        await pool.execute(`CREATE TABLE ${ids} (id ${subject.autoId}, a INTEGER)`);
        await pool.execute(`INSERT INTO ${ids} (a) VALUES (?)`, [1]);
        const { insertId } = await pool.execute(`INSERT INTO ${ids} (a) VALUES (?)`, [1]);
        expect(insertId).toBe(pool.kind === 'postgres' ? undefined : 2);
        expect(await pool.query(`INSERT INTO ${ids} (a) VALUES (?) RETURNING id`, [1])).toEqual([{ id: 3 }]);
        await pool.execute(`DROP TABLE ${ids}`);
      });

      it('takes a list of any length', async () => {
        const ids = [1, 2, 3];
        const rows = await pool.query(`SELECT id FROM ${table} WHERE id IN (${placeholders(3)}) ORDER BY id`, ids);
        expect(rows).toEqual([{ id: 1 }, { id: 2 }]);
      });

      it('binds LIMIT', async () => {
        expect(await pool.query(`SELECT id FROM ${table} ORDER BY id LIMIT ?`, [1])).toEqual([{ id: 1 }]);
      });

      it('treats an odd column name like any other, or refuses it, and harms nothing', async () => {
        const quote = pool.kind === 'mysql' ? '`' : '"';
        const odd = pool.query(`SELECT 1 AS ${quote}__proto__${quote}, 2 AS b`);
        if (pool.kind === 'mysql') await expect(odd).rejects.toMatchObject({ name: 'DatabaseError' });
        else
          expect(Object.entries((await odd)[0]!)).toEqual([
            ['__proto__', 1],
            ['b', 2],
          ]);
        expect(await names()).toEqual(['one', 'two']);
      });

      it('sees a changed table with statements that were prepared before', async () => {
        const changing = uniqueName('changing');
        await pool.execute(`CREATE TABLE ${changing} (a INTEGER)`);
        await pool.execute(`INSERT INTO ${changing} VALUES (1)`);
        for (let round = 0; round < 3; round++)
          expect(await pool.query(`SELECT * FROM ${changing}`)).toEqual([{ a: 1 }]);
        await pool.execute(`ALTER TABLE ${changing} ADD COLUMN b INTEGER`);
        for (let round = 0; round < 3; round++)
          expect(await pool.query(`SELECT * FROM ${changing}`)).toEqual([{ a: 1, b: null }]);
        await pool.execute(`ALTER TABLE ${changing} RENAME COLUMN b TO c`);
        expect(await pool.query(`SELECT * FROM ${changing}`)).toEqual([{ a: 1, c: null }]);
        await pool.execute(`DROP TABLE ${changing}`);
      });

      it('keeps more statements apart than it keeps prepared', async () => {
        for (let round = 0; round < 3; round++) {
          for (let index = 0; index < 12; index++) {
            const rows = await pool.query(`SELECT ${index} AS n, name FROM ${table} WHERE id = ?`, [1]);
            expect(rows).toEqual([{ n: index, name: 'one' }]);
          }
        }
      });
    });

    describe('values', () => {
      const typed = uniqueName('typed');
      beforeAll(() => pool.execute(`CREATE TABLE ${typed} (${subject.typeColumns})`));
      afterAll(() => pool.execute(`DROP TABLE ${typed}`));
      beforeEach(() => pool.execute(`DELETE FROM ${typed}`));

      it('come back the same on every database', async () => {
        const at = new Date(Date.UTC(2026, 0, 2, 3, 4, 5, 678));
        const bytes = new Uint8Array([0, 255, 39, 63]);
        await pool.execute(
          `INSERT INTO ${typed} (i, big, price, ratio, yes, no, t, day, at, doc, bytes) VALUES (${placeholders(11)})`,
          [
            7,
            9_007_199_254_740_993n,
            '12.50',
            0.5,
            true,
            false,
            "it's ? \u{1f600}",
            '2026-01-02',
            at,
            { a: [1, null] },
            bytes,
          ],
        );
        const [row] = await pool.query(`SELECT * FROM ${typed}`);
        expect(row).toEqual({
          i: 7,
          big: 9_007_199_254_740_993n,
          price: pool.kind === 'sqlite' ? '12.5' : '12.50',
          ratio: 0.5,
          yes: true,
          no: false,
          t: "it's ? \u{1f600}",
          day: '2026-01-02',
          at: '2026-01-02T03:04:05.678Z',
          doc: { a: [1, null] },
          bytes,
        });
        expect(Object.getPrototypeOf(row!.bytes)).toBe(Uint8Array.prototype);
        const streamed: unknown[] = [];
        for await (const each of pool.stream(`SELECT * FROM ${typed}`)) streamed.push(each);
        expect(streamed).toEqual([row]);
      });

      it('have null for what is missing', async () => {
        await pool.execute(`INSERT INTO ${typed} (i, big, doc) VALUES (?, ?, ?)`, [null, 5, [1, 'x']]);
        expect(await pool.query(`SELECT i, big, doc, bytes, at FROM ${typed}`)).toEqual([
          { i: null, big: 5, doc: [1, 'x'], bytes: null, at: null },
        ]);
      });

      it('are found again by large integers', async () => {
        const big = 9_223_372_036_854_775_807n;
        await pool.execute(`INSERT INTO ${typed} (big) VALUES (?), (?)`, [big, big - 1n]);
        expect(await pool.query(`SELECT big FROM ${typed} WHERE big = ?`, [big])).toEqual([{ big }]);
      });

      it('put a number into a text column as people write it', async () => {
        await pool.execute(`INSERT INTO ${typed} (t) VALUES (?)`, [5]);
        expect(await pool.query(`SELECT t FROM ${typed}`)).toEqual([{ t: '5' }]);
      });

      it('count as numbers', async () => {
        expect(await pool.query(`SELECT count(*) AS n FROM ${table}`)).toEqual([{ n: 2 }]);
      });
    });

    describe('errors', () => {
      const failing: [string, string, unknown[], object][] = [
        ['a wrong statement', 'SELEKT 1', [], { code: 'DB_SYNTAX', retryable: false }],
        ['an unknown table', 'SELECT * FROM no_such_table_at_all', [], { code: 'DB_SYNTAX' }],
        ['several statements', 'SELECT 1; SELECT 2', [], { code: 'DB_SYNTAX' }],
        ['too few parameters', `SELECT * FROM ${table} WHERE id = ?`, [], { code: 'DB_PARAMETERS' }],
        ['too many parameters', `SELECT * FROM ${table} WHERE id = ?`, [1, 2], { code: 'DB_PARAMETERS' }],
        ['an undefined parameter', `SELECT * FROM ${table} WHERE id = ?`, [undefined], { code: 'DB_PARAMETERS' }],
        [
          'a value that is taken',
          `INSERT INTO ${table} (id, name) VALUES (9, ?)`,
          ['one'],
          { code: 'DB_CONSTRAINT', constraint: 'unique' },
        ],
        [
          'a missing value',
          `INSERT INTO ${table} (id, name) VALUES (9, ?)`,
          [null],
          { code: 'DB_CONSTRAINT', constraint: 'not-null' },
        ],
      ];
      it.each(failing)(
        'have one code for %s, and a message without what the database said',
        async (_, sql, values, expected) => {
          const error = await pool.query(sql, values as never[]).catch((thrown) => thrown);
          expect(error).toMatchObject({ name: 'DatabaseError', database: 'default', ...expected });
          expect(error.message).not.toContain(table);
          expect(error.message).not.toContain('no_such_table');
          expect(await names()).toEqual(['one', 'two']);
        },
      );
    });

    it('does not begin what is aborted already', async () => {
      const options = { signal: AbortSignal.abort(new Error('gone')) };
      await expect(pool.query('SELECT 1', [], options)).rejects.toMatchObject({ code: 'DB_CANCELLED' });
    });

    if (subject.slow !== undefined) {
      const { slow } = subject;
      it('stops a slow statement on the server, and uses the connection again', async () => {
        const started = performance.now();
        for (let round = 0; round < 3; round++) {
          await expect(pool.query(slow, [], { timeoutMs: 100 })).rejects.toMatchObject({ code: 'DB_TIMEOUT' });
          expect(await names()).toEqual(['one', 'two']);
        }
        expect(performance.now() - started).toBeLessThan(5_000);
        expect(pool.statistics()).toMatchObject({ inUse: 0, errors: 0 });
      });

      it('stops a statement whose caller has gone', async () => {
        const controller = new AbortController();
        const running = pool.query(slow, [], { signal: controller.signal });
        controller.abort(new Error('gone'));
        await expect(running).rejects.toMatchObject({ code: 'DB_CANCELLED', retryable: false });
        const inTransaction = pool.transaction(async (transaction) => {
          await insert(transaction, 3, 'three');
          await transaction.query(slow, [], { timeoutMs: 100 });
        });
        await expect(inTransaction).rejects.toMatchObject({ code: 'DB_TIMEOUT' });
        expect(await names()).toEqual(['one', 'two']);
        expect(pool.statistics()).toMatchObject({ inUse: 0, errors: 0 });
      });
    }

    it('tells that it is up, and how it is used', async () => {
      expect(await manager.health()).toEqual({ default: { status: 'up', latencyMs: expect.any(Number) } });
      const { default: figures } = manager.statistics();
      expect(figures!.acquired).toBeGreaterThan(10);
      expect(figures).toMatchObject({ inUse: 0, waiting: 0, utilization: 0, timeouts: 0 });
    });

    it('closes after what runs, and takes nothing new', async () => {
      const other = new ConnectionPoolManager({ database: subject.options() });
      const running = other.database().transaction(async (transaction) => {
        await transaction.query('SELECT 1');
        return 'done';
      });
      await Promise.resolve();
      const closing = other.close();
      expect(await running).toBe('done');
      await closing;
      await expect(other.database().query('SELECT 1')).rejects.toMatchObject({ code: 'POOL_CLOSED' });
      expect(other.statistics().default).toMatchObject({ size: 0, inUse: 0 });
    });
  });
}

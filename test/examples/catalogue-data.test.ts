import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { META, META_COLUMN } from '../../examples/catalogue/schema.ts';
import { seedCatalogue } from '../../examples/catalogue/seed.ts';
import { hashOf, SeededFolder, withDatabase } from './catalogue-database.ts';

const seeded = new SeededFolder();
beforeAll(() => seeded.seed());
afterAll(() => seeded.remove());

const seed = (url: string) => withDatabase(url, (pool) => seedCatalogue(pool, () => undefined));

describe("the catalogue's data", () => {
  it('is the same every time', async () => {
    await withDatabase('sqlite::memory:', async (pool) => {
      expect(await seedCatalogue(pool, () => undefined)).toBe(true);
      expect(await hashOf(pool)).toBe(seeded.hash);
      expect(await seedCatalogue(pool, () => undefined)).toBe(false);
    });
  });

  it('is there within 5 s', () => {
    expect(seeded.cpuMs).toBeLessThan(5_000);
  });

  it('has the products, categories, users, carts and orders that it promises', async () => {
    await withDatabase(`sqlite:${seeded.file}`, async (pool) => {
      const one = async (sql: string) => Object.values((await pool.query(sql))[0] ?? {})[0];
      expect(await one('SELECT count(*) FROM catalogue_product')).toBe(100_000);
      expect(await one('SELECT count(DISTINCT name) FROM catalogue_product')).toBe(100_000);
      expect(await one('SELECT count(*) FROM catalogue_category')).toBe(20);
      expect(await one('SELECT count(*) FROM catalogue_user')).toBe(1_000);
      expect(await one('SELECT count(DISTINCT user_id) FROM catalogue_cart_line')).toBe(1_000);
      expect(await one('SELECT count(DISTINCT user_id) FROM catalogue_purchase')).toBe(1_000);
      expect(
        await one(`SELECT count(*) FROM catalogue_purchase WHERE total_cents <>
          (SELECT sum(quantity * price_cents) FROM catalogue_purchase_line WHERE purchase_id = catalogue_purchase.id)`),
      ).toBe(0);
      expect(
        await one('SELECT count(*) FROM catalogue_product WHERE price_cents < 100 OR rating NOT BETWEEN 1 AND 5'),
      ).toBe(0);
    });
  });

  it('is searched by index alone, whatever the filter', async () => {
    await withDatabase(`sqlite:${seeded.file}`, async (pool) => {
      for (const where of ['category_id = 1 AND price_cents BETWEEN 1 AND 2', 'price_cents BETWEEN 1 AND 2']) {
        const plan = await pool.query(
          `EXPLAIN QUERY PLAN SELECT * FROM catalogue_product WHERE ${where} ORDER BY price_cents, id LIMIT 20`,
        );
        expect(plan.map(({ detail }) => detail)).toEqual([
          expect.stringMatching(/^SEARCH catalogue_product USING INDEX/),
        ]);
      }
    });
  });

  it.each([`DELETE FROM ${META}`, `UPDATE ${META} SET ${META_COLUMN} = 1`])(
    'is made anew when a start was stopped half way, or the version is another: %s',
    async (spoil) => {
      await withDatabase(seeded.copy('outdated'), async (pool) => {
        await pool.execute('DELETE FROM catalogue_product WHERE id > 500');
        await pool.execute('DROP TABLE catalogue_purchase');
        await pool.execute(spoil);
        expect(await seedCatalogue(pool, () => undefined)).toBe(true);
        expect(await hashOf(pool)).toBe(seeded.hash);
      });
    },
  );

  it('leaves nothing behind when the seeding is stopped', async () => {
    await withDatabase(seeded.url('stopped'), async (pool) => {
      const stopping = new AbortController();
      await expect(seedCatalogue(pool, () => stopping.abort(), stopping.signal)).rejects.toMatchObject({
        code: 'DB_CANCELLED',
      });
      expect(await pool.query('SELECT name FROM sqlite_schema')).toEqual([]);
    });
  });

  it.each(['catalogue_product (mine TEXT)', 'catalogue_meta (id INTEGER)'])(
    "never touches another program's database: %s",
    async (table) => {
      await withDatabase(seeded.url(`foreign-${table.length}`), async (pool) => {
        await pool.execute(`CREATE TABLE ${table}`);
        await expect(seedCatalogue(pool, () => undefined)).rejects.toThrow(
          `it holds tables of another program (${table.split(' ')[0]}); choose another database`,
        );
        expect(await pool.query('SELECT count(*) AS tables FROM sqlite_schema')).toEqual([{ tables: 1 }]);
      });
    },
  );

  it('goes beside the tables of other programs', async () => {
    await withDatabase(seeded.url('shared'), async (pool) => {
      await pool.execute('CREATE TABLE product (mine TEXT)');
      await seedCatalogue(pool, () => undefined);
      expect(await hashOf(pool)).toBe(seeded.hash);
      expect(await pool.query('SELECT * FROM product')).toEqual([]);
    });
  });

  it('is not put into a file that is no database', async () => {
    const url = seeded.url('text');
    writeFileSync(url.slice('sqlite:'.length), 'this is no database, but long enough to look like one'.repeat(20));
    await expect(seed(url)).rejects.toMatchObject({ name: 'DatabaseError' });
  });
});

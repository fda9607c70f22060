import { writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase, Statements } from '../../examples/catalogue/database.ts';
import { CatalogueStore } from '../../examples/catalogue/store.ts';
import { hashOf, SeededFolder } from './catalogue-database.ts';

const seeded = new SeededFolder();
beforeAll(() => seeded.seed());
afterAll(() => seeded.remove());

describe("the catalogue's data", () => {
  it('is the same every time', async () => {
    const { db } = await openDatabase(':memory:', () => undefined);
    expect(hashOf(db)).toBe(seeded.hash);
    db.close();
  });

  it('is there within 5 s', () => {
    expect(seeded.cpuMs).toBeLessThan(5_000);
  });

  it('has the products, categories, users, carts and orders that it promises', () => {
    const db = new DatabaseSync(seeded.file, { readOnly: true });
    const one = (sql: string): unknown => Object.values(db.prepare(sql).get() ?? {})[0];
    expect(one('SELECT count(*) FROM product')).toBe(100_000);
    expect(one('SELECT count(DISTINCT name) FROM product')).toBe(100_000);
    expect(one('SELECT count(*) FROM category')).toBe(20);
    expect(one('SELECT count(*) FROM user')).toBe(1_000);
    expect(one('SELECT count(DISTINCT user_id) FROM cart_line')).toBe(1_000);
    expect(one('SELECT count(DISTINCT user_id) FROM purchase')).toBe(1_000);
    expect(
      one(`SELECT count(*) FROM purchase WHERE total_cents <> (SELECT sum(quantity * price_cents) FROM purchase_line
      WHERE purchase_id = purchase.id)`),
    ).toBe(0);
    expect(one('SELECT count(*) FROM product WHERE price_cents < 100 OR rating NOT BETWEEN 1 AND 5')).toBe(0);
    db.close();
  });

  it('is searched by index alone, whatever the filter', () => {
    const db = new DatabaseSync(seeded.file, { readOnly: true });
    for (const where of ['category_id = 1 AND price_cents BETWEEN 1 AND 2', 'price_cents BETWEEN 1 AND 2']) {
      const plan = db
        .prepare(`EXPLAIN QUERY PLAN SELECT * FROM product WHERE ${where} ORDER BY price_cents, id LIMIT 20`)
        .all();
      expect(plan.map(({ detail }) => detail)).toEqual([expect.stringMatching(/^SEARCH product USING INDEX/)]);
    }
    db.close();
  });

  it('is seeded anew when a start was stopped half way, or the schema is another', async () => {
    const path = seeded.copy('outdated');
    const before = new DatabaseSync(path);
    before.exec('DELETE FROM product WHERE id > 500; DELETE FROM purchase; PRAGMA user_version = 0');
    before.close();
    const opened = await openDatabase(path, () => undefined);
    expect(opened.seeded).toBe(true);
    expect(hashOf(opened.db)).toBe(seeded.hash);
    opened.db.close();
  });

  it('leaves nothing behind when the seeding is stopped', async () => {
    const path = seeded.path('stopped');
    const stopping = new AbortController();
    const opening = openDatabase(path, () => stopping.abort(), stopping.signal);
    await expect(opening).rejects.toBe(stopping.signal.reason);
    const db = new DatabaseSync(path);
    expect(db.prepare('SELECT count(*) AS tables FROM sqlite_schema').get()?.tables).toBe(0);
    db.close();
  });

  it("never touches another program's database", async () => {
    const path = seeded.path('foreign');
    const foreign = new DatabaseSync(path);
    foreign.exec('CREATE TABLE product (mine TEXT)');
    foreign.close();
    await expect(openDatabase(path, () => undefined)).rejects.toThrow(
      `${path}: the database belongs to another program; choose another file`,
    );
    writeFileSync(seeded.path('text'), 'this is no database, but it is long enough to look like one'.repeat(20));
    await expect(openDatabase(seeded.path('text'), () => undefined)).rejects.toThrow('file is not a database');
  });
});

describe('the queries', () => {
  let store: CatalogueStore;
  beforeAll(async () => {
    const { db } = await openDatabase(seeded.copy('queries'), () => undefined);
    store = new CatalogueStore(new Statements(db));
  });
  afterAll(() => store.close());

  it('find the cheapest first, within the limits given', () => {
    const { products, more } = store.searchProducts({ category: 'Books', minPrice: 9.99, maxPrice: 10.49, limit: 100 });
    expect(products.length).toBeGreaterThan(0);
    expect(more).toBe(products.length === 100);
    for (const [index, product] of products.entries()) {
      expect(product.category).toBe('Books');
      expect(product.price).toBeGreaterThanOrEqual(products[index - 1]?.price ?? 9.99);
      expect(product.price).toBeLessThanOrEqual(10.49);
    }
  });

  it('count the limits in cents, so that 19.99 finds 19.99', () => {
    const { products } = store.searchProducts({ minPrice: 19.99, maxPrice: 19.99, limit: 3 });
    expect(products.map(({ price }) => price)).toEqual([19.99, 19.99, 19.99]);
    expect(store.searchProducts({ minPrice: 19.991, maxPrice: 19.999, limit: 3 })).toEqual({
      products: [],
      more: false,
    });
  });

  it('complete product ids by their first digits', () => {
    expect(store.completeProductId('', 3)).toEqual(['1', '2', '3']);
    expect(store.completeProductId('9999', 20)).toEqual([
      '9999',
      ...Array.from({ length: 10 }, (_, digit) => `9999${digit}`),
    ]);
    expect(store.completeProductId('100000', 20)).toEqual(['100000']);
    for (const prefix of ['0', '-1', 'x', '1.5', '100001', '9'.repeat(40)])
      expect(store.completeProductId(prefix, 20)).toEqual([]);
  });

  it('take well under a millisecond', () => {
    const filters = [{ category: 'Books', limit: 20 }, { minPrice: 100, maxPrice: 200, limit: 20 }, { limit: 20 }];
    for (const filter of filters) {
      for (let warm = 0; warm < 200; warm++) store.searchProducts(filter);
      const times = Array.from({ length: 201 }, () => {
        const startedAt = performance.now();
        store.searchProducts(filter);
        return performance.now() - startedAt;
      });
      expect(times.sort((a, b) => a - b)[100]).toBeLessThan(1);
    }
  });
});

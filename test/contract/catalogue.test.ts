import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest';
import { hashOf, SeededFolder, withDatabase } from '../examples/catalogue-database.ts';
import { CatalogueProcess } from '../examples/catalogue-process.ts';
import { startFaultProxy } from '../faults/tcp-proxy.ts';
import { changed, serverDatabases, sqliteDatabases } from './catalogue-databases.ts';

// biome-ignore lint/suspicious/noExplicitAny: JSON from outside, whose shape the tests themselves check
type Json = any;

const { postgresUrl, mysqlUrl } = inject('services');
const SERVERS = [
  { kind: 'PostgreSQL', url: postgresUrl },
  { kind: 'MariaDB', url: mysqlUrl },
];
const KINDS = [sqliteDatabases(), ...SERVERS.map(({ kind, url }) => serverDatabases(kind, url))];

/** A catalogue with a client, on a database that it seeded itself. */
class Catalogue {
  readonly url: string;
  readonly process: CatalogueProcess;
  readonly #client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode: 'auto' } });

  constructor(url: string) {
    this.url = url;
    this.process = new CatalogueProcess({ DATABASE_URL: url });
  }

  async connect(): Promise<void> {
    await this.#client.connect(new StreamableHTTPClientTransport(new URL(await this.process.url())));
  }

  /** A result, the text of what was refused, or the code of a failure. */
  async call(name: string, toolArguments: Record<string, unknown>): Promise<Json> {
    const { isError, structuredContent, content, _meta } = await this.#client.callTool({
      name,
      arguments: toolArguments,
    });
    if (!isError) return structuredContent;
    const [part] = content;
    return _meta?.['peregrine/error'] ?? `refused: ${part?.type === 'text' ? part.text : ''}`;
  }

  async read(uri: string): Promise<Json> {
    const { contents } = await this.#client.readResource({ uri });
    const [content] = contents;
    return JSON.parse(content !== undefined && 'text' in content ? content.text : '');
  }

  async complete(value: string): Promise<string[]> {
    const ref = { type: 'ref/resource' as const, uri: 'product://{id}' };
    return (await this.#client.complete({ ref, argument: { name: 'id', value } })).completion.values;
  }

  /** Puts so many pieces on the shelf, by another way than the catalogue. */
  async stock(productId: number, pieces: number): Promise<void> {
    const sql = 'UPDATE catalogue_product SET stock = ? WHERE id = ?';
    await withDatabase(this.url, (pool) => pool.execute(sql, [pieces, productId]));
  }

  async stop(): Promise<void> {
    await this.#client.close();
    expect(await this.process.end('SIGTERM')).toEqual({ code: 0, stderr: '' });
  }
}

/** A process that ends with its test at the latest. */
function start(url: string): CatalogueProcess {
  const started = new CatalogueProcess({ DATABASE_URL: url });
  onTestFinished(() => void started.child.kill('SIGKILL'));
  return started;
}

/** Every tool and resource, and every way to be refused. */
async function play(catalogue: Catalogue): Promise<Json[]> {
  const search = (filter: Record<string, unknown>) => catalogue.call('search_products', filter);
  const checkout = (user_id: number, ...items: [product_id: number, quantity: number][]) =>
    catalogue.call('checkout', {
      user_id,
      items: items.map(([product_id, quantity]) => ({ product_id, quantity })),
    });
  const cart = await catalogue.call('get_user_cart', { user_id: 42 });
  const [{ product_id: inCart }] = cart.items;
  await catalogue.stock(500, 7);
  await catalogue.stock(inCart, 1);
  return [
    cart,
    await search({}),
    await search({ category: 'Toys', min_price: 20, max_price: 30, limit: 100 }),
    await search({ min_price: 19.99, max_price: 19.99 }),
    await search({ min_price: 1e300 }),
    await search({ min_price: 5, max_price: 4 }),
    await checkout(42, [500, 2], [inCart, 1], [500, 1]),
    await checkout(42, [501, 1]),
    await checkout(42, [500, 5]),
    await checkout(42, [502, 1], [100_001, 1]),
    await checkout(1_001, [502, 1]),
    await checkout(2_147_483_648, [502, 1]),
    await catalogue.call('get_user_cart', { user_id: 42 }),
    await catalogue.call('get_user_cart', { user_id: 1_001 }),
    await catalogue.read('product://500'),
    await catalogue.read('product://502'),
    await catalogue.read('catalogue://categories'),
    await catalogue.complete('1234'),
  ];
}

const reference = new SeededFolder();
const catalogues = new Map<string, Catalogue>();
const catalogueOf = (kind: string): Catalogue => catalogues.get(kind) as Catalogue;

beforeAll(async () => {
  await reference.seed();
  for (const { kind, create } of KINDS) {
    const catalogue = new Catalogue(await create());
    catalogues.set(kind, catalogue);
    await catalogue.connect();
  }
});
afterAll(async () => {
  for (const catalogue of catalogues.values()) await catalogue.stop();
  for (const { remove } of KINDS) await remove();
  reference.remove();
});

describe('the catalogue on every database', () => {
  it('answers alike', async () => {
    const expected = await play(catalogueOf('SQLite'));
    expect(expected[6]).toMatchObject({ order_id: expect.any(Number), items: [{ product_id: 500, quantity: 3 }, {}] });
    expect(expected[8]).toMatch(/^refused: only 4 of product 500 \(.+\) in stock, 5 wanted$/);
    expect(expected[14].stock).toBe(4);
    for (const { kind } of SERVERS) expect(await play(catalogueOf(kind))).toEqual(expected);
  });
});

describe.each(KINDS)('the catalogue on $kind', ({ kind, create }) => {
  const seedingOf = ({ lines }: CatalogueProcess) => lines.filter((line) => line.startsWith('Seeding'));

  it('sells exactly what there is to fifty who order at once, and shows what is left', async () => {
    const catalogue = catalogueOf(kind);
    const filter = { category: 'Books', limit: 1 };
    const { products } = await catalogue.call('search_products', filter);
    const [{ id }] = products;
    await catalogue.stock(id, 10);
    const orders = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        catalogue.call('checkout', { user_id: index + 1, items: [{ product_id: id, quantity: 1 }] }),
      ),
    );
    const refused = orders.filter((answer) => typeof answer === 'string');
    expect(orders.length - refused.length).toBe(10);
    expect(new Set(refused)).toEqual(new Set([expect.stringMatching(/^refused: only 0 of product .+, 1 wanted$/)]));
    expect((await catalogue.read(`product://${id}`)).stock).toBe(0);
    expect((await catalogue.call('search_products', filter)).products[0]).toMatchObject({ id, stock: 0 });
  });

  it('takes orders of the same products in any order at once', async () => {
    const catalogue = catalogueOf(kind);
    const ids = [701, 702, 703, 704];
    for (const id of ids) await catalogue.stock(id, 30);
    const orders = await Promise.all(
      Array.from({ length: 40 }, (_, index) => {
        const turned = [...ids.slice(index % 4), ...ids.slice(0, index % 4)];
        const items = turned.map((product_id) => ({ product_id, quantity: 1 }));
        return catalogue.call('checkout', { user_id: 1 + (index % 3), items });
      }),
    );
    expect(orders.filter((answer) => typeof answer !== 'string')).toHaveLength(30);
    for (const id of ids) expect((await catalogue.read(`product://${id}`)).stock).toBe(0);
  });

  it('is seeded by one of two that start at once, and not again', async () => {
    const url = await create();
    const both = [start(url), start(url)];
    await Promise.all(both.map((each) => each.url()));
    expect(both.map((each) => seedingOf(each).length > 0).sort()).toEqual([false, true]);
    for (const each of both) expect(await each.end('SIGTERM')).toEqual({ code: 0, stderr: '' });
    expect(await withDatabase(url, hashOf)).toBe(reference.hash);

    const next = start(url);
    await next.url();
    expect(seedingOf(next)).toEqual([]);
    expect(await next.end('SIGTERM')).toEqual({ code: 0, stderr: '' });
  });

  it.each(['SIGKILL', 'SIGTERM'] as const)('is seeded anew where %s came in between', async (signal) => {
    const url = await create();
    const ended = start(url);
    await ended.line(/Seeding the catalogue: 10%/);
    expect((await ended.end(signal)).code).toBe(signal === 'SIGTERM' ? 0 : signal);
    expect(ended.lines).not.toContain('Seeding the catalogue: 100%');
    const next = start(url);
    await next.url();
    expect(next.lines).toContain('Seeding the catalogue: 100%');
    expect(await next.end('SIGTERM')).toEqual({ code: 0, stderr: '' });
    expect(await withDatabase(url, hashOf)).toBe(reference.hash);
  });

  it("leaves another program's tables alone", async () => {
    const url = await create();
    await withDatabase(url, async (pool) => {
      await pool.execute('CREATE TABLE catalogue_product (mine VARCHAR(10))');
      await pool.execute('INSERT INTO catalogue_product VALUES (?)', ['mine']);
      const { code, stderr } = await start(url).end();
      expect(code).toBe(1);
      expect(stderr).toMatch(
        /^peregrine: cannot use the database \S+: it holds tables of another program \(catalogue_product\); choose another database\n$/,
      );
      expect(await pool.query('SELECT * FROM catalogue_product')).toEqual([{ mine: 'mine' }]);
    });
  });
});

describe.each(KINDS.slice(1))('the catalogue on $kind, which goes away', ({ create }) => {
  it('tells that calls can be made again, answers what it keeps, and goes on when it is back', async () => {
    const url = await create();
    const proxy = await startFaultProxy({ targetPort: Number(new URL(url).port) });
    onTestFinished(() => proxy.close());
    const catalogue = new Catalogue(changed(url, { port: String(proxy.port) }));
    onTestFinished(() => void catalogue.process.child.kill('SIGKILL'));
    await catalogue.connect();
    const kept = await catalogue.call('search_products', { category: 'Books' });
    await proxy.refuse(true);
    proxy.resetAll();
    const readCart = () => catalogue.call('get_user_cart', { user_id: 1 });
    const order = { user_id: 1, items: [{ product_id: kept.products[0].id, quantity: 1 }] };
    // What is reset while it is lent out is lost; afterwards nobody can be reached.
    expect(await readCart()).toMatchObject({ retryable: true });
    expect(await readCart()).toEqual({ code: 'DB_UNAVAILABLE', retryable: true });
    expect(await catalogue.call('search_products', { category: 'Books' })).toEqual(kept);
    expect(await catalogue.call('checkout', order)).toEqual({ code: 'DB_UNAVAILABLE', retryable: true });
    await proxy.refuse(false);
    // Asked ever again without a pause, the breaker would open.
    await expect.poll(async () => (await readCart()).user_id, { interval: 250, timeout: 60_000 }).toBe(1);
    expect(await catalogue.call('checkout', order)).toMatchObject({ user_id: 1 });
    await catalogue.stop();
  });
});

describe.each(SERVERS)('the catalogue on $kind, which it cannot use', ({ url }) => {
  const end = (parts: Parameters<typeof changed>[1]) => start(changed(url, { password: 'S3cret%21', ...parts })).end();
  const line = (reason: string) =>
    expect.stringMatching(
      new RegExp(`^peregrine: cannot use the database \\w+://127\\.0\\.0\\.1:\\d+/\\w+: ${reason}\n$`),
    );

  it('says in one line that nobody is there, without the password', async () => {
    const { code, stderr } = await end({ port: '1' });
    expect([code, stderr]).toEqual([1, line('cannot be reached \\(connect ECONNREFUSED 127.0.0.1:1\\)')]);
    expect(stderr).not.toMatch(/S3cret/);
  });

  it('says in one line that the password is wrong, without it', async () => {
    const { code, stderr } = await end({});
    expect([code, stderr]).toEqual([1, line('the login was refused \\(.+\\)')]);
    expect(stderr).not.toMatch(/S3cret/);
  });

  it('says in one line that there is no such database', async () => {
    const { password } = new URL(url);
    const { code, stderr } = await end({ password, pathname: '/nowhere' });
    expect([code, stderr]).toEqual([1, line('cannot be reached \\(.*nowhere.*\\)')]);
  });
});

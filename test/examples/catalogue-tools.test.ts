import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli } from '../cli/run-cli.ts';
import { SeededFolder } from './catalogue-database.ts';
import { CatalogueProcess } from './catalogue-process.ts';

// biome-ignore lint/suspicious/noExplicitAny: JSON from outside, whose shape the tests themselves check
type Json = any;

const seeded = new SeededFolder();
beforeAll(() => seeded.seed());
afterAll(() => seeded.remove());

describe('the served catalogue', () => {
  let catalogue: CatalogueProcess;
  let url: string;
  let client: Client;
  beforeAll(async () => {
    catalogue = new CatalogueProcess({ DATABASE_URL: seeded.copy('served') });
    url = await catalogue.url();
    client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode: 'auto' } });
    await client.connect(new StreamableHTTPClientTransport(new URL(url)));
  });
  afterAll(async () => {
    await client.close();
    expect(await catalogue.end('SIGTERM')).toEqual({ code: 0, stderr: '' });
  });

  const call = async (name: string, toolArguments: Record<string, unknown>) => {
    const { isError, structuredContent, content } = await client.callTool({ name, arguments: toolArguments });
    const text = content.map((part) => (part.type === 'text' ? part.text : '')).join('');
    if (isError !== true) expect(JSON.parse(text)).toEqual(structuredContent);
    return { isError: isError ?? false, text, structured: (structuredContent ?? {}) as Json };
  };
  const refusal = (text: string) => ({ isError: true, text, structured: {} });
  const stockOf = async (id: number): Promise<number> => (await readJson(`product://${id}`)).stock;
  const readJson = async (uri: string) => {
    const {
      contents: [content],
    } = await client.readResource({ uri });
    expect(content).toMatchObject({ uri, mimeType: 'application/json' });
    return JSON.parse(content !== undefined && 'text' in content ? content.text : '');
  };

  it('answers the call that it prints, and seeds nothing when everything is there', async () => {
    const [, printed = ''] = await catalogue.line(/^ {2}npx peregrine (.+)$/);
    expect(printed).toBe(`call ${url} search_products '{"category":"Books"}'`);
    const { code, stdout, stderr } = await runCli(...printed.split(' ').map((word) => word.replace(/^'(.*)'$/, '$1')));
    expect([code, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout).products).toHaveLength(20);
    expect(catalogue.lines.join('\n')).not.toContain('Seeding');
  });

  it('keeps the answers of a search until an order changes the stock', async () => {
    const search = async () => (await call('search_products', { category: 'Toys', limit: 3 })).structured.products;
    const before = await search();
    expect(await search()).toEqual(before);
    const { id, stock } = before.find((product: Json) => product.stock > 1);
    await call('checkout', { user_id: 42, items: [{ product_id: id, quantity: 1 }] });
    expect((await search()).find((product: Json) => product.id === id).stock).toBe(stock - 1);
  });

  it('is listed as JSON and nothing else, though it has no prompts', async () => {
    const { code, stdout, stderr } = await runCli('list', url, '--json');
    expect([code, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout)).toMatchObject({ server: { name: 'catalogue', version: '1.0.0' }, prompts: [] });
  });

  it('describes its tools truthfully', async () => {
    const { tools } = await client.listTools();
    expect(
      tools.map(({ name, annotations }) => [
        name,
        annotations?.readOnlyHint,
        annotations?.destructiveHint,
        annotations?.idempotentHint,
      ]),
    ).toEqual(
      [
        ['checkout', false, true, false],
        ['get_user_cart', true, undefined, undefined],
        ['search_products', true, undefined, undefined],
      ].sort((a, b) => tools.findIndex(({ name }) => name === a[0]) - tools.findIndex(({ name }) => name === b[0])),
    );
    for (const tool of tools)
      expect(tool).toMatchObject({
        title: expect.any(String),
        description: expect.any(String),
        outputSchema: { type: 'object' },
      });
    const search = tools.find(({ name }) => name === 'search_products');
    expect(search?.inputSchema).toMatchObject({
      properties: { category: { enum: expect.arrayContaining(['Books']) }, limit: { maximum: 100 } },
    });
    expect(search?.inputSchema.required ?? []).toEqual([]);
  });

  it('searches', async () => {
    const { structured } = await call('search_products', { category: 'Toys', min_price: 20, max_price: 30, limit: 7 });
    expect(structured.products).toHaveLength(7);
    expect(structured.more).toBe(true);
    for (const product of structured.products) {
      expect(product.category).toBe('Toys');
      expect(product.price).toBeGreaterThanOrEqual(20);
      expect(product.price).toBeLessThanOrEqual(30);
    }
    expect((await call('search_products', {})).structured.products).toHaveLength(20);
    expect((await call('search_products', { min_price: 1e6 })).structured).toEqual({ products: [], more: false });
  });

  it('counts the limits in cents, so that 19.99 finds 19.99', async () => {
    const found = async (min_price: number, max_price: number) =>
      (await call('search_products', { min_price, max_price, limit: 3 })).structured.products;
    expect((await found(19.99, 19.99)).map(({ price }: Json) => price)).toEqual([19.99, 19.99, 19.99]);
    expect(await found(19.991, 19.999)).toEqual([]);
    expect(await found(1e300, 1e308)).toEqual([]);
  });

  it.each([
    { category: 'Nonsense' },
    { limit: 0 },
    { limit: 101 },
    { min_price: -1 },
    { max_price: 'much' },
    { min_price: 5, max_price: 4 },
    { min_prise: 5 },
  ])('refuses a search for %j', async (toolArguments) => {
    const { isError, text } = await call('search_products', toolArguments);
    expect(isError).toBe(true);
    expect(text).toContain(Object.keys(toolArguments)[0]);
  });

  it("shows a user's cart, and says when there is no such user", async () => {
    const { structured } = await call('get_user_cart', { user_id: 42 });
    expect(structured).toMatchObject({ user_id: 42, user_name: expect.any(String), past_orders: expect.any(Number) });
    const total = structured.items.reduce(
      (sum: number, { line_total }: { line_total: number }) => sum + Math.round(line_total * 100),
      0,
    );
    expect(Math.round(structured.total * 100)).toBe(total);
    expect(await call('get_user_cart', { user_id: 1_001 })).toEqual(refusal('there is no user 1001'));
  });

  it('checks out: stock sinks, the order counts, the cart forgets what was ordered', async () => {
    const users = Array.from({ length: 50 }, (_, index) => index + 1);
    const carts = await Promise.all(users.map((user_id) => call('get_user_cart', { user_id })));
    const cart = carts.map(({ structured }) => structured).find(({ items }) => items.length >= 2);
    const [ordered, kept] = cart.items;
    const stock = await stockOf(ordered.product_id);
    const { structured: receipt } = await call('checkout', {
      user_id: cart.user_id,
      items: [
        { product_id: ordered.product_id, quantity: 1 },
        { product_id: ordered.product_id, quantity: 1 },
      ],
    });
    expect(receipt).toMatchObject({ user_id: cart.user_id, items: [{ product_id: ordered.product_id, quantity: 2 }] });
    expect(receipt.total).toBe(receipt.items[0].line_total);
    expect(await stockOf(ordered.product_id)).toBe(stock - 2);
    const { structured: after } = await call('get_user_cart', { user_id: cart.user_id });
    expect(after.past_orders).toBe(cart.past_orders + 1);
    expect(after.items.map(({ product_id }: { product_id: number }) => product_id)).not.toContain(ordered.product_id);
    expect(after.items.map(({ product_id }: { product_id: number }) => product_id)).toContain(kept.product_id);
  });

  it('changes nothing when a part of an order cannot be had', async () => {
    const stock = await stockOf(500);
    const { structured: cart } = await call('get_user_cart', { user_id: 9 });
    const first = { product_id: 500, quantity: 1 };
    const {
      structured: { products },
    } = await call('search_products', { limit: 100 });
    const scarce = products.find((product: { stock: number }) => product.stock < 1_000);
    expect(await call('checkout', { user_id: 9, items: [first, { product_id: scarce.id, quantity: 1_000 }] })).toEqual(
      refusal(`only ${scarce.stock} of product ${scarce.id} (${scarce.name}) in stock, 1000 wanted`),
    );
    expect(await call('checkout', { user_id: 9, items: [first, { product_id: 100_001, quantity: 1 }] })).toEqual(
      refusal('there is no product 100001'),
    );
    expect(await call('checkout', { user_id: 5_000, items: [first] })).toEqual(refusal('there is no user 5000'));
    expect((await call('checkout', { user_id: 9, items: [] })).isError).toBe(true);
    expect(await stockOf(500)).toBe(stock);
    expect((await call('get_user_cart', { user_id: 9 })).structured).toEqual(cart);
  });

  it('sells no more than there is to many who order at once', async () => {
    const stock = await stockOf(777);
    const quantity = Math.max(1, Math.ceil(stock / 10));
    const orders = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        call('checkout', { user_id: 100 + index, items: [{ product_id: 777, quantity }] }),
      ),
    );
    const sold = orders.filter(({ isError }) => !isError).length;
    expect(sold).toBe(Math.floor(stock / quantity));
    expect(await stockOf(777)).toBe(stock - sold * quantity);
  });

  it('serves products and categories as resources', async () => {
    const {
      structured: {
        products: [product],
      },
    } = await call('search_products', { category: 'Games', limit: 1 });
    expect(await readJson(`product://${product.id}`)).toEqual({ ...product, description: expect.any(String) });
    const categories = await readJson('catalogue://categories');
    expect(categories).toHaveLength(20);
    expect(categories[0]).toEqual({
      name: 'Books',
      products: 5_000,
      min_price: expect.any(Number),
      max_price: expect.any(Number),
    });
    for (const id of ['100001', '0', '01', '-1', '1e3', 'x'])
      await expect(client.readResource({ uri: `product://${id}` })).rejects.toMatchObject({ code: -32602 });
    const { resourceTemplates } = await client.listResourceTemplates();
    expect(resourceTemplates.map(({ uriTemplate }) => uriTemplate)).toEqual(['product://{id}']);
    expect((await client.listResources()).resources.map(({ uri }) => uri)).toEqual(['catalogue://categories']);
  });

  it('completes the id of a product by its first digits', async () => {
    const complete = async (value: string) => {
      const ref = { type: 'ref/resource' as const, uri: 'product://{id}' };
      return (await client.complete({ ref, argument: { name: 'id', value } })).completion.values;
    };
    expect(await complete('1234')).toEqual(['1234', ...Array.from({ length: 10 }, (_, digit) => `1234${digit}`)]);
    expect((await complete('')).slice(0, 3)).toEqual(['1', '2', '3']);
    expect(await complete('100000')).toEqual(['100000']);
    for (const prefix of ['0', '-1', 'x', '1.5', '100001', '9'.repeat(9), '9'.repeat(40)])
      expect(await complete(prefix)).toEqual([]);
  });

  it('tells a client how to use it', () => {
    expect(client.getInstructions()).toContain('search_products');
  });
});

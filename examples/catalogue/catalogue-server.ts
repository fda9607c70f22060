import { ErrorCode, OptimizedMCPServer, ProtocolError, ResourceTemplate } from 'peregrine-mcp';
import * as z from 'zod';
import { type LineRow, OrderError, placeOrder, toOrder } from './orders.ts';
import { PRODUCTS as PRODUCT_COUNT } from './rows.ts';
import { CATEGORIES } from './vocabulary.ts';

const MAX_RESULTS = 100;
const MAX_INTEGER = 2_147_483_647;
const PRODUCT_ID = /^[1-9]\d{0,8}$/;
/** What the answers of a search go with: an order changes the stock. */
const PRODUCTS = 'products';

const id = z.number().int().positive().max(MAX_INTEGER);
const price = z.number().nonnegative().describe('In the currency unit, such as 19.99');
const productSummary = z.object({
  id: z.number().int(),
  name: z.string(),
  category: z.string(),
  price,
  rating: z.number().min(0).max(5),
  stock: z.number().int(),
});
const searchInput = z.strictObject({
  category: z.enum(CATEGORIES.map(({ name }) => name)).optional(),
  min_price: price.optional(),
  max_price: price.optional(),
  limit: z.number().int().min(1).max(MAX_RESULTS).default(20).describe('How many products at most'),
});
const orderLine = z.object({
  product_id: z.number().int(),
  name: z.string(),
  quantity: z.number().int(),
  unit_price: price,
  line_total: price,
});

interface SummaryRow {
  readonly id: number;
  readonly category_id: number;
  readonly name: string;
  readonly price_cents: number;
  readonly rating: number;
  readonly stock: number;
}
type SearchFilter = z.output<typeof searchInput>;

/** The tools and resources of the shop, on any of the databases. */
export class CatalogueServer extends OptimizedMCPServer {
  protected override setup(): void | Promise<void> {
    this.#registerSearch();
    this.#registerCart();
    this.#registerCheckout();
    this.#registerResources();
  }

  #registerSearch(): void {
    this.registerTool(
      'search_products',
      {
        title: 'Search products',
        description: 'Finds products by category and price, the cheapest first.',
        inputSchema: searchInput,
        outputSchema: z.object({
          products: z.array(productSummary),
          more: z.boolean().describe('Whether further products fit'),
        }),
        annotations: { readOnlyHint: true, openWorldHint: false },
        // The same for everybody, until somebody's order takes products out of stock.
        cache: { ttlSeconds: 3_600, scope: 'public', tags: [PRODUCTS] },
      },
      async (filter) => {
        const { min_price, max_price } = filter;
        if (min_price !== undefined && max_price !== undefined && min_price > max_price) {
          return toError(`min_price (${min_price}) is above max_price (${max_price})`);
        }
        return toResult(await this.#search(filter));
      },
    );
  }

  #registerCart(): void {
    this.registerTool(
      'get_user_cart',
      {
        title: "Get a user's cart",
        description: "Shows what lies in a user's cart, and how many orders the user has placed.",
        inputSchema: z.strictObject({ user_id: id }),
        outputSchema: z.object({
          user_id: z.number().int(),
          user_name: z.string(),
          items: z.array(orderLine),
          total: price,
          past_orders: z.number().int(),
        }),
        annotations: { readOnlyHint: true, openWorldHint: false },
      },
      async ({ user_id }) => {
        const cart = await this.#findCart(user_id);
        return cart === undefined ? toError(`there is no user ${user_id}`) : toResult(cart);
      },
    );
  }

  #registerCheckout(): void {
    this.registerTool(
      'checkout',
      {
        title: 'Check out',
        description:
          "Orders products for a user: takes them out of stock and out of the user's cart. Cannot be undone.",
        inputSchema: z.strictObject({
          user_id: id,
          items: z
            .array(
              z.object({
                product_id: id,
                quantity: z.number().int().min(1).max(1_000),
              }),
            )
            .min(1)
            .max(50),
        }),
        outputSchema: z.object({
          order_id: z.number().int(),
          user_id: z.number().int(),
          items: z.array(orderLine),
          total: price,
        }),
        annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: false },
      },
      async ({ user_id, items }, { mcpReq }) => {
        let mayHaveSold = true; // where the connection broke off at the end as well
        try {
          const { orderId, lines } = await placeOrder(this.database(), user_id, items, mcpReq.signal);
          const { items: ordered, cents } = toOrder(lines);
          return toResult({ order_id: orderId, user_id, items: ordered, total: cents / 100 });
        } catch (error) {
          if (!(error instanceof OrderError)) throw error;
          mayHaveSold = false;
          return toError(error.message);
        } finally {
          if (mayHaveSold) await this.cache.invalidate({ tags: [PRODUCTS] });
        }
      },
    );
  }

  #registerResources(): void {
    this.registerResource(
      'categories',
      'catalogue://categories',
      {
        title: 'Categories',
        description: 'The categories, each with its number of products and its range of prices',
        mimeType: 'application/json',
        // Neither names nor prices ever change.
        cache: { ttlSeconds: 3_600, scope: 'public' },
      },
      async (uri, { mcpReq }) => toJsonContents(uri, await this.#listCategories(mcpReq.signal)),
    );

    this.registerResource(
      'product',
      new ResourceTemplate('product://{id}', {
        list: undefined, // 100,000 of them: search_products finds them
        complete: { id: (value) => this.#completeProductId(value) },
      }),
      {
        title: 'Product',
        description: 'One product with its description',
        mimeType: 'application/json',
      },
      async (uri, variables, { mcpReq }) => {
        const text = String(variables.id);
        const product = PRODUCT_ID.test(text) ? await this.#findProduct(Number(text), mcpReq.signal) : undefined;
        if (product === undefined)
          throw new ProtocolError(ErrorCode.InvalidParams, `there is no product ${text}`, { uri: uri.href });
        return toJsonContents(uri, product);
      },
    );
  }

  /** The cheapest products that fit, in the order of an index, so that the first page costs what it shows. */
  async #search({ category, min_price = 0, max_price, limit }: SearchFilter) {
    // A limit between two cents means the cents inside it; the tiny amount is what 19.99 * 100 falls short of 1999.
    const low = Math.min(Math.ceil(min_price * 100 - 1e-6), MAX_INTEGER);
    const high = max_price === undefined ? MAX_INTEGER : Math.min(Math.floor(max_price * 100 + 1e-6), MAX_INTEGER);
    const ofCategory = CATEGORIES.findIndex(({ name }) => name === category) + 1;
    const rows = await this.queryDatabase<SummaryRow>(
      `SELECT id, name, category_id, price_cents, rating, stock FROM catalogue_product
      WHERE ${category === undefined ? '' : 'category_id = ? AND '}price_cents BETWEEN ? AND ?
      ORDER BY price_cents, id LIMIT ?`,
      [...(category === undefined ? [] : [ofCategory]), low, high, limit + 1],
    );
    return { products: rows.slice(0, limit).map(toSummary), more: rows.length > limit };
  }

  /** @returns Nothing for a user that does not exist. */
  async #findCart(userId: number) {
    const [user] = await this.queryDatabase<{ name: string; orders: number }>(
      `SELECT name, (SELECT count(*) FROM catalogue_purchase WHERE user_id = catalogue_user.id) AS orders
      FROM catalogue_user WHERE id = ?`,
      [userId],
    );
    if (user === undefined) return undefined;
    const lines = await this.queryDatabase<LineRow>(
      `SELECT product_id, name, quantity, price_cents FROM catalogue_cart_line
      JOIN catalogue_product ON catalogue_product.id = product_id WHERE user_id = ? ORDER BY product_id`,
      [userId],
    );
    const { items, cents } = toOrder(lines);
    return { user_id: userId, user_name: user.name, items, total: cents / 100, past_orders: user.orders };
  }

  async #listCategories(signal: AbortSignal) {
    const rows = await this.queryDatabase<{ name: string; products: number; low: number; high: number }>(
      `SELECT catalogue_category.name AS name, count(*) AS products, min(price_cents) AS low, max(price_cents) AS high
      FROM catalogue_category JOIN catalogue_product ON category_id = catalogue_category.id
      GROUP BY catalogue_category.id, catalogue_category.name ORDER BY catalogue_category.id`,
      [],
      { signal },
    );
    return rows.map(({ name, products, low, high }) => ({
      name,
      products,
      min_price: low / 100,
      max_price: high / 100,
    }));
  }

  async #findProduct(productId: number, signal: AbortSignal) {
    const [row] = await this.queryDatabase<SummaryRow & { readonly description: string }>(
      'SELECT * FROM catalogue_product WHERE id = ?',
      [productId],
      { signal },
    );
    return row && { ...toSummary(row), description: row.description };
  }

  /** Ids that begin with these digits, the smallest first: 7, 70 to 79, 700 to 799, ... */
  async #completeProductId(prefix: string): Promise<string[]> {
    if (prefix === '') return this.#productIds(1, PRODUCT_COUNT, MAX_RESULTS);
    if (!PRODUCT_ID.test(prefix)) return [];
    const ids: string[] = [];
    const first = Number(prefix);
    for (let width = 1; first * width <= PRODUCT_COUNT && ids.length < MAX_RESULTS; width *= 10)
      ids.push(...(await this.#productIds(first * width, (first + 1) * width - 1, MAX_RESULTS - ids.length)));
    return ids;
  }

  async #productIds(first: number, last: number, limit: number): Promise<string[]> {
    const rows = await this.queryDatabase<{ id: number }>(
      'SELECT id FROM catalogue_product WHERE id BETWEEN ? AND ? ORDER BY id LIMIT ?',
      [first, last, limit],
    );
    return rows.map((row) => String(row.id));
  }
}

function toSummary({ id, name, category_id, price_cents, rating, stock }: SummaryRow) {
  return { id, name, category: CATEGORIES[category_id - 1]?.name ?? '', price: price_cents / 100, rating, stock };
}

function toJsonContents(uri: URL, value: object) {
  return { contents: [{ uri: uri.href, mimeType: 'application/json', text: JSON.stringify(value) }] };
}

/** Structured for programs, and the same as text for clients that know only texts. */
function toResult<T extends object>(structured: T) {
  return {
    content: [{ type: 'text' as const, text: JSON.stringify(structured) }],
    structuredContent: { ...structured },
  };
}

function toError(text: string) {
  return { isError: true, content: [{ type: 'text' as const, text }] };
}

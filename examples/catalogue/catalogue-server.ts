import { ErrorCode, OptimizedMCPServer, ProtocolError, ResourceTemplate } from 'peregrine-mcp';
import * as z from 'zod';
import { type CatalogueStore, OrderError } from './store.ts';
import { CATEGORIES } from './vocabulary.ts';

const MAX_RESULTS = 100;
/** What the answers of a search go with: an order changes the stock. */
const PRODUCTS = 'products';

const price = z.number().nonnegative().describe('In the currency unit, such as 19.99');
const productSummary = z.object({
  id: z.number().int(),
  name: z.string(),
  category: z.string(),
  price,
  rating: z.number().min(0).max(5),
  stock: z.number().int(),
});
const orderLine = z.object({
  product_id: z.number().int(),
  name: z.string(),
  quantity: z.number().int(),
  unit_price: price,
  line_total: price,
});

/** The tools and resources of the shop. */
export abstract class CatalogueServer extends OptimizedMCPServer {
  protected abstract readonly store: CatalogueStore;

  protected override setup(): void {
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
        inputSchema: z.strictObject({
          category: z.enum(CATEGORIES.map(({ name }) => name)).optional(),
          min_price: price.optional(),
          max_price: price.optional(),
          limit: z.number().int().min(1).max(MAX_RESULTS).default(20).describe('How many products at most'),
        }),
        outputSchema: z.object({
          products: z.array(productSummary),
          more: z.boolean().describe('Whether further products fit'),
        }),
        annotations: { readOnlyHint: true, openWorldHint: false },
        // The same for everybody, until somebody's order takes products out of stock.
        cache: { ttlSeconds: 3_600, scope: 'public', tags: [PRODUCTS] },
      },
      async ({ category, min_price, max_price, limit }) => {
        if (min_price !== undefined && max_price !== undefined && min_price > max_price) {
          return toError(`min_price (${min_price}) is above max_price (${max_price})`);
        }
        return toResult(this.store.searchProducts({ category, minPrice: min_price, maxPrice: max_price, limit }));
      },
    );
  }

  #registerCart(): void {
    this.registerTool(
      'get_user_cart',
      {
        title: "Get a user's cart",
        description: "Shows what lies in a user's cart, and how many orders the user has placed.",
        inputSchema: z.strictObject({ user_id: z.number().int().positive() }),
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
        const cart = this.store.findCart(user_id);
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
          user_id: z.number().int().positive(),
          items: z
            .array(
              z.object({
                product_id: z.number().int().positive(),
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
      async ({ user_id, items }) => {
        try {
          const order = this.store.checkout(user_id, items);
          await this.cache.invalidate({ tags: [PRODUCTS] });
          return toResult(order);
        } catch (error) {
          if (error instanceof OrderError) return toError(error.message);
          throw error;
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
      },
      async (uri) => ({
        contents: [{ uri: uri.href, mimeType: 'application/json', text: JSON.stringify(this.store.listCategories()) }],
      }),
    );

    this.registerResource(
      'product',
      new ResourceTemplate('product://{id}', {
        list: undefined, // 100,000 of them: search_products finds them
        complete: { id: (value) => this.store.completeProductId(value, MAX_RESULTS) },
      }),
      {
        title: 'Product',
        description: 'One product with its description',
        mimeType: 'application/json',
      },
      async (uri, { id }) => {
        const product = /^[1-9]\d{0,8}$/.test(String(id)) ? this.store.findProduct(Number(id)) : undefined;
        if (product === undefined)
          throw new ProtocolError(ErrorCode.InvalidParams, `there is no product ${String(id)}`, { uri: uri.href });
        return { contents: [{ uri: uri.href, mimeType: 'application/json', text: JSON.stringify(product) }] };
      },
    );
  }
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

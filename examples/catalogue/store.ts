import type { Statements } from './database.ts';

export interface ProductSummary {
  readonly id: number;
  readonly name: string;
  readonly category: string;
  /** In the currency unit; the database counts cents. */
  readonly price: number;
  readonly rating: number;
  readonly stock: number;
}
export interface Product extends ProductSummary {
  readonly description: string;
}
export interface CategorySummary {
  readonly name: string;
  readonly products: number;
  readonly min_price: number;
  readonly max_price: number;
}
export interface SearchFilter {
  readonly category?: string | undefined;
  readonly minPrice?: number | undefined;
  readonly maxPrice?: number | undefined;
  readonly limit: number;
}
export interface OrderLine {
  readonly product_id: number;
  readonly name: string;
  readonly quantity: number;
  readonly unit_price: number;
  readonly line_total: number;
}
export interface Cart {
  readonly user_id: number;
  readonly user_name: string;
  readonly items: OrderLine[];
  readonly total: number;
  readonly past_orders: number;
}
export interface Receipt {
  readonly order_id: number;
  readonly user_id: number;
  readonly items: OrderLine[];
  readonly total: number;
}
export interface WantedItem {
  readonly product_id: number;
  readonly quantity: number;
}

interface ProductRow {
  id: number;
  category_id: number;
  name: string;
  description: string;
  price_cents: number;
  stock: number;
  rating: number;
}
interface LineRow {
  product_id: number;
  name: string;
  quantity: number;
  price_cents: number;
}

/** An order that cannot be taken, with the reason as its message; nothing was changed. */
export class OrderError extends Error {
  override readonly name = 'OrderError';
}

/** Every query of the example, so that the database behind it can be exchanged here alone. */
export class CatalogueStore {
  readonly #db: Statements;
  readonly #categoryNames = new Map<number, string>();
  readonly #categoryIds = new Map<string, number>();
  #categories: CategorySummary[] | undefined;

  constructor(db: Statements) {
    this.#db = db;
    for (const { id, name } of db.all<{ id: number; name: string }>('SELECT id, name FROM category')) {
      this.#categoryNames.set(id, name);
      this.#categoryIds.set(name, id);
    }
  }

  /** The cheapest products that fit, in the order of an index, so that the first page costs what it shows. */
  searchProducts({ category, minPrice = 0, maxPrice, limit }: SearchFilter): {
    products: ProductSummary[];
    more: boolean;
  } {
    // A limit between two cents means the cents inside it; the tiny amount is what 19.99 * 100 falls short of 1999.
    const range = [
      Math.ceil(minPrice * 100 - 1e-6),
      maxPrice === undefined ? Number.MAX_SAFE_INTEGER : Math.floor(maxPrice * 100 + 1e-6),
    ];
    const where = `${category === undefined ? '' : 'category_id = ? AND '}price_cents BETWEEN ? AND ?`;
    const rows = this.#db.all<ProductRow>(
      `SELECT id, name, category_id, price_cents, rating, stock FROM product WHERE ${where} ORDER BY price_cents, id LIMIT ?`,
      ...(category === undefined ? [] : [this.#categoryIds.get(category) ?? 0]),
      ...range,
      limit + 1,
    );
    return { products: rows.slice(0, limit).map((row) => this.#toSummary(row)), more: rows.length > limit };
  }

  findProduct(id: number): Product | undefined {
    const row = this.#db.get<ProductRow>('SELECT * FROM product WHERE id = ?', id);
    return row && { ...this.#toSummary(row), description: row.description };
  }

  /** Ids that begin with these digits, the smallest first: 7, 70 to 79, 700 to 799, ... */
  completeProductId(prefix: string, limit: number): string[] {
    if (prefix === '') return this.#productIds(1, Number.MAX_SAFE_INTEGER, limit);
    if (!/^[1-9]\d{0,8}$/.test(prefix)) return [];
    const ids: string[] = [];
    for (let width = 1; width < 1e9 && ids.length < limit; width *= 10) {
      ids.push(...this.#productIds(Number(prefix) * width, (Number(prefix) + 1) * width - 1, limit - ids.length));
    }
    return ids;
  }

  /** Asked of the database once: neither names nor prices ever change. */
  listCategories(): CategorySummary[] {
    this.#categories ??= this.#db
      .all<{ category_id: number; products: number; low: number; high: number }>(
        'SELECT category_id, count(*) AS products, min(price_cents) AS low, max(price_cents) AS high FROM product GROUP BY category_id',
      )
      .map(({ category_id, products, low, high }) => ({
        name: this.#categoryNames.get(category_id) ?? '',
        products,
        min_price: low / 100,
        max_price: high / 100,
      }));
    return this.#categories;
  }

  /** @returns Nothing for a user that does not exist. */
  findCart(userId: number): Cart | undefined {
    const user = this.#db.get<{ name: string }>('SELECT name FROM user WHERE id = ?', userId);
    if (user === undefined) return undefined;
    const rows = this.#db.all<LineRow>(
      'SELECT product_id, name, quantity, price_cents FROM cart_line JOIN product ON product.id = product_id WHERE user_id = ? ORDER BY product_id',
      userId,
    );
    const orders = this.#db.get<{ count: number }>('SELECT count(*) AS count FROM purchase WHERE user_id = ?', userId);
    return { user_id: userId, user_name: user.name, ...toOrder(rows), past_orders: orders?.count ?? 0 };
  }

  /**
   * Takes the goods out of stock, writes the order and removes these products from the user's cart; all of it or nothing.
   *
   * @throws {OrderError}
   */
  checkout(userId: number, items: readonly WantedItem[]): Receipt {
    const wanted = new Map<number, number>();
    for (const { product_id, quantity } of items) wanted.set(product_id, (wanted.get(product_id) ?? 0) + quantity);
    return this.#db.transaction(() => {
      if (this.#db.get('SELECT 1 FROM user WHERE id = ?', userId) === undefined)
        throw new OrderError(`there is no user ${userId}`);
      const rows = [...wanted].map(([productId, quantity]) => this.#take(productId, quantity));
      const order = toOrder(rows);
      const orderId = this.#db.run(
        'INSERT INTO purchase (user_id, ordered_at, total_cents) VALUES (?, ?, ?)',
        userId,
        new Date().toISOString(),
        Math.round(order.total * 100),
      );
      for (const { product_id, quantity, price_cents } of rows) {
        this.#db.run('INSERT INTO purchase_line VALUES (?, ?, ?, ?)', orderId, product_id, quantity, price_cents);
        this.#db.run('DELETE FROM cart_line WHERE user_id = ? AND product_id = ?', userId, product_id);
      }
      return { order_id: orderId, user_id: userId, ...order };
    });
  }

  close(): void {
    this.#db.close();
  }

  #take(productId: number, quantity: number): LineRow {
    const product = this.#db.get<ProductRow>('SELECT * FROM product WHERE id = ?', productId);
    if (product === undefined) throw new OrderError(`there is no product ${productId}`);
    const { name, stock, price_cents } = product;
    if (stock < quantity)
      throw new OrderError(`only ${stock} of product ${productId} (${name}) in stock, ${quantity} wanted`);
    this.#db.run('UPDATE product SET stock = stock - ? WHERE id = ?', quantity, productId);
    return { product_id: productId, name, quantity, price_cents };
  }

  #productIds(first: number, last: number, limit: number): string[] {
    return this.#db
      .all<{ id: number }>('SELECT id FROM product WHERE id BETWEEN ? AND ? ORDER BY id LIMIT ?', first, last, limit)
      .map(({ id }) => String(id));
  }

  #toSummary({ id, name, category_id, price_cents, rating, stock }: ProductRow): ProductSummary {
    return { id, name, category: this.#categoryNames.get(category_id) ?? '', price: price_cents / 100, rating, stock };
  }
}

function toOrder(rows: readonly LineRow[]): { items: OrderLine[]; total: number } {
  const items = rows.map(({ product_id, name, quantity, price_cents }) => ({
    product_id,
    name,
    quantity,
    unit_price: price_cents / 100,
    line_total: (quantity * price_cents) / 100,
  }));
  return { items, total: rows.reduce((cents, { quantity, price_cents }) => cents + quantity * price_cents, 0) / 100 };
}

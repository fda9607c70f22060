import { PeregrineError, placeholders, type SqlPool, type SqlTransaction } from 'peregrine-mcp';

export interface LineRow {
  readonly product_id: number;
  readonly name: string;
  readonly quantity: number;
  readonly price_cents: number;
}

interface Order {
  readonly userId: number;
  /** How many of each product, by its id. */
  readonly wanted: ReadonlyMap<number, number>;
}

/** Transactions that collide with others are run again, at most so often in all. */
const ATTEMPTS = 5;

/** An order that cannot be taken, with the reason as its message; nothing was changed. */
export class OrderError extends Error {
  override readonly name = 'OrderError';
}

/**
 * Takes the goods out of stock, writes the order and removes these products from the user's cart; all of it or nothing.
 *
 * @throws {OrderError} @throws {PeregrineError} as `SqlPool.transaction` does
 */
export async function placeOrder(
  pool: SqlPool,
  userId: number,
  items: readonly { readonly product_id: number; readonly quantity: number }[],
  signal: AbortSignal,
): Promise<{ orderId: number; lines: LineRow[] }> {
  const wanted = new Map<number, number>();
  for (const { product_id, quantity } of items) wanted.set(product_id, (wanted.get(product_id) ?? 0) + quantity);
  for (let attempt = 1; ; attempt++) {
    try {
      return await pool.transaction((transaction) => takeAndWrite(transaction, { userId, wanted }), { signal });
    } catch (error) {
      const isCollision = error instanceof PeregrineError && error.code === 'DB_DEADLOCK';
      if (!isCollision || attempt === ATTEMPTS) throw error;
    }
  }
}

async function takeAndWrite(transaction: SqlTransaction, { userId, wanted }: Order) {
  const lines = await take(transaction, { userId, wanted });
  const { insertId } = await transaction.execute(
    'INSERT INTO catalogue_purchase (user_id, ordered_at, total_cents) VALUES (?, ?, ?)',
    [userId, new Date().toISOString(), toOrder(lines).cents],
  );
  const orderId = Number(insertId ?? (await lastIdOfPostgres(transaction)));
  for (const { product_id, quantity, price_cents } of lines) {
    await transaction.execute('INSERT INTO catalogue_purchase_line VALUES (?, ?, ?, ?)', [
      orderId,
      product_id,
      quantity,
      price_cents,
    ]);
    await transaction.execute('DELETE FROM catalogue_cart_line WHERE user_id = ? AND product_id = ?', [
      userId,
      product_id,
    ]);
  }
  return { orderId, lines };
}

/**
 * The condition is part of the update, so nobody can take the same pieces in between; all orders take products in the
 * order of their ids, so no two wait for each other. Reading comes after it: what was read before could be outdated.
 */
async function take(transaction: SqlTransaction, { userId, wanted }: Order): Promise<LineRow[]> {
  const ids = [...wanted.keys()].sort((a, b) => a - b);
  const taken = new Set<number>();
  for (const id of ids) {
    const quantity = wanted.get(id) ?? 0;
    const { changes } = await transaction.execute(
      'UPDATE catalogue_product SET stock = stock - ? WHERE id = ? AND stock >= ?',
      [quantity, id, quantity],
    );
    if (changes === 1) taken.add(id);
  }
  const users = await transaction.query('SELECT id FROM catalogue_user WHERE id = ?', [userId]);
  if (users.length === 0) throw new OrderError(`there is no user ${userId}`);
  const products = await transaction.query<{ id: number; name: string; stock: number; price_cents: number }>(
    `SELECT id, name, stock, price_cents FROM catalogue_product WHERE id IN (${placeholders(ids.length)})`,
    ids,
  );
  const byId = new Map(products.map((product) => [product.id, product]));
  return [...wanted].map(([id, quantity]) => {
    const product = byId.get(id);
    if (product === undefined) throw new OrderError(`there is no product ${id}`);
    const { name, stock, price_cents } = product;
    if (!taken.has(id)) throw new OrderError(`only ${stock} of product ${id} (${name}) in stock, ${quantity} wanted`);
    return { product_id: id, name, quantity, price_cents };
  });
}

async function lastIdOfPostgres(transaction: SqlTransaction): Promise<number | undefined> {
  const [row] = await transaction.query<{ id: number }>('SELECT lastval() AS id');
  return row?.id;
}

/** Lines as they are shown, and what they cost together. */
export function toOrder(lines: readonly LineRow[]) {
  const cents = lines.reduce((sum, { quantity, price_cents }) => sum + quantity * price_cents, 0);
  const items = lines.map(({ product_id, name, quantity, price_cents }) => ({
    product_id,
    name,
    quantity,
    unit_price: price_cents / 100,
    line_total: (quantity * price_cents) / 100,
  }));
  return { items, cents };
}

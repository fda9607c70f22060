import type { DatabaseSync } from 'node:sqlite';
import { setImmediate as letEventsThrough } from 'node:timers/promises';
import { CATEGORIES, FIRST_NAMES, LAST_NAMES, SERVICES, type Vocabulary } from './vocabulary.ts';

export const PRODUCTS = 100_000;
export const USERS = 1_000;
/** Of everything in this file: a database with another number in its `user_version` is seeded anew. */
export const SCHEMA_VERSION = 1;

const MAX_CART_LINES = 5;
const MAX_ORDERS = 8;
const MAX_ORDER_LINES = 4;
const FIRST_ORDER_AT = Date.UTC(2025, 0, 1);
const YEAR_MS = 365 * 24 * 3_600_000;
/** Rows between two reports, which are also the moments when a stop is noticed. */
const BATCH = 5_000;

export const TABLES = Object.freeze(['category', 'product', 'user', 'cart_line', 'purchase', 'purchase_line']);

const SCHEMA = `
  CREATE TABLE category (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
  CREATE TABLE product (
    id INTEGER PRIMARY KEY, category_id INTEGER NOT NULL, name TEXT NOT NULL, description TEXT NOT NULL,
    price_cents INTEGER NOT NULL, stock INTEGER NOT NULL CHECK (stock >= 0), rating REAL NOT NULL) STRICT;
  CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL) STRICT;
  CREATE TABLE cart_line (
    user_id INTEGER NOT NULL, product_id INTEGER NOT NULL, quantity INTEGER NOT NULL,
    PRIMARY KEY (user_id, product_id)) STRICT, WITHOUT ROWID;
  CREATE TABLE purchase (
    id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL, ordered_at TEXT NOT NULL, total_cents INTEGER NOT NULL) STRICT;
  CREATE TABLE purchase_line (
    purchase_id INTEGER NOT NULL, product_id INTEGER NOT NULL, quantity INTEGER NOT NULL, price_cents INTEGER NOT NULL,
    PRIMARY KEY (purchase_id, product_id)) STRICT, WITHOUT ROWID;`;

// Made after the rows, which is faster; the searches are answered in the order of these, cheapest first.
const INDICES = `
  CREATE INDEX product_by_category_and_price ON product (category_id, price_cents, id);
  CREATE INDEX product_by_price ON product (price_cents, id);
  CREATE INDEX purchase_by_user ON purchase (user_id);`;

export type Progress = (done: number, total: number) => void;

/**
 * Fills an empty database; the caller holds the transaction around it.
 *
 * @throws The signal's reason, when it is aborted meanwhile.
 */
export async function seed(db: DatabaseSync, progress: Progress, signal?: AbortSignal): Promise<void> {
  db.exec(SCHEMA);
  const insertCategory = db.prepare('INSERT INTO category VALUES (?, ?)');
  for (const [index, { name }] of CATEGORIES.entries()) insertCategory.run(index + 1, name);
  const total = PRODUCTS + USERS;
  const prices = new Uint32Array(PRODUCTS + 1);
  const insertProduct = db.prepare('INSERT INTO product VALUES (?, ?, ?, ?, ?, ?, ?)');
  const random = createRandom(0x5eed_0001);
  for (let id = 1; id <= PRODUCTS; id++) {
    prices[id] = seedProduct(insertProduct, id, random);
    if (id % BATCH === 0) await pause(progress, id, total, signal);
  }
  seedUsers(db, prices);
  db.exec(INDICES);
  await pause(progress, total, total, signal);
}

type Insert = ReturnType<DatabaseSync['prepare']>;
type Random = () => number;

async function pause(progress: Progress, done: number, total: number, signal: AbortSignal | undefined): Promise<void> {
  progress(done, total);
  await letEventsThrough();
  signal?.throwIfAborted();
}

/** @returns The product's price, in cents. */
function seedProduct(insert: Insert, id: number, random: Random): number {
  const categoryIndex = (id - 1) % CATEGORIES.length;
  const category = at(CATEGORIES, categoryIndex);
  const digits = toDigits(category, Math.floor((id - 1) / CATEGORIES.length));
  const name = digits.map((digit, part) => at(at(category.parts, part), digit)).join(' ');
  const description = `${pick(category.pitches, random)} ${pick(SERVICES, random)}`;
  // From 0.45 to 2.2 times what such a thing usually costs, and ending as prices in shops do.
  const price = at(category.usualPrices, at(digits, category.pricedBy)) * Math.exp(1.6 * (random() - 0.5));
  const cents = Math.floor(price) * 100 + pick([0, 49, 95, 99, 99], random);
  const stock = random() < 0.03 ? 0 : 1 + Math.floor(random() * 500);
  const rating = Math.round(10 * Math.min(5, 3.2 + 0.9 * (random() + random()))) / 10;
  insert.run(id, categoryIndex + 1, name, description, cents, stock, rating);
  return cents;
}

/** The n-th combination of a category's parts; no two are alike while n stays below the product of the parts' lengths. */
function toDigits({ parts }: Vocabulary, n: number): number[] {
  const combinations = parts.reduce((product, part) => product * part.length, 1);
  let rest = (n * 7_919) % combinations; // a prime that divides no list's length, hence a permutation
  return parts.map(({ length }) => {
    const digit = rest % length;
    rest = Math.floor(rest / length);
    return digit;
  });
}

function seedUsers(db: DatabaseSync, prices: Uint32Array): void {
  const random = createRandom(0x5eed_0002);
  const insertUser = db.prepare('INSERT INTO user VALUES (?, ?, ?)');
  const insertCartLine = db.prepare('INSERT INTO cart_line VALUES (?, ?, ?)');
  const insertPurchase = db.prepare('INSERT INTO purchase VALUES (?, ?, ?, ?)');
  const insertPurchaseLine = db.prepare('INSERT INTO purchase_line VALUES (?, ?, ?, ?)');
  let purchaseId = 0;
  for (let userId = 1; userId <= USERS; userId++) {
    const [first, last] = [pick(FIRST_NAMES, random), pick(LAST_NAMES, random)];
    insertUser.run(userId, `${first} ${last}`, `${first}.${last}.${userId}@example.com`.toLowerCase());
    for (const { productId, quantity } of pickLines(MAX_CART_LINES, random))
      insertCartLine.run(userId, productId, quantity);
    for (let orders = 1 + Math.floor(random() * MAX_ORDERS); orders > 0; orders--) {
      const lines = pickLines(MAX_ORDER_LINES, random);
      const orderedAt = new Date(FIRST_ORDER_AT + Math.floor(random() * YEAR_MS)).toISOString();
      let totalCents = 0;
      purchaseId++;
      for (const { productId, quantity } of lines) {
        insertPurchaseLine.run(purchaseId, productId, quantity, at(prices, productId));
        totalCents += quantity * at(prices, productId);
      }
      insertPurchase.run(purchaseId, userId, orderedAt, totalCents);
    }
  }
}

interface Line {
  readonly productId: number;
  readonly quantity: number;
}

/** One line or more, no two of the same product. */
function pickLines(most: number, random: Random): Line[] {
  const lines = new Map<number, Line>();
  for (let count = 1 + Math.floor(random() * most); count > 0; count--) {
    const productId = 1 + Math.floor(random() * PRODUCTS);
    lines.set(productId, { productId, quantity: 1 + Math.floor(random() ** 2 * 4) });
  }
  return [...lines.values()];
}

function pick<T>(list: readonly T[], random: Random): T {
  return at(list, Math.floor(random() * list.length));
}

function at<T>(list: ArrayLike<T>, index: number): T {
  const value = list[index];
  if (value === undefined) throw new RangeError(`nothing at ${index} of ${list.length}`);
  return value;
}

/** mulberry32: the same numbers from the same seed, on every machine. */
function createRandom(seedValue: number): Random {
  let state = seedValue;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

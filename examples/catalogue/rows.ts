import { CATEGORIES, FIRST_NAMES, LAST_NAMES, SERVICES, type Vocabulary } from './vocabulary.ts';

export const PRODUCTS = 100_000;
export const USERS = 1_000;

const MAX_CART_LINES = 5;
const MAX_ORDERS = 8;
const MAX_ORDER_LINES = 4;
const FIRST_ORDER_AT = Date.UTC(2025, 0, 1);
const YEAR_MS = 365 * 24 * 3_600_000;

/** A row of the catalogue with the table that it goes into. */
export type SeedRow = readonly [table: string, values: readonly (number | string)[]];

/** Everything that the catalogue begins with: the same rows every time, those of one table in the order of their keys. */
export function* generateRows(): Generator<SeedRow> {
  for (const [index, { name }] of CATEGORIES.entries()) yield ['catalogue_category', [index + 1, name]];
  const prices = new Uint32Array(PRODUCTS + 1);
  const random = createRandom(0x5eed_0001);
  for (let id = 1; id <= PRODUCTS; id++) {
    const product = generateProduct(id, random);
    prices[id] = product.cents;
    yield ['catalogue_product', product.values];
  }
  yield* generateUsers(prices);
}

type Random = () => number;

function generateProduct(id: number, random: Random): { cents: number; values: SeedRow[1] } {
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
  return { cents, values: [id, categoryIndex + 1, name, description, cents, stock, rating] };
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

function* generateUsers(prices: Uint32Array): Generator<SeedRow> {
  const random = createRandom(0x5eed_0002);
  let purchaseId = 0;
  for (let userId = 1; userId <= USERS; userId++) {
    const [first, last] = [pick(FIRST_NAMES, random), pick(LAST_NAMES, random)];
    yield ['catalogue_user', [userId, `${first} ${last}`, `${first}.${last}.${userId}@example.com`.toLowerCase()]];
    for (const { productId, quantity } of pickLines(MAX_CART_LINES, random))
      yield ['catalogue_cart_line', [userId, productId, quantity]];
    for (let orders = 1 + Math.floor(random() * MAX_ORDERS); orders > 0; orders--) {
      const lines = pickLines(MAX_ORDER_LINES, random);
      const orderedAt = new Date(FIRST_ORDER_AT + Math.floor(random() * YEAR_MS)).toISOString();
      let totalCents = 0;
      purchaseId++;
      for (const { productId, quantity } of lines) {
        yield ['catalogue_purchase_line', [purchaseId, productId, quantity, at(prices, productId)]];
        totalCents += quantity * at(prices, productId);
      }
      yield ['catalogue_purchase', [purchaseId, userId, orderedAt, totalCents]];
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

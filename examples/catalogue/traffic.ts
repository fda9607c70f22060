/**
 * Calls a running catalogue for a while, as some customers would at once, and prints how many answers came.
 *
 *     node examples/catalogue/traffic.ts [url] [seconds] [customers]
 */
import { setTimeout as pause } from 'node:timers/promises';
import { CATEGORIES } from './vocabulary.ts';

const [url = 'http://127.0.0.1:3000/mcp', seconds = '60', customers = '12'] = process.argv.slice(2);
const VERSION = '2026-07-28';
const META = {
  'io.modelcontextprotocol/protocolVersion': VERSION,
  'io.modelcontextprotocol/clientCapabilities': {},
};
/** Of a customer between two calls, in milliseconds: the mean. */
const THINK_MS = 25;
const endsAt = performance.now() + 1_000 * toCount('seconds', seconds, 3_600);
const counts = { answered: 0, refused: 0 };

/** A whole number below the limit; small ones are likelier, as popular products are. */
const popular = (limit: number): number => Math.floor(limit * Math.random() ** 3);

/** What customers do, each up to which number of a die with 100 sides. */
const HABITS: readonly (readonly [upTo: number, act: () => Promise<void>])[] = [
  [62, () => call('search_products', { category: CATEGORIES[popular(CATEGORIES.length)]?.name, limit: 20 })],
  [72, () => call('search_products', { min_price: popular(300), limit: 50 })],
  [90, () => call('get_user_cart', { user_id: 1 + popular(1_000) })],
  [97, () => send('resources/read', { uri: `product://${1 + popular(100_000)}` })],
  [99, () => call('get_user_cart', { user_id: 1_000_000 })], // nobody
  [
    100,
    () => call('checkout', { user_id: 1 + popular(1_000), items: [{ product_id: 1 + popular(5_000), quantity: 1 }] }),
  ],
];

await Promise.all(Array.from({ length: toCount('customers', customers, 1_000) }, visit));
console.log(`${counts.answered} answered, ${counts.refused} refused`);
if (counts.answered === 0) process.exitCode = 1;

/** A customer's visit: one call after the other, with time to think. */
async function visit(): Promise<void> {
  while (performance.now() < endsAt) {
    await act();
    // Business comes in waves of a minute.
    const wave = 1 + 0.6 * Math.sin(performance.now() / 10_000);
    await pause(-Math.log(1 - Math.random()) * THINK_MS * wave);
  }
}

function act(): Promise<void> {
  const thrown = 100 * Math.random();
  const [, habit] = HABITS.find(([upTo]) => thrown < upTo) ?? HABITS[0]!;
  return habit();
}

function call(name: string, args: object): Promise<void> {
  return send('tools/call', { name, arguments: args });
}

async function send(
  method: string,
  params: { readonly name?: string; readonly arguments?: object; readonly uri?: string },
): Promise<void> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        Accept: 'application/json, text/event-stream',
        'MCP-Protocol-Version': VERSION,
        'Mcp-Method': method,
        'Mcp-Name': params.name ?? params.uri ?? '',
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { ...params, _meta: META } }),
      signal: AbortSignal.timeout(10_000),
    });
    await response.arrayBuffer();
    if (response.ok) counts.answered++;
    else counts.refused++;
  } catch {
    counts.refused++;
    await pause(200); // the server may be starting again
  }
}

function toCount(name: string, text: string, max: number): number {
  const count = /^\d{1,4}$/.test(text) ? Number(text) : Number.NaN;
  if (count >= 1 && count <= max) return count;
  console.error(`${name} must be a whole number from 1 to ${max}, not "${text}"`);
  process.exit(1);
}

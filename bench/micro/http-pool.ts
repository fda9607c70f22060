/**
 * CPU time of a client for each HTTP call, in microseconds: the pool beside what else there is.
 *
 *     node bench/micro/http-pool.ts [--requests 6000] [--rounds 3] [--concurrency 16] [--only name,...] [--json]
 *
 * One server in a process of its own. A round is cut into slices in which the contenders take turns, in a different order
 * each time, so that what else goes on on the machine, and what the one before left behind, falls on all of them.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { Agent, request as undiciRequest } from 'undici';

const BODY = JSON.stringify({ id: 4711, name: 'peregrine', tags: ['fast', 'falcon'], text: 'x'.repeat(200) });

const SLICES = 20;
const REFERENCE = 'undici.request, default';

/** One way to call a URL: the body, as text. */
type Contender = (url: string) => Promise<string>;

async function createContenders(): Promise<Readonly<Record<string, Contender>>> {
  const { HttpPool } = await import('../../dist/pool/pool.js');
  const pool = new HttpPool({ maxSockets: 64 });
  const agent = new Agent({
    connections: 64,
    keepAliveTimeout: 15_000,
    keepAliveMaxTimeout: 15_000,
    clientTtl: 300_000,
  });
  const fresh = new Agent({ pipelining: 0 });
  return {
    'pool.request': async (url) => (await pool.request(url)).text(),
    'pool.fetch': async (url) => (await pool.fetch(url)).text(),
    'global fetch': async (url) => (await fetch(url)).text(),
    [REFERENCE]: async (url) => (await undiciRequest(url)).body.text(),
    'undici.request, own agent': async (url) => (await undiciRequest(url, { dispatcher: agent })).body.text(),
    'fresh connection': async (url) => (await undiciRequest(url, { dispatcher: fresh })).body.text(),
  };
}

async function run(contender: Contender, url: string, requests: number, concurrency: number): Promise<void> {
  let left = requests;
  const lane = async (): Promise<void> => {
    while (left-- > 0) {
      const text = await contender(url);
      if (text !== BODY) throw new Error(`wrong answer: ${text.slice(0, 80)}`);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, lane));
}

/** CPU time of one slice, in microseconds. */
async function measure(contender: Contender, url: string, requests: number, concurrency: number): Promise<number> {
  const before = process.cpuUsage();
  await run(contender, url, requests, concurrency);
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, rank: Math.random() }))
    .toSorted((a, b) => a.rank - b.rank)
    .map(({ item }) => item);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function serve(): void {
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(BODY) };
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(200, headers);
    response.end(BODY);
  });
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
  process.once('disconnect', () => process.exit(0));
}

/** The ratio is formed within each turn, so that what slows the machine down slows both. */
function report(results: ReadonlyMap<string, readonly number[]>, requests: number, concurrency: number): void {
  const reference = results.get(REFERENCE);
  console.log(
    `Node.js ${process.versions.node}, ${cpus()[0]?.model}; ${requests} requests a round, ${concurrency} at a time`,
  );
  for (const [name, slices] of results) {
    const rounds = Array.from({ length: slices.length / SLICES }, (_, round) =>
      median(slices.slice(round * SLICES, (round + 1) * SLICES)).toFixed(1),
    );
    const ratio = median(slices.map((slice, turn) => slice / (reference?.[turn] ?? Number.NaN))).toFixed(2);
    const [middle, least] = [median(slices).toFixed(1), Math.min(...slices).toFixed(1)];
    console.log(
      `${name.padEnd(26)} ${middle.padStart(6)} µs, least ${least.padStart(6)}, ratio ${ratio} (${rounds.join(' ')})`,
    );
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      requests: { type: 'string', default: '6000' },
      rounds: { type: 'string', default: '3' },
      concurrency: { type: 'string', default: '16' },
      only: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  });
  const [requests, rounds, concurrency] = [Number(values.requests), Number(values.rounds), Number(values.concurrency)];
  const server: ChildProcess = fork(import.meta.filename, { env: { ...process.env, HTTP_POOL_SERVER: '1' } });
  const [port] = (await once(server, 'message')) as [number];
  const url = `http://127.0.0.1:${port}/`;
  const wanted = values.only?.split(',');
  const entries = Object.entries(await createContenders()).filter(([name]) => wanted?.includes(name) ?? true);
  const results = new Map(entries.map(([name]) => [name, [] as number[]]));
  for (const [, contender] of entries) await run(contender, url, requests / 4, concurrency); // Compiled before it counts.
  const size = requests / SLICES;
  for (let turn = 0; turn < rounds * SLICES; turn++) {
    for (const [name, contender] of shuffled(entries)) {
      await run(contender, url, size / 4, concurrency);
      results.get(name)?.push((await measure(contender, url, size, concurrency)) / size);
    }
  }
  server.disconnect();
  if (values.json) console.log(JSON.stringify(Object.fromEntries(results)));
  else report(results, requests, concurrency);
  process.exit(0);
}

if (process.env.HTTP_POOL_SERVER === '1') serve();
else await main();

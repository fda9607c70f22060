import { createHash } from 'node:crypto';
import * as z from 'zod';
import { createOptimizedServer, OptimizedMCPServer } from '../../dist/index.js';
import { seededRandom } from '../../src/kernel/random.ts';
import { zipf } from './zipf.ts';

const KEYS = 100_000;
const L1_ENTRIES = 10_000;
const CALLS = 1_000_000;
/** Each of these costs the same: fewer do. */
const UNCACHED_CALLS = 50_000;
const IN_FLIGHT = 64;
const WORK_BYTES = Buffer.alloc(65_536, 7);

/** How often a mix of calls ran its tool, and what it cost. */
export interface MixResult {
  readonly variant: string;
  readonly calls: number;
  readonly computations: number;
  readonly hitRate: number;
  /** Of the whole process, in microseconds. */
  readonly cpuUsPerCall: number;
  readonly callsPerSecond: number;
}

export interface MixVariant {
  readonly name: string;
  readonly cached: boolean;
  readonly redisUrl?: string;
}

/** Tells how long a thing's digest of 64 KiB is: some 30 microseconds of honest work. */
function createMixServer({ cached, redisUrl }: MixVariant) {
  let computations = 0;
  class MixServer extends OptimizedMCPServer {
    protected override setup(): void {
      this.registerTool(
        'find_item',
        {
          inputSchema: z.object({ id: z.number().int() }),
          annotations: { readOnlyHint: true },
          ...(cached ? { cache: { scope: 'public' as const } } : {}),
        },
        async ({ id }) => {
          computations++;
          const digest = createHash('sha256').update(String(id)).update(WORK_BYTES).digest('hex');
          return { content: [{ type: 'text', text: `item ${id}: ${digest}` }] };
        },
      );
    }
  }
  const server = createOptimizedServer(MixServer, {
    name: 'mix',
    version: '1.0.0',
    description: 'A mix of calls',
    http: false,
    handleSignals: false,
    cache: {
      lruCacheSize: L1_ENTRIES,
      ...(redisUrl === undefined ? {} : { enableRedisCache: true, redisUrl, keyPrefix: `mix:${process.pid}` }),
    },
  });
  return { server, computations: () => computations };
}

const ENVELOPE = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
};

/** Sends calls with Zipf-distributed ids, 64 under way at a time, and checks every answer's id. */
async function run(server: OptimizedMCPServer, calls: number, next: () => number): Promise<void> {
  const waiting = new Map<number, { readonly id: number; readonly resolve: () => void }>();
  const client = await server.connect((text) => {
    const { id, result } = JSON.parse(text) as { id: number; result?: { content?: { text: string }[] } };
    const asked = waiting.get(id);
    if (asked === undefined || result?.content?.[0]?.text.startsWith(`item ${asked.id}:`) !== true)
      throw new Error(`wrong answer: ${text.slice(0, 200)}`);
    waiting.delete(id);
    asked.resolve();
  });
  let sent = 0;
  const worker = async (): Promise<void> => {
    while (sent < calls) {
      const request = sent++;
      const id = next();
      const params = { name: 'find_item', arguments: { id }, _meta: ENVELOPE };
      await new Promise<void>((resolve) => {
        waiting.set(request, { id, resolve });
        client.send(JSON.stringify({ jsonrpc: '2.0', id: request, method: 'tools/call', params }));
      });
      // Requests of a network come in turns of the event loop: each of those under way asks once in a turn.
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
  client.close();
}

async function untilRedisIsUsed({ cache }: OptimizedMCPServer): Promise<void> {
  for (let tries = 0; tries < 500 && cache.statistics().isRedisUsable !== true; tries++)
    await new Promise((resolve) => setTimeout(resolve, 10));
  if (cache.statistics().isRedisUsable !== true) throw new Error('Redis could not be used within 5 s');
}

/** The same mix for every variant, from an empty cache on. */
export async function measureMix(variant: MixVariant): Promise<MixResult> {
  const { server, computations } = createMixServer(variant);
  await server.ready();
  if (variant.redisUrl !== undefined) await untilRedisIsUsed(server);
  const calls = variant.cached ? CALLS : UNCACHED_CALLS;
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  await run(server, calls, zipf(KEYS, seededRandom(42)));
  const seconds = (performance.now() - startedAt) / 1_000;
  const { user, system } = process.cpuUsage(cpuBefore);
  await server.stop();
  return {
    variant: variant.name,
    calls,
    computations: computations(),
    hitRate: 1 - computations() / calls,
    cpuUsPerCall: (user + system) / calls,
    callsPerSecond: calls / seconds,
  };
}

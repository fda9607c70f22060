/** Calls that allocate: lists, answers made of JSON, kept answers. A process of its own; prints what one cost as JSON. */
import * as z from 'zod';
import { createOptimizedServer, OptimizedMCPServer } from '../../dist/index.js';

const WARM_UP = 20_000;
const CALLS = 40_000;
const KEYS = 10_000;
const IN_FLIGHT = 16;
const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
};

const inputSchema = z.object({ from: z.number().int() });
const product = (id: number) => ({
  id,
  name: `product ${id}`,
  price: id / 7,
  tags: ['a', `b${id}`],
  size: { w: id, h: 1 },
});

class Shop extends OptimizedMCPServer {
  protected override setup(): void {
    const list = (from: number) => ({
      content: [
        { type: 'text' as const, text: JSON.stringify(Array.from({ length: 20 }, (_, at) => product(from + at))) },
      ],
    });
    this.registerTool('search', { inputSchema }, ({ from }) => list(from));
    this.registerTool(
      'kept',
      { inputSchema, annotations: { readOnlyHint: true }, cache: { scope: 'public' } },
      ({ from }) => list(from),
    );
  }
}

const server = createOptimizedServer(Shop, {
  name: 'shop',
  version: '1.0.0',
  description: 'Answers that allocate',
  http: false,
  handleSignals: false,
  overload: { shed: false },
  performance: false,
});

let waiting: (() => void)[] = [];
const client = await server.connect((text) => {
  const { id, result } = JSON.parse(text) as { id: number; result?: object };
  if (result === undefined) throw new Error(`wrong answer: ${text.slice(0, 200)}`);
  waiting[id % IN_FLIGHT]?.();
});

function messageOf(call: number): object {
  if (call % 8 === 0) return { method: 'tools/list', params: { _meta: META } };
  const [name, from] = call % 2 === 0 ? ['kept', Math.imul(call, 2_654_435_761) >>> 0] : ['search', call];
  return { method: 'tools/call', params: { name, arguments: { from: (from as number) % KEYS }, _meta: META } };
}

async function run(calls: number): Promise<void> {
  waiting = [];
  let next = 0;
  const worker = async (place: number): Promise<void> => {
    for (; next < calls; ) {
      const call = next++;
      await new Promise<void>((resolve) => {
        waiting[place] = resolve;
        client.send(JSON.stringify({ jsonrpc: '2.0', id: call * IN_FLIGHT + place, ...messageOf(call) }));
      });
      if (call % 64 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, (_, place) => worker(place)));
}

await run(WARM_UP);
const before = process.cpuUsage();
await run(CALLS);
const { user, system } = process.cpuUsage(before);
const peakMb = process.resourceUsage().maxRSS / 1_024;
process.stdout.write(`${JSON.stringify({ cpuUs: (user + system) / CALLS, peakMb })}\n`);
process.exit(0);

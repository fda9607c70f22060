import { fileURLToPath } from 'node:url';
import { startScript } from '../harness/processes.ts';
import { runLoad } from '../load/closed-loop.ts';
import { type PreparedRequest, preparePost, rotate } from '../load/request-source.ts';

const START_MS = 20_000;
const WARM_UP = { ms: 1_000 };
const MEASURED = { ms: 4_000 };

/** A CPU-bound tool on 8 connections, and what an innocent one on a ninth sees of it. */
export interface LoadedRow {
  readonly mode: string;
  readonly heavyPerSecond: number;
  readonly heavyP99Ms: number;
  readonly innocentPerSecond: number;
  readonly innocentP50Ms: number;
  readonly innocentP99Ms: number;
}

function call(port: number, name: string, args: object): PreparedRequest {
  return preparePost({
    host: `127.0.0.1:${port}`,
    path: '/mcp',
    headers: [
      ['content-type', 'application/json'],
      ['accept', 'application/json, text/event-stream'],
      ['mcp-protocol-version', '2025-11-25'],
    ],
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: args } }),
  });
}

/** Runs both loads at the same time against a fresh server. */
export async function measureUnderLoad(mode: 'inline' | 'thread' | 'process'): Promise<LoadedRow> {
  const server = startScript({
    script: fileURLToPath(new URL('./server.ts', import.meta.url)),
    scriptArguments: [mode],
  });
  try {
    const { port } = JSON.parse(await server.nextLine(START_MS)) as { readonly port: number };
    const load = (connections: number, name: string, args: object, text: string) =>
      runLoad({
        port,
        connections,
        source: rotate([call(port, name, args)]),
        warmUp: WARM_UP,
        measured: MEASURED,
        checkAnswer: (_request, _status, body) => (body.includes(`"text":"${text}"`) ? undefined : body.slice(0, 200)),
      });
    const [heavy, innocent] = await Promise.all([
      load(8, 'fibonacci', { n: 27 }, '196418'),
      load(1, 'innocent', {}, 'here'),
    ]);
    for (const { errors, errorSamples, aborted } of [heavy, innocent])
      if (errors > 0 || aborted !== undefined) throw new Error(`${mode}: ${aborted ?? errorSamples.join('; ')}`);
    return {
      mode,
      heavyPerSecond: Math.round(heavy.requestsPerSecond),
      heavyP99Ms: heavy.latency.p99Us / 1_000,
      innocentPerSecond: Math.round(innocent.requestsPerSecond),
      innocentP50Ms: innocent.latency.p50Us / 1_000,
      innocentP99Ms: innocent.latency.p99Us / 1_000,
    };
  } finally {
    await server.stop();
  }
}

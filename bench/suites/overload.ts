import { fileURLToPath } from 'node:url';
import { SERVER_CORE } from '../harness/measure.ts';
import { type StartedProcess, startScript } from '../harness/processes.ts';
import { runLoad } from '../load/closed-loop.ts';
import { measureNewcomers } from '../load/newcomers.ts';
import { type OpenLoopResult, runOpenLoop } from '../load/open-loop.ts';
import { type PreparedRequest, preparePost, type RequestSource } from '../load/request-source.ts';
import type { ExtraGoal, ExtraResult } from './extra.ts';
import { ownSuite } from './suite.ts';

const MODERN = '2026-07-28';
const START_MS = 15_000;
const CAPACITY_MS = 3_000;
const RUN_MS = 8_000;
const DEADLINE_MS = 1_000;
const CONNECTIONS = 512;
const NEWCOMERS = 40;
const LOADS = [1, 2, 4] as const;

interface Run {
  readonly control: 'control' | 'none';
  readonly load: number;
  readonly capacity: number;
  readonly result: OpenLoopResult;
  /** When the last of the connections that were opened meanwhile had its first answer, in milliseconds. */
  readonly newcomersMs: number;
}

const META = {
  'io.modelcontextprotocol/protocolVersion': MODERN,
  'io.modelcontextprotocol/clientCapabilities': {},
};

function requestOf(port: number, id: number, method: string, name?: string): PreparedRequest {
  const headers: [string, string][] = [
    ['connection', 'keep-alive'],
    ['mcp-protocol-version', MODERN],
    ['mcp-method', method],
    ['content-type', 'application/json'],
    ['accept', 'application/json, text/event-stream'],
  ];
  if (name !== undefined) headers.push(['mcp-name', name]);
  const params = { ...(name === undefined ? {} : { name }), _meta: META };
  const body = JSON.stringify({ method, params, jsonrpc: '2.0', id });
  return preparePost({ host: `127.0.0.1:${port}`, path: '/mcp', headers, body });
}

function callsOf(port: number): RequestSource {
  let id = 0;
  return () => {
    id = (id + 1) % 100_000;
    return requestOf(port, id, 'tools/call', 'busy');
  };
}

async function withServer<T>(control: Run['control'], use: (port: number) => Promise<T>): Promise<T> {
  const script = fileURLToPath(new URL('../servers/overload-server.ts', import.meta.url));
  const server: StartedProcess = startScript({ core: SERVER_CORE, script, scriptArguments: [control] });
  try {
    const { port } = JSON.parse(await server.nextLine(START_MS)) as { port: number };
    return await use(port);
  } finally {
    await server.stop();
  }
}

/** Each run has a fresh server, warmed up by a closed loop that also tells what it can do. */
async function measure(control: Run['control'], load: number): Promise<Run> {
  return withServer(control, async (port) => {
    const source = callsOf(port);
    const warmUp = { ms: 1_000 };
    const { requestsPerSecond } = await runLoad({
      port,
      source,
      connections: 3,
      warmUp,
      measured: { ms: CAPACITY_MS },
    });
    const greeting = requestOf(port, 0, 'server/discover');
    const running = runOpenLoop({
      port,
      source,
      connections: CONNECTIONS,
      requestsPerSecond: load * requestsPerSecond,
      ms: RUN_MS,
      deadlineMs: DEADLINE_MS,
      greeting,
    });
    await new Promise((resolve) => setTimeout(resolve, RUN_MS / 2));
    const newcomers = { port, connections: NEWCOMERS, request: greeting, limitMs: RUN_MS };
    const [result, newcomersMs] = await Promise.all([running, measureNewcomers(newcomers)]);
    return { control, load, capacity: requestsPerSecond, result, newcomersMs };
  });
}

const goodputOf = ({ capacity, result }: Run): number => result.inTime / (RUN_MS / 1_000) / capacity;
const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

function goalsOf(run: Run): ExtraGoal[] {
  return [
    { title: `goodput at ${run.load} x capacity, with control`, value: goodputOf(run), atLeast: 0.95 },
    {
      title: `P99 of admitted at ${run.load} x capacity, with control, ms`,
      value: run.result.latency.p99Us / 1_000,
      atMost: 700,
    },
  ];
}

async function measureOverload(): Promise<ExtraResult> {
  const runs: Run[] = [];
  for (const load of LOADS) for (const control of ['control', 'none'] as const) runs.push(await measure(control, load));
  return {
    tables: [
      {
        title: `A tool of 5 ms, requests at a rate for ${RUN_MS / 1_000} s (goodput: answered within 1 s, of what the server can do)`,
        headings: [
          'load',
          'control',
          'capacity/s',
          'requests',
          'goodput',
          'P50 ms',
          'P99 ms',
          'shed',
          'errors',
          `${NEWCOMERS} new ms`,
        ],
        rows: runs.map((run) => [
          `${run.load} x`,
          run.control,
          Math.round(run.capacity),
          run.result.intended,
          percent(goodputOf(run)),
          Math.round(run.result.latency.p50Us / 1_000),
          Math.round(run.result.latency.p99Us / 1_000),
          percent(run.result.shed / Math.max(1, run.result.intended)),
          run.result.errors,
          Number.isFinite(run.newcomersMs) ? Math.round(run.newcomersMs) : '-',
        ]),
      },
    ],
    goals: runs.filter(({ control, load }) => control === 'control' && load > 1).flatMap(goalsOf),
  };
}

export const suite = ownSuite('overload', measureOverload);

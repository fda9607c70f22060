import { fileURLToPath } from 'node:url';
import { treeCpuTimeUs } from '../harness/proc.ts';
import { type StartedProcess, startScript } from '../harness/processes.ts';
import { median } from '../harness/statistics.ts';
import { type LoadResult, runLoad } from '../load/closed-loop.ts';
import { type PreparedRequest, preparePost } from '../load/request-source.ts';

/** The tools of `program.ts`. Asking for the trivial one costs as much as answering: there the load is a limit, too. */
const TOOLS = ['answer', 'work'] as const;
const START_MS = 30_000;
const CONNECTIONS = 64;
const SLICES = 5;
const WARM_UP = { ms: 2_000 };
const SETTLING = { requests: 500 };
const MEASURED = { ms: 1_200 };

/** What a number of instances came to: medians over the slices. */
export interface InstancesRow {
  readonly tool: string;
  readonly instances: number;
  readonly requestsPerSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  /** Of supervisor and instances, for a call. */
  readonly cpuUs: number;
  readonly errors: number;
}

interface Slice {
  readonly tool: string;
  readonly load: LoadResult;
  readonly cpuUs: number;
}

/** One `peregrine start` under load. */
class Fleet {
  readonly #instances: number;
  readonly #slices: Slice[] = [];
  readonly #supervisor: StartedProcess;
  #port = 0;

  constructor(instances: number) {
    this.#instances = instances;
    const [command, program] = ['../../dist/cli/main.js', './program.ts'].map((path) =>
      fileURLToPath(new URL(path, import.meta.url)),
    ) as [string, string];
    const ports = ['--metrics-port', 'off', '--dashboard-port', 'off'];
    this.#supervisor = startScript({
      script: command,
      scriptArguments: ['start', program, '--instances', String(instances), ...ports],
    });
  }

  async ready(): Promise<void> {
    while (this.#port === 0)
      this.#port = Number(/^listening on \S+?:(\d+)\//.exec(await this.#supervisor.nextLine(START_MS))?.[1] ?? 0);
    for (const tool of TOOLS) await this.#load(tool, WARM_UP);
  }

  async measureSlice(tool: string): Promise<void> {
    this.#slices.push(await this.#load(tool, MEASURED));
  }

  stop(): Promise<void> {
    return this.#supervisor.stop();
  }

  row(tool: string): InstancesRow {
    const slices = this.#slices.filter((slice) => slice.tool === tool);
    const middle = (of: (slice: Slice) => number): number => median(slices.map(of));
    return {
      tool,
      instances: this.#instances,
      requestsPerSecond: middle(({ load }) => load.requestsPerSecond),
      p50Us: middle(({ load }) => load.latency.p50Us),
      p99Us: middle(({ load }) => load.latency.p99Us),
      cpuUs: middle(({ cpuUs, load }) => cpuUs / Math.max(1, load.requests)),
      errors: slices.reduce((sum, { load }) => sum + load.errors, 0),
    };
  }

  async #load(tool: string, measured: { readonly ms: number }): Promise<Slice> {
    const request = callOf(this.#port, tool);
    let cpuUs = 0;
    const load = await runLoad({
      port: this.#port,
      connections: CONNECTIONS,
      source: () => request,
      warmUp: SETTLING,
      measured,
      onMeasured: (edge) => {
        cpuUs += (edge === 'start' ? -1 : 1) * treeCpuTimeUs(this.#supervisor.pid);
      },
    });
    return { tool, load, cpuUs };
  }
}

function callOf(port: number, name: string): PreparedRequest {
  return preparePost({
    host: `127.0.0.1:${port}`,
    path: '/mcp',
    headers: [
      ['content-type', 'application/json'],
      ['accept', 'application/json, text/event-stream'],
      ['mcp-protocol-version', '2025-11-25'],
    ],
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: {} } }),
  });
}

/** Measures one instance against two in turns. Neither they nor the load are pinned: they share the machine's cores. */
export async function measureInstances(): Promise<InstancesRow[]> {
  const fleets = [1, 2].map((instances) => new Fleet(instances));
  try {
    for (const fleet of fleets) await fleet.ready();
    for (let turn = 0; turn < SLICES; turn++)
      for (const fleet of turn % 2 === 0 ? fleets : fleets.toReversed())
        for (const tool of TOOLS) await fleet.measureSlice(tool);
    return TOOLS.flatMap((tool) => fleets.map((fleet) => fleet.row(tool)));
  } finally {
    await Promise.all(fleets.map((fleet) => fleet.stop()));
  }
}

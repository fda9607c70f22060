/**
 * Compares the load generator with wrk: `node bench/load/check-against-wrk.ts [--contender name] [--seconds 3]
 * [--rounds 3] [--connections 16]`. Both send the same rotating requests to the same server; needs Debian's wrk.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { GENERATOR_CORE, measureRow, startServer } from '../harness/measure.ts';
import { cpuTimeUs } from '../harness/proc.ts';
import { canPin } from '../harness/processes.ts';
import { median } from '../harness/statistics.ts';
import { CALL_VARIANTS, requestOf, toPrepared } from '../scenarios/scenarios.ts';
import { suite } from '../suites/engine.ts';
import type { Row } from '../suites/suite.ts';

interface Result {
  readonly requestsPerSecond: number;
  readonly generatorCpuUs: number;
  readonly serverCpuUs: number;
  readonly p50Us: number;
  readonly p99Us: number;
}

const WARM_UP_MS = 1_000;

/** Prepared requests as a wrk script; every byte escaped, so that Lua cannot misread any. */
function luaScript(requests: readonly Buffer[]): string {
  const quoted = requests.map(
    (bytes) => `"${[...bytes].map((byte) => `\\${String(byte).padStart(3, '0')}`).join('')}"`,
  );
  return `local requests = {\n${quoted.join(',\n')}\n}
local at, count = 0, #requests
request = function()
  at = at % count + 1
  return requests[at]
end
done = function(summary, latency)
  io.write(string.format('{"requests":%d,"us":%d,"p50":%d,"p99":%d,"errors":%d}\\n', summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), summary.errors.status + summary.errors.read + summary.errors.timeout))
end\n`;
}

/** Runs wrk once; `during` is called while it runs. */
async function runWrk(
  port: number,
  script: string,
  ms: number,
  connections: number,
  during: (pid: number) => Promise<void>,
) {
  const wrk = [
    'wrk',
    '-t1',
    `-c${connections}`,
    `-d${Math.ceil(ms / 1_000)}s`,
    '-s',
    script,
    `http://127.0.0.1:${port}/mcp`,
  ];
  const [file, ...rest] = canPin ? ['taskset', '-c', String(GENERATOR_CORE), ...wrk] : wrk;
  const child: ChildProcess = spawn(file as string, rest, { stdio: ['ignore', 'pipe', 'inherit'] });
  const end = (): void => {
    child.kill('SIGKILL');
  };
  process.once('exit', end);
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const closed = once(child, 'close');
  await during(child.pid as number);
  await closed;
  process.off('exit', end);
  const line = output.split('\n').find((text) => text.startsWith('{"requests"'));
  if (line === undefined) throw new Error(`wrk printed no summary:\n${output}`);
  const summary = JSON.parse(line) as { requests: number; us: number; p50: number; p99: number; errors: number };
  if (summary.errors > 0) throw new Error(`wrk counted ${summary.errors} errors`);
  return summary;
}

async function measureWrk(row: Row, ms: number, connections: number, folder: string): Promise<Result> {
  const { server, port } = await startServer(row);
  try {
    const bytes = Array.from(
      { length: CALL_VARIANTS },
      (_, index) => toPrepared(requestOf(row.toolset, row.scenario, index), port).bytes,
    );
    const script = join(folder, 'requests.lua');
    writeFileSync(script, luaScript(bytes));
    await runWrk(port, script, WARM_UP_MS, connections, async () => {});
    // CPU time a second, taken well inside the run; divided by its rate afterwards.
    let generator = 0;
    let serverShare = 0;
    const summary = await runWrk(port, script, ms, connections, async (pid) => {
      await sleep(ms * 0.15);
      const before = { at: performance.now(), own: cpuTimeUs(pid), server: cpuTimeUs(server.pid) };
      await sleep(ms * 0.7);
      const elapsedMs = performance.now() - before.at;
      generator = (cpuTimeUs(pid) - before.own) / elapsedMs;
      serverShare = (cpuTimeUs(server.pid) - before.server) / elapsedMs;
    });
    const perMs = (summary.requests * 1_000) / summary.us;
    return {
      requestsPerSecond: perMs * 1_000,
      generatorCpuUs: generator / perMs,
      serverCpuUs: serverShare / perMs,
      p50Us: summary.p50,
      p99Us: summary.p99,
    };
  } finally {
    await server.stop();
  }
}

async function measureOwn(row: Row, ms: number, connections: number): Promise<Result> {
  const sized = { ...suite, connections, warmUp: { requests: Number.MAX_SAFE_INTEGER, ms: WARM_UP_MS } };
  const measured = await measureRow(sized, row, { requests: Number.MAX_SAFE_INTEGER, measuredMs: ms });
  if (measured.errors > 0) throw new Error(`${measured.errors} errors: ${measured.errorSamples[0]}`);
  const { requestsPerSecond, generatorCpuUs, cpuUs: serverCpuUs, p50Us, p99Us } = measured;
  return { requestsPerSecond, generatorCpuUs, serverCpuUs, p50Us, p99Us };
}

function print(name: string, results: readonly Result[]): void {
  const of = (key: keyof Result): number => median(results.map((result) => result[key]));
  console.log(
    `${name.padEnd(6)} ${of('requestsPerSecond').toFixed(0).padStart(7)} req/s   generator ${of('generatorCpuUs')
      .toFixed(1)
      .padStart(5)} µs CPU a request   server ${of('serverCpuUs').toFixed(1).padStart(5)} µs   P50 ${of(
      'p50Us',
    ).toFixed(0)} µs   P99 ${of('p99Us').toFixed(0)} µs`,
  );
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      contender: { type: 'string', default: 'plain-http' },
      seconds: { type: 'string', default: '3' },
      rounds: { type: 'string', default: '3' },
      connections: { type: 'string', default: '16' },
    },
  });
  if (spawnSync('wrk', ['-v']).error !== undefined) throw new Error('wrk is not installed: apt-get install wrk');
  const row: Row = { group: 'alone', contender: values.contender, toolset: '3', scenario: 'call-modern' };
  const [ms, rounds, connections] = [Number(values.seconds) * 1_000, Number(values.rounds), Number(values.connections)];
  const folder = mkdtempSync(join(tmpdir(), 'bench-wrk-'));
  const own: Result[] = [];
  const wrk: Result[] = [];
  try {
    for (let round = 0; round < rounds; round++) {
      own.push(await measureOwn(row, ms, connections));
      wrk.push(await measureWrk(row, ms, connections, folder));
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  console.log(`${row.contender}, ${connections} connections, medians of ${rounds} rounds`);
  print('own', own);
  print('wrk', wrk);
}

await main();

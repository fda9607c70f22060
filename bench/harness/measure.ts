import { fileURLToPath } from 'node:url';
import { fixedAnswer } from '../scenarios/fixed-answer.ts';
import type { Row, Suite } from '../suites/suite.ts';
import { rowKey } from '../suites/suite.ts';
import { contenderOf, scriptOf } from './contenders.ts';
import type { LoadJob, LoadReply } from './job.ts';
import { peakMemoryMb } from './proc.ts';
import { type StartedProcess, startScript } from './processes.ts';

export const SERVER_CORE = 0;
export const GENERATOR_CORE = 1;

const START_MS = 15_000;
/** Beyond warm-up and measured part: starting, and asserting slow contenders' answers. */
const SLACK_MS = 45_000;

/** One row measured once, in fresh processes. */
export interface Measurement {
  readonly cpuUs: number;
  readonly requestsPerSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly peakMb: number;
  readonly errors: number;
  readonly requests: number;
  /** CPU time of the server as a part of the elapsed time: 1 means that it had its core to itself and was busy. */
  readonly coreShare: number;
  readonly generatorCpuUs: number;
  readonly answerBytes: number;
  readonly asserted: number;
  readonly warmUpRequests: number;
  readonly elapsedMs: number;
  readonly p90Us: number;
  readonly p999Us: number;
  readonly maxUs: number;
  readonly errorSamples: readonly string[];
  readonly aborted?: string;
}

/** What may be chosen on the command line instead of the suite's own. */
export interface Overrides {
  readonly requests?: number | undefined;
  readonly measuredMs?: number | undefined;
  /** Factor on the measured part's limit by time, unless `measuredMs` is given. @default 1 */
  readonly scale?: number;
}

/** Answers were wrong before timing: the whole bench ends. */
export class WrongAnswerError extends Error {
  override readonly name = 'WrongAnswerError';
}

const round = (value: number, digits: number): number => Number(value.toFixed(digits));

function toMeasurement(reply: LoadReply & { kind: 'measured' }, peakMb: number): Measurement {
  const { load, serverCpuUs, generatorCpuUs, answerBytes, asserted } = reply;
  const perRequest = (us: number): number => (load.requests === 0 ? 0 : round(us / load.requests, 2));
  return {
    cpuUs: perRequest(serverCpuUs),
    requestsPerSecond: Math.round(load.requestsPerSecond),
    p50Us: load.latency.p50Us,
    p99Us: load.latency.p99Us,
    peakMb,
    errors: load.errors,
    requests: load.requests,
    coreShare: load.elapsedMs === 0 ? 0 : round(serverCpuUs / 1e3 / load.elapsedMs, 3),
    generatorCpuUs: perRequest(generatorCpuUs),
    answerBytes,
    asserted,
    warmUpRequests: load.warmUpRequests,
    elapsedMs: round(load.elapsedMs, 1),
    p90Us: load.latency.p90Us,
    p999Us: load.latency.p999Us,
    maxUs: load.latency.maxUs,
    errorSamples: load.errorSamples,
    ...(load.aborted === undefined ? {} : { aborted: load.aborted }),
  };
}

/** Starts a row's server; `nodeArguments` go before the script. */
export async function startServer(
  row: Row,
  nodeArguments: readonly string[] = [],
): Promise<{ server: StartedProcess; port: number; fixedBytes: number | undefined }> {
  const { fixed } = contenderOf(row.contender);
  const answer = fixed ? await fixedAnswer(row.toolset, row.scenario) : undefined;
  const server = startScript({
    core: SERVER_CORE,
    nodeArguments,
    script: scriptOf(row.contender),
    scriptArguments: [row.toolset, '--scenario', row.scenario, ...(answer === undefined ? [] : ['--answer', answer])],
  });
  try {
    const { port } = JSON.parse(await server.firstLine(START_MS)) as { port: number };
    return { server, port, fixedBytes: answer === undefined ? undefined : Buffer.byteLength(answer) };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/** Starts and stops each contender once: a broken one shows at once, and the compile cache is filled. */
export async function preflight(rows: readonly Row[]): Promise<void> {
  const seen = new Set<string>();
  for (const row of rows) {
    if (seen.has(row.contender)) continue;
    seen.add(row.contender);
    const { server } = await startServer(row);
    await server.stop();
  }
}

function jobOf(suite: Suite, row: Row, overrides: Overrides): Omit<LoadJob, 'port' | 'serverPid' | 'fixedBytes'> {
  const { requests = suite.requests, measuredMs, scale = 1 } = overrides;
  return {
    toolset: row.toolset,
    scenario: row.scenario,
    connections: suite.connections,
    warmUp: suite.warmUp,
    measured: { requests, ms: measuredMs ?? (row.measuredMs ?? suite.measuredMs) * scale },
  };
}

/**
 * Measures one row once with a fresh server and a fresh generator.
 *
 * @throws {WrongAnswerError} The server answers something else than it should.
 */
export async function measureRow(
  suite: Suite,
  row: Row,
  overrides: Overrides,
  nodeArguments: readonly string[] = [],
): Promise<Measurement> {
  // Both load their modules at the same time, each on its own core.
  const generator = startScript({
    core: GENERATOR_CORE,
    script: fileURLToPath(new URL('./load-process.ts', import.meta.url)),
  });
  let server: StartedProcess | undefined;
  try {
    const started = await startServer(row, nodeArguments);
    server = started.server;
    const { port, fixedBytes } = started;
    const job: LoadJob = { ...jobOf(suite, row, overrides), port, serverPid: server.pid, fixedBytes };
    generator.send(JSON.stringify(job));
    const reply = JSON.parse(await generator.firstLine(job.warmUp.ms + job.measured.ms + SLACK_MS)) as LoadReply;
    if (reply.kind === 'wrong') throw new WrongAnswerError(`${rowKey(row)}: ${reply.difference}`);
    return toMeasurement(reply, peakMemoryMb(server.pid));
  } finally {
    await generator.stop();
    await server?.stop();
  }
}

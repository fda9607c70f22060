import { fileURLToPath } from 'node:url';
import { fixedAnswer } from '../scenarios/fixed-answer.ts';
import type { Row, Suite } from '../suites/suite.ts';
import { rowKey } from '../suites/suite.ts';
import { contenderOf, scriptOf } from './contenders.ts';
import type { LoadJob, LoadReply, SliceJob } from './job.ts';
import { peakMemoryMb } from './proc.ts';
import { type StartedProcess, startScript } from './processes.ts';
import { median } from './statistics.ts';

export const SERVER_CORE = 0;
export const GENERATOR_CORE = 1;

const START_MS = 15_000;
/** Beyond warm-up and measured part: starting, and asserting slow contenders' answers. */
const SLACK_MS = 45_000;

/** One row measured once, in fresh processes. */
export interface Measurement {
  readonly cpuUs: number;
  /** The same for each slice, in order. */
  readonly sliceCpuUs: readonly number[];
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

type Ready = Extract<LoadReply, { kind: 'ready' }>;
type Slice = Extract<LoadReply, { kind: 'slice' }>;

const round = (value: number, digits: number): number => Number(value.toFixed(digits));

/** All slices of one row in one round, as one measurement: sums, and medians over the slices for times. */
function toMeasurement(ready: Ready, slices: readonly Slice[], peakMb: number): Measurement {
  const sum = (of: (slice: Slice) => number): number => slices.reduce((total, slice) => total + of(slice), 0);
  const middle = (of: (slice: Slice) => number): number => median(slices.map(of));
  const requests = sum(({ load }) => load.requests);
  const elapsedMs = sum(({ load }) => load.elapsedMs);
  const serverCpuUs = sum((slice) => slice.serverCpuUs);
  const aborted = slices.find(({ load }) => load.aborted !== undefined)?.load.aborted;
  return {
    cpuUs: requests === 0 ? 0 : round(serverCpuUs / requests, 2),
    sliceCpuUs: slices.map((slice) =>
      slice.load.requests === 0 ? 0 : round(slice.serverCpuUs / slice.load.requests, 2),
    ),
    requestsPerSecond: Math.round(middle(({ load }) => load.requestsPerSecond)),
    p50Us: middle(({ load }) => load.latency.p50Us),
    p99Us: middle(({ load }) => load.latency.p99Us),
    peakMb,
    errors: sum(({ load }) => load.errors),
    requests,
    coreShare: elapsedMs === 0 ? 0 : round(serverCpuUs / 1e3 / elapsedMs, 3),
    generatorCpuUs: requests === 0 ? 0 : round(sum((slice) => slice.generatorCpuUs) / requests, 2),
    answerBytes: requests === 0 ? 0 : Math.round(sum(({ load }) => load.bodyBytes) / requests),
    asserted: ready.asserted,
    warmUpRequests: ready.warmUpRequests,
    elapsedMs: round(elapsedMs, 1),
    p90Us: middle(({ load }) => load.latency.p90Us),
    p999Us: middle(({ load }) => load.latency.p999Us),
    maxUs: Math.max(...slices.map(({ load }) => load.latency.maxUs)),
    errorSamples: slices.flatMap(({ load }) => load.errorSamples).slice(0, 5),
    ...(aborted === undefined ? {} : { aborted }),
  };
}

/** Starts a row's server; `nodeArguments` go before the script. */
export async function startServer(
  row: Row,
  nodeArguments: readonly string[] = [],
): Promise<{ server: StartedProcess; port: number; pid: number; fixedBytes: number | undefined }> {
  const { fixed } = contenderOf(row.contender);
  const answer = fixed ? await fixedAnswer(row.toolset, row.scenario) : undefined;
  const server = startScript({
    core: SERVER_CORE,
    nodeArguments,
    script: scriptOf(row.contender),
    scriptArguments: [row.toolset, '--scenario', row.scenario, ...(answer === undefined ? [] : ['--answer', answer])],
  });
  try {
    // A contender that is no script names the process that is measured.
    const { port, pid = server.pid } = JSON.parse(await server.nextLine(START_MS)) as { port: number; pid?: number };
    return { server, port, pid, fixedBytes: answer === undefined ? undefined : Buffer.byteLength(answer) };
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

/** A row's server and generator, asserted and warm. */
interface OpenRow {
  readonly row: Row;
  readonly ready: Ready;
  readonly slices: Slice[];
  readonly pid: number;
  measureSlice(job: SliceJob): Promise<void>;
  close(): Promise<void>;
}

/** @throws {WrongAnswerError} The server answers something else than it should. */
async function openRow(suite: Suite, row: Row, nodeArguments: readonly string[]): Promise<OpenRow> {
  // Both load their modules at the same time, each on its own core.
  const generator = startScript({
    core: GENERATOR_CORE,
    script: fileURLToPath(new URL('./load-process.ts', import.meta.url)),
  });
  const { server, port, pid, fixedBytes } = await startServer(row, nodeArguments);
  const next = async (timeoutMs: number): Promise<LoadReply> =>
    JSON.parse(await generator.nextLine(timeoutMs)) as LoadReply;
  const { toolset, scenario } = row;
  const { connections, warmUp } = suite;
  const job: LoadJob = { toolset, scenario, connections, warmUp, port, serverPid: pid, fixedBytes };
  generator.send(JSON.stringify(job));
  const reply = await next(warmUp.ms + SLACK_MS);
  if (reply.kind !== 'ready')
    throw new WrongAnswerError(`${rowKey(row)}: ${reply.kind === 'wrong' ? reply.difference : 'no answer'}`);
  const slices: Slice[] = [];
  return {
    row,
    ready: reply,
    slices,
    pid,
    measureSlice: async (slice) => {
      generator.send(JSON.stringify(slice));
      slices.push((await next(slice.ms + SLACK_MS)) as Slice);
    },
    close: async () => {
      await generator.stop();
      await server.stop();
    },
  };
}

/**
 * Measures rows that are compared with one another: fresh processes for each, then short slices in turns, every other turn
 * backwards. What a shared machine does at one time thus falls on all of them.
 *
 * @throws {WrongAnswerError} A server answers something else than it should.
 */
export async function measureGroup(
  suite: Suite,
  rows: readonly Row[],
  overrides: Overrides,
  nodeArguments: readonly string[] = [],
): Promise<Measurement[]> {
  const { requests = suite.requests, measuredMs, scale = 1 } = overrides;
  const open: OpenRow[] = [];
  try {
    for (const row of rows) open.push(await openRow(suite, row, nodeArguments));
    for (let turn = 0; turn < suite.slices; turn++) {
      for (const one of turn % 2 === 0 ? open : open.toReversed()) {
        const ms = measuredMs ?? (one.row.measuredMs ?? suite.measuredMs) * scale;
        await one.measureSlice({ requests: Math.ceil(requests / suite.slices), ms: Math.ceil(ms / suite.slices) });
      }
    }
    return open.map(({ ready, slices, pid }) => toMeasurement(ready, slices, peakMemoryMb(pid)));
  } finally {
    for (const one of open) await one.close();
  }
}

/** Measures one row by itself. */
export async function measureRow(
  suite: Suite,
  row: Row,
  overrides: Overrides,
  nodeArguments: readonly string[] = [],
): Promise<Measurement> {
  const [measurement] = await measureGroup(suite, [row], overrides, nodeArguments);
  return measurement as Measurement;
}

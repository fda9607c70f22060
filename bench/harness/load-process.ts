/** The generator's own process: asserts the answers, warms up, then measures slices. Reads jobs, prints LoadReplies. */
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { type LoadResult, runLoad } from '../load/closed-loop.ts';
import { type PreparedRequest, rotate } from '../load/request-source.ts';
import { differenceFrom, expectedAnswer } from '../scenarios/answers.ts';
import { requestOf, type ScenarioRequest, toPrepared, variantsOf } from '../scenarios/scenarios.ts';
import type { LoadJob, LoadReply, SliceJob } from './job.ts';
import { cpuTimeUs } from './proc.ts';

const ASSERT_CONNECTIONS = 4;
const ASSERT_MS = 800;
/** More than any server here should need for one answer, when all connections ask at once. */
const STALL_MS = 15_000;
/** Before each slice, so that every connection is open and answered once. */
const SETTLING_REQUESTS = 32;
const IDLE_MS = 5;
const IDLE_CPU_US = 250;
const IDLE_WAITS = 200;

class WrongAnswer extends Error {}

function assertClean(result: LoadResult, what: string): void {
  if (result.errors > 0 || result.aborted !== undefined) {
    throw new WrongAnswer(`${what}: ${result.errorSamples[0] ?? result.aborted}`);
  }
}

/** Sends one request and returns the length of its body. */
async function answerLength(job: LoadJob, request: ScenarioRequest): Promise<number> {
  const prepared = toPrepared(request, job.port);
  const result = await runLoad({
    port: job.port,
    connections: 1,
    source: () => prepared,
    measured: { requests: 1 },
    stallMs: STALL_MS,
    maxErrors: 0,
  });
  assertClean(result, 'first answer');
  return result.bodyBytes;
}

/** How much text the long call must ask for, so that its answer is as long as the list. */
async function longBytes(job: LoadJob): Promise<number | undefined> {
  if (job.scenario !== 'call-long') return undefined;
  const probeBytes = 1_000;
  const list = await answerLength(job, requestOf(job.toolset, 'list-modern', 0));
  const probe = await answerLength(job, requestOf(job.toolset, 'call-long', 0, probeBytes));
  return list - probe + probeBytes;
}

/** Sends what has to be answered with the same bytes always, and checks the length. */
async function assertFixed({ port }: LoadJob, prepared: PreparedRequest[], fixedBytes: number): Promise<number> {
  for (const request of prepared) request.expectedBodyBytes = fixedBytes;
  const result = await runLoad({
    port,
    connections: 1,
    source: rotate(prepared),
    measured: { requests: 20 },
    stallMs: STALL_MS,
    maxErrors: 0,
  });
  assertClean(result, 'fixed answer');
  return result.requests;
}

/**
 * Compares the answers with what they should be: all of them, or as many as a slow server gives in the time.
 * From then on every answer's length is known, and checked in the measured part too.
 *
 * @returns How many requests were compared.
 */
async function assertAnswers(job: LoadJob, requests: ScenarioRequest[], prepared: PreparedRequest[]): Promise<number> {
  const { port, toolset, scenario } = job;
  const expected = new Map<PreparedRequest, Record<string, unknown>>();
  for (const [index, request] of requests.entries()) {
    expected.set(prepared[index] as PreparedRequest, await expectedAnswer(toolset, scenario, request));
  }
  const seen = new Set<PreparedRequest>();
  // What a server's answers are longer than the bare JSON: framing as an event, or an optional field.
  const surplus = new Set<number>();
  assertClean(
    await runLoad({
      port,
      connections: ASSERT_CONNECTIONS,
      source: rotate(prepared),
      measured: { requests: prepared.length + ASSERT_CONNECTIONS, ms: ASSERT_MS },
      stallMs: STALL_MS,
      maxErrors: 0,
      checkAnswer: (request, _status, body) => {
        const right = expected.get(request) as Record<string, unknown>;
        seen.add(request);
        surplus.add(Buffer.byteLength(body) - Buffer.byteLength(JSON.stringify(right)));
        return differenceFrom(body, right);
      },
    }),
    'answer',
  );
  const [extra = 0] = surplus;
  if (surplus.size !== 1) throw new WrongAnswer(`answers longer than their JSON by ${[...surplus].join(', ')} bytes`);
  for (const [request, right] of expected) {
    request.expectedBodyBytes = Buffer.byteLength(JSON.stringify(right)) + extra;
  }
  return seen.size;
}

async function measureSlice(job: LoadJob, prepared: PreparedRequest[], measured: SliceJob): Promise<LoadReply> {
  let serverCpuUs = 0;
  let generatorCpuUs = 0;
  const load = await runLoad({
    port: job.port,
    connections: job.connections,
    source: rotate(prepared),
    warmUp: { requests: SETTLING_REQUESTS },
    measured,
    stallMs: STALL_MS,
    onMeasured: (edge) => {
      const { user, system } = process.cpuUsage();
      const sign = edge === 'start' ? -1 : 1;
      serverCpuUs += sign * cpuTimeUs(job.serverPid);
      generatorCpuUs += sign * (user + system);
    },
  });
  await untilIdle(job.serverPid);
  return { kind: 'slice', load, serverCpuUs, generatorCpuUs };
}

/** Waits until a server has done what was still under way when a slice ended: it must not take time from the next one. */
async function untilIdle(pid: number): Promise<void> {
  let before = cpuTimeUs(pid);
  for (let waits = 0; waits < IDLE_WAITS; waits++) {
    await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
    const now = cpuTimeUs(pid);
    if (now - before < IDLE_CPU_US) return;
    before = now;
  }
}

async function prepare(job: LoadJob): Promise<{ prepared: PreparedRequest[]; reply: LoadReply }> {
  const bytes = await longBytes(job);
  const requests = Array.from({ length: variantsOf(job.scenario) }, (_, index) =>
    requestOf(job.toolset, job.scenario, index, bytes),
  );
  const prepared = requests.map((request) => toPrepared(request, job.port));
  const { fixedBytes, port, connections, warmUp } = job;
  const asserted =
    fixedBytes === undefined
      ? await assertAnswers(job, requests, prepared)
      : await assertFixed(job, prepared, fixedBytes);
  const warm = await runLoad({ port, connections, source: rotate(prepared), measured: warmUp, stallMs: STALL_MS });
  assertClean(warm, 'warm-up');
  await untilIdle(job.serverPid);
  return { prepared, reply: { kind: 'ready', asserted, warmUpRequests: warm.requests } };
}

const answer = (reply: LoadReply): void => void process.stdout.write(`${JSON.stringify(reply)}\n`);

process.stdin.on('end', () => process.exit(0));
const lines = createInterface({ input: process.stdin });
const [first] = (await once(lines, 'line')) as [string];
const job = JSON.parse(first) as LoadJob;
try {
  const { prepared, reply } = await prepare(job);
  let last = Promise.resolve();
  lines.on('line', (line) => {
    last = last.then(async () => answer(await measureSlice(job, prepared, JSON.parse(line) as SliceJob)));
  });
  answer(reply);
} catch (error) {
  if (!(error instanceof WrongAnswer)) throw error;
  answer({ kind: 'wrong', difference: error.message });
}

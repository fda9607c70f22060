import { writeFileSync } from 'node:fs';
import { systemClock } from '../../kernel/clock.ts';
import { readVersion } from '../../kernel/package-version.ts';
import { seededRandom } from '../../kernel/random.ts';
import {
  judgeAnswer,
  type LoadPlan,
  type LoadSummary,
  McpRequests,
  runInTurns,
  Schedule,
  type Second,
  SessionGreeter,
  type Stage,
  summarize,
  type Threshold,
  toHtml,
} from '../../load/load.ts';
import { connect, type RemoteDescription } from '../adapter/client.ts';
import { createProgressBar, type ProgressBar } from '../adapter/progress.ts';
import { CliError, EXIT } from '../cli-error.ts';
import { type ConnectionOptions, parseUrl } from '../connection.ts';
import type { Output } from '../output.ts';
import { chooseMix } from './choose-mix.ts';
import { readJson } from './json-file.ts';
import { toComparison, toReport } from './report.ts';
import { readArguments } from './tool-arguments.ts';

export interface BenchOptions extends ConnectionOptions {
  readonly loop: 'closed' | 'open';
  /** Connections: the most of a closed loop, all of an open one. */
  readonly connections: number;
  readonly profile: string;
  readonly stages: readonly Stage[];
  /** Ends the run after so many answers. */
  readonly requests: number | undefined;
  readonly tools: readonly string[];
  readonly mix: string | undefined;
  /** Arguments as JSON, or `@file`. */
  readonly args: string | undefined;
  readonly seed: number;
  /** Files to write; `-` is standard output. */
  readonly json: string | undefined;
  readonly html: string | undefined;
  readonly failIf: readonly Threshold[];
  /** Another server to run in turns with the first. */
  readonly against: string | undefined;
  /** A run of before, to compare with. */
  readonly baseline: string | undefined;
  /** How often two servers take turns. */
  readonly rounds: number;
  readonly insecure: boolean;
  readonly progress: boolean;
}

/** Loads a server and says what came of it. @returns The exit code. */
export async function bench(address: string, options: BenchOptions, output: Output): Promise<number> {
  const baseline = options.baseline === undefined ? undefined : readRun(options.baseline);
  const urls = [address, ...(options.against === undefined ? [] : [options.against])].map(parseUrl);
  const interrupt = new AbortController();
  const onInterrupt = (): void => interrupt.abort();
  process.once('SIGINT', onInterrupt);
  const rounds = urls.length === 1 ? 1 : options.rounds;
  const progress = options.progress ? createProgressBar(secondsOf(options) * urls.length) : undefined;
  try {
    const subjects = await Promise.all(urls.map((url) => toSubject(url, options, rounds, interrupt.signal, progress)));
    const startedAt = new Date().toISOString();
    const outcomes = await runInTurns(
      subjects.map(({ plan }) => plan),
      rounds,
    );
    progress?.stop();
    const summaries = outcomes.map((outcome, index) =>
      summarize({ ...(subjects[index] as Subject).described, startedAt }, outcome),
    );
    return tell(baseline === undefined ? summaries : [...summaries, baseline], options, output);
  } finally {
    progress?.stop();
    process.off('SIGINT', onInterrupt);
  }
}

interface Subject {
  readonly plan: LoadPlan;
  readonly described: Omit<Parameters<typeof summarize>[0], 'startedAt'>;
}

async function toSubject(
  url: URL,
  options: BenchOptions,
  rounds: number,
  signal: AbortSignal,
  progress: ProgressBar | undefined,
): Promise<Subject> {
  const server = await describeServer(url, options);
  const { loop, connections, profile, seed, stages } = options;
  const mix = chooseMix(server.tools, options);
  const random = seededRandom(seed);
  const schedule = new Schedule(stages.map((stage) => ({ ...stage, ms: stage.ms / rounds })));
  const era = server.protocol >= '2026-07-28' ? 'modern' : 'legacy';
  const requests = prepared(() => {
    const facts = { url, protocol: server.protocol, era, tools: server.tools } as const;
    const args = readArguments(options.args, mix);
    const client = { name: 'peregrine-bench', version: readVersion() };
    return new McpRequests({ facts, mix, args, headers: options.header, client, random, variants: 100 });
  });
  const greeter = server.hasSession ? new SessionGreeter(requests) : undefined;
  const plan: LoadPlan = {
    target: targetOf(url, options.insecure),
    ...{ loop, connections, schedule, operations: requests.operations, greeter, random, signal, clock: systemClock },
    next: greeter === undefined ? () => requests.next() : (user) => greeter.request(user),
    judge: judgeAnswer,
    timeoutMs: options.timeoutMs,
    maxRequests: options.requests === undefined ? Number.POSITIVE_INFINITY : Math.ceil(options.requests / rounds),
    ...(progress === undefined ? {} : { onSecond: (second: Second) => progress.second(second) }),
  };
  const name = server.server === undefined ? undefined : `${server.server.name} ${server.server.version}`;
  const rate = loop === 'open' ? schedule.peak : undefined;
  const load = { loop, profile, connections: loop === 'open' ? connections : schedule.peak, rate, mix, seed };
  return { plan, described: { url: url.href, server: name, protocol: server.protocol, load } };
}

async function describeServer(url: URL, options: BenchOptions): Promise<RemoteDescription> {
  const remote = await connect(url, options);
  try {
    return await remote.describe();
  } finally {
    await remote.close();
  }
}

function prepared(make: () => McpRequests): McpRequests {
  try {
    return make();
  } catch (error) {
    throw error instanceof RangeError ? new CliError(error.message, { cause: error }) : error;
  }
}

function targetOf({ protocol, hostname, port }: URL, insecure: boolean): LoadPlan['target'] {
  const isSecure = protocol === 'https:';
  const host = hostname.replace(/^\[|\]$/g, '');
  const number = port === '' ? (isSecure ? 443 : 80) : Number(port);
  return { host, port: number, tls: isSecure ? { servername: host, rejectUnauthorized: !insecure } : undefined };
}

function tell(summaries: readonly LoadSummary[], options: BenchOptions, output: Output): number {
  const [first] = summaries as [LoadSummary];
  const text = summaries.length === 1 ? toReport(first) : toComparison(summaries);
  if (options.json === '-') output.out(`${JSON.stringify(summaries.length === 1 ? first : summaries, null, 2)}\n`);
  else output.out(text);
  if (options.json !== undefined && options.json !== '-') write(options.json, `${JSON.stringify(first, null, 2)}\n`);
  if (options.html !== undefined) write(options.html, toHtml(summaries));
  const broken = options.failIf.flatMap((threshold) => {
    const found = threshold.check(first);
    return found === undefined ? [] : [`failed: ${threshold.text}: ${found}\n`];
  });
  for (const line of broken) output.error(line);
  if (first.answers === 0 || first.aborted !== undefined) {
    output.error(`peregrine: ${first.aborted ?? 'the server answered nothing'}\n`);
    return EXIT.failure;
  }
  return broken.length > 0 ? EXIT.somethingWrong : EXIT.ok;
}

function write(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw new CliError(`cannot write ${file}: ${(error as Error).message}`, { cause: error });
  }
}

function readRun(file: string): LoadSummary {
  return readJson(file, isRun, 'a run that bench wrote with --json');
}

function isRun(value: unknown): value is LoadSummary {
  return (value as LoadSummary | null)?.format === 1;
}

function secondsOf({ stages }: BenchOptions): number {
  return stages.reduce((sum, { ms, counts }) => sum + (counts ? ms / 1_000 : 0), 0);
}

import { type Command, InvalidArgumentError, Option } from 'commander';
import {
  PROFILES,
  type Profile,
  parseDuration,
  parseStages,
  parseThreshold,
  stagesOf,
  type Threshold,
  withWarmUp,
} from '../../load/load.ts';
import type { BenchOptions } from '../bench/bench.ts';
import type { ConnectionOptions } from '../connection.ts';

interface RawBenchOptions {
  readonly connections: number;
  readonly rate?: number;
  readonly duration: number;
  readonly warmUp: number;
  readonly profile: Profile;
  readonly stages?: BenchOptions['stages'];
  readonly requests?: number;
  readonly tool?: readonly string[];
  readonly mix?: string;
  readonly args?: string;
  readonly seed: number;
  readonly json?: string;
  readonly html?: string;
  readonly failIf?: readonly Threshold[];
  readonly against?: string;
  readonly baseline?: string;
  readonly rounds: number;
  readonly insecure?: true;
  readonly progress: boolean;
}

const HELP = `
Without --rate the loop is closed: each connection sends its next request when the last was answered. With --rate it is open:
requests are sent at times that do not depend on the answers, and latency counts from those times, so that a server that
stalls cannot hide it.

Only tools that say they only read are called unasked. Their arguments are made from their schemas, or given with --args.

Exit codes:
  0  it worked
  1  wrong usage, or the server could not be reached
  2  a condition of --fail-if held

Examples:
  $ peregrine bench http://127.0.0.1:3000/mcp
  $ peregrine bench --rate 5000 --duration 60s --fail-if 'p99>20ms' --fail-if 'errors>0%' --html run.html http://127.0.0.1:3000/mcp
  $ peregrine bench --mix 'search_products=8,tools/list=1' --args @arguments.json http://127.0.0.1:3000/mcp
  $ peregrine bench --profile stress --connections 2000 --duration 2m http://127.0.0.1:3000/mcp
  $ peregrine bench --against http://127.0.0.1:3001/mcp http://127.0.0.1:3000/mcp`;

export function addBench(
  command: Command,
  toConnection: (options: unknown) => ConnectionOptions,
  action: (url: string, options: BenchOptions) => Promise<void>,
): void {
  command
    .description('Loads a server with requests and measures how it answers.')
    .argument('<url>', 'where the server listens, with its path')
    .option('-c, --connections <count>', 'connections, each with one request under way', parseCount, 64)
    .option('-r, --rate <count>', 'requests a second, whatever the answers do', parseCount)
    .addOption(time('-d, --duration <time>', 'how long, such as 30s or 5m', '10s'))
    .addOption(time('--warm-up <time>', 'how long before anything counts', '2s'))
    .option('-n, --requests <count>', 'end after so many answers', parseCount)
    .addOption(new Option('--profile <name>', 'the shape of the load').choices(PROFILES).default('constant'))
    .option(
      '--stages <list>',
      'a shape of your own, such as 30s:100,60s:100-1000: connections, or with --rate requests a second',
      readStages,
    )
    .option('-t, --tool <name>', 'call this tool; may be repeated', (name: string, all: readonly string[] = []) => [
      ...all,
      name,
    ])
    .option('-m, --mix <list>', 'tools and methods with weights, such as search=8,tools/list=1')
    .option('-a, --args <json>', 'arguments as JSON, or @file: an object, a list, or a list for each tool')
    .option('--seed <number>', 'what arguments and the mix are drawn from', parseCount, 1)
    .option('--json <file>', 'write the run as JSON; - is standard output')
    .option('--html <file>', 'write a report to open in a browser')
    .option(
      '--fail-if <condition>',
      'exit with 2 where this holds, such as p99>50ms; may be repeated',
      collectThreshold,
    )
    .option('--against <url>', 'run in turns with this server and compare')
    .option('--baseline <file>', 'compare with a run that was written with --json')
    .option('--rounds <count>', 'how often two servers take turns', parseCount, 3)
    .option('--insecure', "do not check the server's certificate")
    .option('--no-progress', 'show no progress bar')
    .addHelpText('after', HELP)
    .action((url: string, options: RawBenchOptions) =>
      action(url, { ...toConnection(options), ...toBenchOptions(options) }),
    );
}

function toBenchOptions(raw: RawBenchOptions): Omit<BenchOptions, keyof ConnectionOptions> {
  const { rate, connections, duration: durationMs, warmUp: warmUpMs, profile, stages, json } = raw;
  const { requests, mix, args, html, against, baseline, seed, rounds, progress } = raw;
  return {
    loop: rate === undefined ? 'closed' : 'open',
    profile: stages === undefined ? profile : 'stages',
    stages: withWarmUp(stages ?? stagesOf({ profile, peak: rate ?? connections, durationMs }), warmUpMs),
    tools: raw.tool ?? [],
    failIf: raw.failIf ?? [],
    insecure: raw.insecure ?? false,
    progress: progress && process.stderr.isTTY === true,
    ...{ json, connections, requests, mix, args, html, against, baseline, seed, rounds },
  };
}

function parseCount(text: string): number {
  const count = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (count < 1) throw new InvalidArgumentError('It should be a number from 1 on.');
  return count;
}

function time(flags: string, description: string, fallback: string): Option {
  const option = new Option(flags, description).default(parseDuration(fallback), fallback);
  return option.argParser((text) => parsed(() => parseDuration(text)));
}

function readStages(text: string): BenchOptions['stages'] {
  return parsed(() => parseStages(text));
}

function collectThreshold(text: string, previous: readonly Threshold[] = []): readonly Threshold[] {
  return [...previous, parsed(() => parseThreshold(text))];
}

function parsed<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}

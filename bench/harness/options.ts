import { parseArgs } from 'node:util';

export interface BenchOptions {
  readonly suite: string;
  readonly rounds: number;
  /** Instead of the suite's. */
  readonly requests: number | undefined;
  /** Instead of the suite's and the rows' own. */
  readonly measuredMs: number | undefined;
  readonly only: readonly string[] | undefined;
  readonly scenarios: readonly string[] | undefined;
  readonly toolsets: readonly string[] | undefined;
  readonly json: string | undefined;
  readonly markdown: boolean;
  readonly profile: string | undefined;
}

export const USAGE = `node bench/run.ts [suite] [options]

  suite                  engine (default), cache, pools, workers, monitor, overload, scale, sessions, sustained, stress,
                         v8-flags
  --rounds N             rounds, each with fresh processes (3)
  --requests N           requests aimed at in a row's measured part (the suite's: 50,000)
  --seconds S            longest measured part of a row, or of sustained and stress (the suite's own)
  --only a,b             only these contenders
  --scenario a,b         only these scenarios: call-modern, call-legacy, list-modern, call-long
  --tools a,b            only these toolsets: 3, 53x25, 500
  --json FILE            write the result there (bench/results/<suite>-<date>.json)
  --markdown             print the table as Markdown
  --profile C:T:S        take a CPU profile of one contender:toolset:scenario and print its top functions`;

function positive(name: string, text: string | undefined, integer: boolean): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!(value > 0) || (integer && !Number.isInteger(value))) {
    throw new RangeError(`--${name}: a positive ${integer ? 'integer' : 'number'}, not ${JSON.stringify(text)}`);
  }
  return value;
}

const list = (text: string | undefined): string[] | undefined => text?.split(',').map((item) => item.trim());

/** @throws {RangeError | TypeError} A bad option, named. */
export function readOptions(args: readonly string[]): BenchOptions | 'help' {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      rounds: { type: 'string' },
      requests: { type: 'string' },
      seconds: { type: 'string' },
      only: { type: 'string' },
      scenario: { type: 'string' },
      tools: { type: 'string' },
      json: { type: 'string' },
      markdown: { type: 'boolean', default: false },
      profile: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return 'help';
  const seconds = positive('seconds', values.seconds, false);
  return {
    suite: positionals[0] ?? 'engine',
    rounds: positive('rounds', values.rounds, true) ?? 3,
    requests: positive('requests', values.requests, true),
    measuredMs: seconds === undefined ? undefined : seconds * 1_000,
    only: list(values.only),
    scenarios: list(values.scenario),
    toolsets: list(values.tools),
    json: values.json,
    markdown: values.markdown,
    profile: values.profile,
  };
}

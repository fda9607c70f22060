import type { Backoff } from '../../kernel/backoff.ts';
import { OptionError } from '../../kernel/errors.ts';
import { integerOption, objectOption, stringListOption, stringOption } from '../../kernel/options.ts';

/** A server that speaks over its standard input and output, and how many of it run. */
export interface StdioOptions {
  /** Its name in statistics, errors and the log. */
  readonly name: string;
  readonly command: string;
  readonly args?: readonly string[];
  /** @default the gateway's own */
  readonly cwd?: string;
  /** Its environment beside `PATH`, `HOME` and the like: nothing else of the gateway's own is passed on. */
  readonly env?: Readonly<Record<string, string>>;
  readonly children?: {
    /** Processes that run always. @default 1 */
    readonly min?: number;
    /** Most processes; further ones are started when calls would have to wait. @default `min` */
    readonly max?: number;
  };
  /** Most calls that one process has at once. @default 16 */
  readonly maxInFlightPerChild?: number;
  /** Longest time for a process to start and answer the handshake, in milliseconds. @default 30_000 */
  readonly startTimeoutMs?: number;
  /** Longest time for an answer or the next word of progress, in milliseconds. @default 60_000 */
  readonly requestTimeoutMs?: number;
  /** How long a process may take to end before it is killed, in milliseconds. @default 3_000 */
  readonly graceMs?: number;
  /** How long a process beyond `children.min` is kept without calls, in milliseconds. @default 60_000 */
  readonly idleMs?: number;
  /** Delays between starts of processes that end. */
  readonly restart?: {
    /** @default 250 */
    readonly firstMs?: number;
    /** @default 30_000 */
    readonly maxMs?: number;
  };
  /** Largest message, in bytes. @default 16_777_216 */
  readonly maxMessageBytes?: number;
}

export interface ResolvedStdio extends Required<Omit<StdioOptions, 'cwd' | 'children' | 'restart'>> {
  readonly cwd: string | undefined;
  readonly minChildren: number;
  readonly maxChildren: number;
  readonly restart: Backoff;
}

const KEYS = [
  'name',
  'command',
  'args',
  'cwd',
  'env',
  'children',
  'maxInFlightPerChild',
  'startTimeoutMs',
  'requestTimeoutMs',
  'graceMs',
  'idleMs',
  'restart',
  'maxMessageBytes',
] as const;
const TIME = { min: 10, max: 86_400_000 };
const COUNT = { min: 1, max: 1_000 };

/** Checks the options and fills in the defaults. @throws {OptionError} */
export function resolveStdioOptions(options: unknown, at = 'stdio'): ResolvedStdio {
  const given = objectOption(at, options, KEYS);
  const children = objectOption(`${at}.children`, given.children, ['min', 'max']);
  const restart = objectOption(`${at}.restart`, given.restart, ['firstMs', 'maxMs']);
  const minChildren = integerOption(`${at}.children.min`, children.min, 1, COUNT);
  const firstMs = integerOption(`${at}.restart.firstMs`, restart.firstMs, 250, TIME);
  const time = (key: 'startTimeoutMs' | 'requestTimeoutMs' | 'graceMs' | 'idleMs', fallback: number): number =>
    integerOption(`${at}.${key}`, given[key], fallback, TIME);
  return Object.freeze({
    name: stringOption(`${at}.name`, given.name),
    command: stringOption(`${at}.command`, given.command),
    args: argumentsOption(`${at}.args`, given.args),
    cwd: given.cwd === undefined ? undefined : stringOption(`${at}.cwd`, given.cwd),
    env: environmentOption(`${at}.env`, given.env),
    minChildren,
    maxChildren: integerOption(`${at}.children.max`, children.max, minChildren, { min: minChildren, max: COUNT.max }),
    maxInFlightPerChild: integerOption(`${at}.maxInFlightPerChild`, given.maxInFlightPerChild, 16, {
      min: 1,
      max: 100_000,
    }),
    startTimeoutMs: time('startTimeoutMs', 30_000),
    requestTimeoutMs: time('requestTimeoutMs', 60_000),
    graceMs: time('graceMs', 3_000),
    idleMs: time('idleMs', 60_000),
    restart: Object.freeze({
      firstMs,
      maxMs: integerOption(`${at}.restart.maxMs`, restart.maxMs, Math.max(30_000, firstMs), {
        min: firstMs,
        max: TIME.max,
      }),
    }),
    maxMessageBytes: integerOption(`${at}.maxMessageBytes`, given.maxMessageBytes, 16_777_216, {
      min: 1_024,
      max: 1_073_741_824,
    }),
  });
}

/** Arguments may be empty. */
function argumentsOption(name: string, value: unknown): readonly string[] {
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return Object.freeze([...value]);
  return stringListOption(name, value, []);
}

function environmentOption(name: string, value: unknown): Readonly<Record<string, string>> {
  const given = objectOption(name, value ?? {}, Object.keys((value as object | undefined) ?? {}));
  for (const [key, text] of Object.entries(given))
    if (typeof text !== 'string') throw new OptionError(`${name}.${key}`, 'must be a string', text);
  return Object.freeze({ ...(given as Record<string, string>) });
}

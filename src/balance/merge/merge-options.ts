import { type Clock, systemClock } from '../../kernel/clock.ts';
import { OptionError } from '../../kernel/errors.ts';
import { type Logger, loggerOption } from '../../kernel/logger.ts';
import { integerOption, objectOption, stringOption } from '../../kernel/options.ts';
import { type Random, systemRandom } from '../../kernel/random.ts';
import type { Target } from '../gateway/target.ts';

/** How lists of servers are kept. */
export interface ListOptions {
  /** Shortest time for which a list is kept, whatever its server says, in milliseconds. @default 5_000 */
  readonly minTtlMs: number;
  /** Longest such time, in milliseconds. @default 300_000 */
  readonly maxTtlMs: number;
  /** Longest time that a request waits for lists, in milliseconds. @default 3_000 */
  readonly waitMs: number;
  /** How long the lists of a server that is down are still served, in milliseconds. @default 30_000 */
  readonly staleMs: number;
  /** Most entries taken of one list of a server. @default 10_000 */
  readonly maxItems: number;
}

/** One server behind a merged endpoint. */
export interface MergedServer {
  /** What stands before the names of its tools, prompts and resources: letters, digits, `_`, `-` and `.`. */
  readonly prefix: string;
  readonly target: Target;
}

export interface MergedEndpointOptions {
  readonly name: string;
  readonly version: string;
  readonly title?: string;
  /** @default those of the servers, one after the other */
  readonly instructions?: string;
  /** In the order in which what they offer is listed. */
  readonly servers: readonly MergedServer[];
  /** What stands between prefix and name. @default '_' */
  readonly separator?: string;
  /** Entries in one page of a list. @default 100 */
  readonly pageSize?: number;
  readonly lists?: Partial<ListOptions>;
  /** Longest time for a handshake, or for a page of a list, in milliseconds. @default 10_000 */
  readonly timeoutMs?: number;
  /** Largest message of a server, in bytes. @default 16_777_216 */
  readonly maxMessageBytes?: number;
  /** Open `subscriptions/listen` streams at once. @default 1_024 */
  readonly maxSubscriptions?: number;
  /** @default lines on standard error; false for none */
  readonly logger?: Logger | false;
  readonly clock?: Clock;
  readonly random?: Random;
}

export interface ResolvedMerge {
  readonly name: string;
  readonly version: string;
  readonly title: string | undefined;
  readonly instructions: string | undefined;
  readonly servers: readonly MergedServer[];
  readonly separator: string;
  readonly pageSize: number;
  readonly lists: ListOptions;
  readonly timeoutMs: number;
  readonly maxMessageBytes: number;
  readonly maxSubscriptions: number;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly random: Random;
}

const KEYS = [
  'name',
  'version',
  'title',
  'instructions',
  'servers',
  'separator',
  'pageSize',
  'lists',
  'timeoutMs',
  'maxMessageBytes',
  'maxSubscriptions',
  'logger',
  'clock',
  'random',
] as const;
/** What names of tools may consist of. */
const LEGAL = /^[A-Za-z0-9_.-]+$/;
const TIME = { min: 1, max: 86_400_000 };

/** Checks the options of a merged endpoint and fills in the defaults. @throws {OptionError} */
export function resolveMergeOptions(options: unknown): ResolvedMerge {
  const given = objectOption('merge', options, KEYS);
  const separator = nameOption('merge.separator', given.separator, '_', 8);
  const optional = (key: 'title' | 'instructions'): string | undefined =>
    given[key] === undefined ? undefined : stringOption(`merge.${key}`, given[key]);
  return Object.freeze({
    name: stringOption('merge.name', given.name),
    version: stringOption('merge.version', given.version),
    title: optional('title'),
    instructions: optional('instructions'),
    servers: serversOption(given.servers, separator),
    separator,
    pageSize: integerOption('merge.pageSize', given.pageSize, 100, { min: 1, max: 10_000 }),
    lists: resolveLists(given.lists),
    timeoutMs: integerOption('merge.timeoutMs', given.timeoutMs, 10_000, TIME),
    maxMessageBytes: integerOption('merge.maxMessageBytes', given.maxMessageBytes, 16_777_216, {
      min: 1_024,
      max: 1_073_741_824,
    }),
    maxSubscriptions: integerOption('merge.maxSubscriptions', given.maxSubscriptions, 1_024, {
      min: 0,
      max: 1_000_000,
    }),
    logger: loggerOption('merge.logger', given.logger),
    clock: (given.clock as Clock | undefined) ?? systemClock,
    random: (given.random as Random | undefined) ?? systemRandom,
  });
}

function resolveLists(options: unknown): ListOptions {
  const keys = ['minTtlMs', 'maxTtlMs', 'waitMs', 'staleMs', 'maxItems'] as const;
  const given = objectOption('merge.lists', options, keys);
  const minTtlMs = integerOption('merge.lists.minTtlMs', given.minTtlMs, 5_000, TIME);
  return Object.freeze({
    minTtlMs,
    maxTtlMs: integerOption('merge.lists.maxTtlMs', given.maxTtlMs, Math.max(300_000, minTtlMs), {
      min: minTtlMs,
      max: TIME.max,
    }),
    waitMs: integerOption('merge.lists.waitMs', given.waitMs, 3_000, TIME),
    staleMs: integerOption('merge.lists.staleMs', given.staleMs, 30_000, TIME),
    maxItems: integerOption('merge.lists.maxItems', given.maxItems, 10_000, { min: 1, max: 1_000_000 }),
  });
}

function serversOption(value: unknown, separator: string): readonly MergedServer[] {
  if (!Array.isArray(value) || value.length === 0)
    throw new OptionError('merge.servers', 'must be a list of at least one server', value);
  const servers = value.map((server: unknown, index) => {
    const option = `merge.servers[${index}]`;
    const { prefix, target } = objectOption(option, server, ['prefix', 'target']);
    const { send, close } = (target ?? {}) as { readonly send?: unknown; readonly close?: unknown };
    if (typeof send !== 'function' || typeof close !== 'function')
      throw new OptionError(`${option}.target`, 'must be a target', target);
    return { prefix: nameOption(`${option}.prefix`, prefix, undefined, 64), target: target as Target };
  });
  for (const [index, { prefix }] of servers.entries()) {
    const other = servers.find(
      (each, at) => at !== index && `${prefix}${separator}`.startsWith(`${each.prefix}${separator}`),
    );
    if (other !== undefined)
      throw new OptionError(
        `merge.servers[${index}].prefix`,
        `must not begin with that of another server and "${separator}": whose a name is could not be told`,
        prefix,
      );
  }
  return Object.freeze(servers);
}

function nameOption(name: string, value: unknown, fallback: string | undefined, maxLength: number): string {
  const chosen = stringOption(name, value, fallback);
  if (!LEGAL.test(chosen) || chosen.length > maxLength)
    throw new OptionError(name, `must be at most ${maxLength} letters, digits, "_", "-" and "."`, value);
  return chosen;
}

import { OptionError } from '../kernel/errors.ts';
import { integerOption, objectOption } from '../kernel/options.ts';

/** How tasks are kept, and how many. A tool's own `task` says more about its own. */
export interface TasksOptions {
  /** How long a task is kept from its creation on, its run included, in seconds. @default 3_600 */
  readonly ttlSeconds?: number;
  /** The most that a tool may ask for, in seconds. @default 86_400, or `ttlSeconds` where that is more */
  readonly maxTtlSeconds?: number;
  /** How often clients are told to ask, in milliseconds. @default 1_000 */
  readonly pollIntervalMs?: number;
  /** Tasks that are kept at once, over all instances. @default 10_000 */
  readonly maxTasks?: number;
  /** Of one caller, where callers can be told apart. @default 1_000, or `maxTasks` where that is less */
  readonly maxPerPrincipal?: number;
  /** Tasks that one instance runs at once; those that wait for their client do not count. @default 1_000 */
  readonly maxRunning?: number;
}

export type ResolvedTasks = Required<TasksOptions>;

const DEFAULTS = Object.freeze({
  ...{ ttlSeconds: 3_600, maxTtlSeconds: 86_400, pollIntervalMs: 1_000 },
  ...{ maxTasks: 10_000, maxPerPrincipal: 1_000, maxRunning: 1_000 },
});
const KEYS = ['ttlSeconds', 'maxTtlSeconds', 'pollIntervalMs', 'maxTasks', 'maxPerPrincipal', 'maxRunning'] as const;
const COUNT = { min: 1, max: 10_000_000 };
/** A year. */
const TTL_SECONDS = { min: 1, max: 31_536_000 };
const POLL_MS = { min: 10, max: 3_600_000 };

/** Checks the options and fills in the defaults. @throws {OptionError} */
export function resolveTasks(options: unknown): ResolvedTasks {
  const given = objectOption('tasks', options, KEYS);
  const integer = (key: (typeof KEYS)[number], fallback: number, range: { min: number; max: number }): number =>
    integerOption(`tasks.${key}`, given[key], fallback, range);
  const ttlSeconds = integer('ttlSeconds', DEFAULTS.ttlSeconds, TTL_SECONDS);
  const maxTtlSeconds = integer('maxTtlSeconds', Math.max(DEFAULTS.maxTtlSeconds, ttlSeconds), TTL_SECONDS);
  if (maxTtlSeconds < ttlSeconds)
    throw new OptionError(
      'tasks.maxTtlSeconds',
      `must not be less than tasks.ttlSeconds (${ttlSeconds})`,
      maxTtlSeconds,
    );
  const maxTasks = integer('maxTasks', DEFAULTS.maxTasks, COUNT);
  return Object.freeze({
    ttlSeconds,
    maxTtlSeconds,
    pollIntervalMs: integer('pollIntervalMs', DEFAULTS.pollIntervalMs, POLL_MS),
    maxTasks,
    maxPerPrincipal: integer('maxPerPrincipal', Math.min(DEFAULTS.maxPerPrincipal, maxTasks), COUNT),
    maxRunning: integer('maxRunning', DEFAULTS.maxRunning, COUNT),
  });
}

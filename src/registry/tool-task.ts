import { MAX_TIMER_MS } from '../kernel/clock.ts';
import { OptionError } from '../kernel/errors.ts';
import { booleanOption, integerOption, objectOption } from '../kernel/options.ts';

/** How the calls of a tool become tasks, for clients that declare the extension `io.modelcontextprotocol/tasks`. */
export interface ToolTaskOptions {
  /** Refuse clients that do not declare it: the tool takes too long for an answer. @default false */
  readonly required?: boolean;
  /**
   * How long a call waits for its handler before it becomes a task, in milliseconds: what the handler answers, or asks for, by
   * then is the answer. 0 makes each call a task before its handler begins. @default 50
   */
  readonly immediateMs?: number;
  /** How long a task is kept, its run included, in seconds. @default the configuration's `tasks.ttlSeconds` */
  readonly ttlSeconds?: number;
  /** How often clients are told to ask, in milliseconds. @default the configuration's `tasks.pollIntervalMs` */
  readonly pollIntervalMs?: number;
}

export interface ResolvedToolTask {
  readonly required: boolean;
  readonly immediateMs: number;
  readonly ttlSeconds: number | undefined;
  readonly pollIntervalMs: number | undefined;
}

const KEYS = ['required', 'immediateMs', 'ttlSeconds', 'pollIntervalMs'] as const;
const DEFAULT_IMMEDIATE_MS = 50;
/** A year. */
const TASK_TTL_SECONDS = { min: 1, max: 31_536_000 };
const TASK_POLL_MS = { min: 10, max: 3_600_000 };

/** Checks how a tool's calls become tasks; nothing where they do not. @throws {OptionError} */
export function checkToolTask(
  option: string,
  { task, cache }: { readonly task?: unknown; readonly cache?: unknown },
): ResolvedToolTask | undefined {
  const name = `${option}.task`;
  if (task === undefined || task === false) return undefined;
  if (cache !== undefined)
    throw new OptionError(name, 'cannot go with cache: keep values by server.cache in the handler', task);
  if (task !== true && task !== 'required' && typeof task !== 'object')
    throw new OptionError(name, "must be true, 'required' or an object", task);
  const given = objectOption(name, task === true ? {} : task === 'required' ? { required: true } : task, KEYS);
  const { ttlSeconds, pollIntervalMs } = given;
  return Object.freeze({
    required: booleanOption(`${name}.required`, given.required, false),
    immediateMs: integerOption(`${name}.immediateMs`, given.immediateMs, DEFAULT_IMMEDIATE_MS, {
      min: 0,
      max: MAX_TIMER_MS,
    }),
    ttlSeconds:
      ttlSeconds === undefined ? undefined : integerOption(`${name}.ttlSeconds`, ttlSeconds, 1, TASK_TTL_SECONDS),
    pollIntervalMs:
      pollIntervalMs === undefined
        ? undefined
        : integerOption(`${name}.pollIntervalMs`, pollIntervalMs, 1, TASK_POLL_MS),
  });
}

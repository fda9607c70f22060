import { OptionError } from '../kernel/errors.ts';
import { booleanOption, integerOption, numberOption, objectOption } from '../kernel/options.ts';

/** How much of one tool is done at once. What is refused is not executed, and clients are told when to come back. */
export interface ToolLimits {
  /** Calls at once; more wait. @default unlimited */
  readonly concurrency?: number;
  /** Calls that may wait for that. @default 100 */
  readonly queue?: number;
  /** Longest such wait, in milliseconds. @default 5_000 */
  readonly timeoutMs?: number;
  /** Calls a second, of all callers together; one second's may come at once after a pause. @default unlimited */
  readonly ratePerSecond?: number;
  /** Refuse other tools first while the server is overloaded. @default false */
  readonly essential?: boolean;
}

export interface ResolvedToolLimits {
  /** `Infinity` without a limit. */
  readonly concurrency: number;
  readonly queue: number;
  readonly timeoutMs: number;
  readonly ratePerSecond: number | undefined;
  readonly essential: boolean;
}

const DEFAULTS = Object.freeze({ queue: 100, timeoutMs: 5_000, essential: false });
const KEYS = ['concurrency', 'queue', 'timeoutMs', 'ratePerSecond', 'essential'] as const;
/** The longest delay that timers of JavaScript know is about 24 days. */
const WAIT = { min: 1, max: 2_147_483_647 };

/** Checks a tool's limits; nothing without any. @throws {OptionError} */
export function checkToolLimits(option: string, limits: ToolLimits | undefined): ResolvedToolLimits | undefined {
  if (limits === undefined) return undefined;
  const name = `${option}.limits`;
  const given = objectOption(name, limits, KEYS);
  for (const key of ['queue', 'timeoutMs'] as const)
    if (given[key] !== undefined && given.concurrency === undefined)
      throw new OptionError(`${name}.${key}`, 'needs concurrency', given[key]);
  const { concurrency, ratePerSecond: rate } = given;
  const count = { min: 1, max: 1_000_000 };
  return Object.freeze({
    concurrency:
      concurrency === undefined
        ? Number.POSITIVE_INFINITY
        : integerOption(`${name}.concurrency`, concurrency, 1, count),
    queue: integerOption(`${name}.queue`, given.queue, DEFAULTS.queue, { min: 0, max: 1_000_000 }),
    timeoutMs: integerOption(`${name}.timeoutMs`, given.timeoutMs, DEFAULTS.timeoutMs, WAIT),
    ratePerSecond:
      rate === undefined ? undefined : numberOption(`${name}.ratePerSecond`, rate, 1, { min: 0.001, max: 1_000_000 }),
    essential: booleanOption(`${name}.essential`, given.essential, DEFAULTS.essential),
  });
}

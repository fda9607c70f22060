import { type Clock, systemClock } from '../kernel/clock.ts';
import { OptionError } from '../kernel/errors.ts';
import { resolveHardwareProfile } from '../kernel/hardware-profile.ts';
import { type MachineFacts, readMachineFacts } from '../kernel/machine.ts';
import { booleanOption, integerOption, numberOption, objectOption } from '../kernel/options.ts';
import { type Random, systemRandom } from '../kernel/random.ts';

/** Limits of one caller. */
export interface PrincipalLimits {
  /** Calls of tools at once. @default unlimited */
  readonly concurrency?: number;
  /** @default unlimited */
  readonly requestsPerSecond?: number;
  /** Requests that may come at once after a pause. @default one second's, at least 1 */
  readonly burst?: number;
}

/** When a server refuses work rather than do it too late. Every key is checked at construction. */
export interface OverloadOptions {
  /** Refuse by delay and by what is in flight; `false` leaves only what is limited below. @default true */
  readonly shed?: boolean;
  /** A delay of the event loop up to this is no queue, in milliseconds. @default 20 */
  readonly targetMs?: number;
  /** A delay above the target for this long is overload, in milliseconds. @default 100 */
  readonly windowMs?: number;
  /** Requests in flight. @default one for each 512 KiB of the memory that the process may use, 64 to 65_536 */
  readonly maxInFlight?: number;
  /** Calls of tools at once; more wait. @default unlimited */
  readonly concurrency?: number;
  /** Calls that may wait for that. @default 1_000 */
  readonly queue?: number;
  /** Longest such wait, in milliseconds. @default 5_000 */
  readonly timeoutMs?: number;
  /** Requests a second, of all callers together. @default unlimited */
  readonly requestsPerSecond?: number;
  /** Requests that may come at once after a pause. @default one second's, at least 1 */
  readonly burst?: number;
  readonly perPrincipal?: PrincipalLimits;
}

export interface ResolvedOverload {
  readonly shed: boolean;
  readonly targetMs: number;
  readonly windowMs: number;
  readonly maxInFlight: number;
  readonly concurrency: number;
  readonly queue: number;
  readonly timeoutMs: number;
  readonly rate: RateOptions | undefined;
  readonly perPrincipal: { readonly concurrency: number; readonly rate: RateOptions | undefined };
}

/** How many requests may come. */
export interface RateOptions {
  readonly requestsPerSecond: number;
  /** @default one second's, at least 1 */
  readonly burst?: number;
}

const DEFAULTS = Object.freeze({ shed: true, targetMs: 20, windowMs: 100, queue: 1_000, timeoutMs: 5_000 });

const KEYS = [
  'shed',
  'targetMs',
  'windowMs',
  'maxInFlight',
  'concurrency',
  'queue',
  'timeoutMs',
  'requestsPerSecond',
  'burst',
  'perPrincipal',
] as const;

const COUNT = { min: 1, max: 1_000_000 };
/** The longest delay that timers of JavaScript know: about 24 days. */
export const WAIT = { min: 1, max: 2_147_483_647 };

/** Checks how a server refuses work, and fills in the defaults. @throws {OptionError} */
export function resolveOverload(
  options: OverloadOptions | undefined,
  machine: () => MachineFacts = readMachineFacts,
): ResolvedOverload {
  const given = objectOption('overload', options, KEYS);
  const own = objectOption('overload.perPrincipal', given.perPrincipal, ['concurrency', 'requestsPerSecond', 'burst']);
  const windowMs = integerOption('overload.windowMs', given.windowMs, DEFAULTS.windowMs, { min: 10, max: 60_000 });
  return Object.freeze({
    shed: booleanOption('overload.shed', given.shed, DEFAULTS.shed),
    targetMs: integerOption('overload.targetMs', given.targetMs, DEFAULTS.targetMs, { min: 1, max: windowMs }),
    windowMs,
    maxInFlight: integerOption(
      'overload.maxInFlight',
      given.maxInFlight ?? resolveHardwareProfile(machine()).requestsInFlight,
      1,
      COUNT,
    ),
    concurrency: countOption('overload.concurrency', given.concurrency),
    queue: integerOption('overload.queue', given.queue, DEFAULTS.queue, { min: 0, max: 1_000_000 }),
    timeoutMs: integerOption('overload.timeoutMs', given.timeoutMs, DEFAULTS.timeoutMs, WAIT),
    rate: rateOption('overload', given.requestsPerSecond, given.burst),
    perPrincipal: Object.freeze({
      concurrency: countOption('overload.perPrincipal.concurrency', own.concurrency),
      rate: rateOption('overload.perPrincipal', own.requestsPerSecond, own.burst),
    }),
  });
}

/** A count; without one there is no limit. @throws {OptionError} */
export function countOption(name: string, value: unknown): number {
  return value === undefined ? Number.POSITIVE_INFINITY : integerOption(name, value, 1, COUNT);
}

/** A rate; nothing without one. @throws {OptionError} */
export function rateOption(name: string, requestsPerSecond: unknown, burst: unknown): RateOptions | undefined {
  if (requestsPerSecond === undefined) {
    if (burst !== undefined) throw new OptionError(`${name}.burst`, 'needs requestsPerSecond', burst);
    return undefined;
  }
  const range = { min: 0.001, max: 1_000_000 };
  const rate = numberOption(`${name}.requestsPerSecond`, requestsPerSecond, Number.NaN, range);
  const fallback = Math.max(1, Math.ceil(rate));
  return Object.freeze({
    requestsPerSecond: rate,
    burst: integerOption(`${name}.burst`, burst, fallback, { min: 1, max: 1_000_000 }),
  });
}

/** Where time and randomness come from. */
export interface LimitSources {
  /** @default the system's clock */
  readonly clock?: Clock;
  /** @default the runtime's generator */
  readonly random?: Random;
}

/** @throws {OptionError} */
export function sourcesOf(
  name: string,
  { clock = systemClock, random = systemRandom }: LimitSources,
): Required<LimitSources> {
  if (typeof clock?.now !== 'function' || typeof clock.after !== 'function')
    throw new OptionError(`${name}.clock`, 'must be a Clock', clock);
  if (typeof random !== 'function') throw new OptionError(`${name}.random`, 'must be a function', random);
  return { clock, random };
}

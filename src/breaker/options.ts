import { type Clock, clockOption, MAX_TIMER_MS } from '../kernel/clock.ts';
import { OptionError } from '../kernel/errors.ts';
import { functionOption, integerOption, numberOption, objectOption, stringOption } from '../kernel/options.ts';
import { type Random, systemRandom } from '../kernel/random.ts';
import { type BreakerEvent, Signal } from '../signal/signal.ts';

/** How a circuit decides. Every key is checked at construction. */
export interface CircuitOptions {
  /** The dependency's name, in errors, events and statistics. @default the call's own name, or `circuit` */
  readonly name?: string;
  /** Failures in a row that open the circuit. @default 5 */
  readonly threshold?: number;
  /** Longest time for one call, in milliseconds; 0 for no limit. @default 10_000 */
  readonly timeout?: number;
  /** How long an open circuit refuses calls before it lets one probe through, in milliseconds. @default 30_000 */
  readonly resetTimeout?: number;
  /** What the reset timeout is multiplied by after each failed probe. @default 1 */
  readonly resetBackoff?: number;
  /** Longest reset timeout that the backoff leads to, in milliseconds. @default 300_000, or `resetTimeout` if longer */
  readonly maxResetTimeout?: number;
  /** Share of the reset timeout, 0 to 1, by which it is prolonged at random so that instances do not probe in step. @default 0 */
  readonly resetJitter?: number;
  /**
   * Whether an error counts as a failure. One that does not shows that the dependency answers; `undefined` is for one that
   * shows nothing, like a cancelled call. @default every error is a failure
   */
  readonly isFailure?: (error: unknown) => boolean | undefined;
  /** Where changes of state are told; several circuits may share one. @default a signal of its own */
  readonly changed?: Signal<BreakerEvent>;
  /** Where time comes from. @default the system's clock */
  readonly clock?: Clock;
  /** Where randomness comes from. @default the runtime's generator */
  readonly random?: Random;
}

/** Options that have been checked, with every default filled in. */
export type ResolvedCircuitOptions = Readonly<Required<CircuitOptions>>;

const DEFAULTS = Object.freeze({
  name: 'circuit',
  threshold: 5,
  timeout: 10_000,
  resetTimeout: 30_000,
  resetBackoff: 1,
  maxResetTimeout: 300_000,
  resetJitter: 0,
});

/** The keys of {@link CircuitOptions}. */
export const CIRCUIT_KEYS = [
  'name',
  'threshold',
  'timeout',
  'resetTimeout',
  'resetBackoff',
  'maxResetTimeout',
  'resetJitter',
  'isFailure',
  'changed',
  'clock',
  'random',
] as const;

const always = (): boolean => true;

/** Checks a circuit's options and fills in the defaults. @param option What errors call them. @throws {OptionError} */
export function resolveCircuitOptions(options: CircuitOptions | undefined, option = 'breaker'): ResolvedCircuitOptions {
  const given = objectOption(option, options, CIRCUIT_KEYS);
  const threshold = { min: 1, max: 1_000_000 };
  const resetTimeout = integerOption(`${option}.resetTimeout`, given.resetTimeout, DEFAULTS.resetTimeout, {
    min: 1,
    max: MAX_TIMER_MS,
  });
  return Object.freeze({
    name: stringOption(`${option}.name`, given.name, DEFAULTS.name),
    threshold: integerOption(`${option}.threshold`, given.threshold, DEFAULTS.threshold, threshold),
    timeout: integerOption(`${option}.timeout`, given.timeout, DEFAULTS.timeout, { min: 0, max: MAX_TIMER_MS }),
    resetTimeout,
    resetBackoff: numberOption(`${option}.resetBackoff`, given.resetBackoff, DEFAULTS.resetBackoff, {
      min: 1,
      max: 100,
    }),
    maxResetTimeout: integerOption(
      `${option}.maxResetTimeout`,
      given.maxResetTimeout,
      Math.max(DEFAULTS.maxResetTimeout, resetTimeout),
      { min: resetTimeout, max: MAX_TIMER_MS },
    ),
    resetJitter: numberOption(`${option}.resetJitter`, given.resetJitter, DEFAULTS.resetJitter, { min: 0, max: 1 }),
    isFailure: functionOption(`${option}.isFailure`, given.isFailure, always),
    changed: signalOption(`${option}.changed`, given.changed),
    clock: clockOption(`${option}.clock`, given.clock),
    random: functionOption(`${option}.random`, given.random, systemRandom),
  });
}

function signalOption(name: string, value: unknown): Signal<BreakerEvent> {
  if (value === undefined) return new Signal<BreakerEvent>();
  if (!(value instanceof Signal)) throw new OptionError(name, 'must be a Signal', value);
  return value;
}

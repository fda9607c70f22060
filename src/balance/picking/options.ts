import { type Clock, clockOption, MAX_TIMER_MS } from '../../kernel/clock.ts';
import { OptionError } from '../../kernel/errors.ts';
import { functionOption, integerOption, numberOption, objectOption } from '../../kernel/options.ts';
import { type Random, systemRandom } from '../../kernel/random.ts';
import type { BalancingAlgorithm } from './backend.ts';

/** When a backend gets no calls for a while because of what came of its calls. */
export interface EjectionOptions {
  /** Failures in a row. @default 5 */
  readonly failures?: number;
  /** How long it is out the first time, in milliseconds; the second time twice as long, and so on. @default 30_000 */
  readonly baseMs?: number;
  /** Share of the backends that may be out at once, unhealthy ones included. @default 0.5 */
  readonly maxShare?: number;
}

/** How backends are asked whether they work. */
export interface ProbeOptions {
  /** Rejects when the backend does not work; what it does ends with the signal. */
  readonly check: (id: string, signal: AbortSignal) => Promise<void>;
  /** From the end of one probe to the next, in milliseconds. @default 5_000 */
  readonly intervalMs?: number;
  /** A longer probe has failed, in milliseconds. @default 2_000 */
  readonly timeoutMs?: number;
  /** Failed probes in a row that make a backend unhealthy. @default 2 */
  readonly unhealthyAfter?: number;
  /** Probes in a row that make it healthy again. @default 1 */
  readonly healthyAfter?: number;
}

/** How a balancer chooses. Every key is checked at construction. */
export interface LoadBalancerOptions {
  /** @default 'least-connections' */
  readonly algorithm?: BalancingAlgorithm;
  /** How long a backend that is new, or is back, takes to get its whole share, in milliseconds; 0 for at once. @default 10_000 */
  readonly slowStartMs?: number;
  /** `false` leaves backends in whatever comes of their calls. */
  readonly ejection?: EjectionOptions | false;
  /** Below this share of healthy backends all are used: too many are out to believe it. @default 0.5 */
  readonly panicBelow?: number;
  /** Above this share of its memory `resource-based` chooses a backend only where there is no other. @default 0.9 */
  readonly maxMemory?: number;
  /** @default nobody is asked */
  readonly probe?: ProbeOptions;
  /** Where time comes from. @default the system's clock */
  readonly clock?: Clock;
  /** Where chance comes from. @default the runtime's generator */
  readonly random?: Random;
}

/** A balancer's options, checked, with every default filled in. */
export interface ResolvedLoadBalancerOptions {
  readonly algorithm: BalancingAlgorithm;
  readonly slowStartMs: number;
  readonly ejection: Required<EjectionOptions> | undefined;
  readonly panicBelow: number;
  readonly maxMemory: number;
  readonly probe: Required<ProbeOptions> | undefined;
  readonly clock: Clock;
  readonly random: Random;
}

export const ALGORITHMS: readonly BalancingAlgorithm[] = Object.freeze([
  'round-robin',
  'weighted-round-robin',
  'least-connections',
  'resource-based',
  'peak-ewma',
]);

const KEYS = ['algorithm', 'slowStartMs', 'ejection', 'panicBelow', 'maxMemory', 'probe', 'clock', 'random'] as const;
const SHARE = { min: 0, max: 1 };
const COUNT = { min: 1, max: 1_000 };
const WAIT = { min: 1, max: MAX_TIMER_MS };

/** Checks a balancer's options and fills in the defaults. @throws {OptionError} */
export function resolveLoadBalancerOptions(options: LoadBalancerOptions | undefined): ResolvedLoadBalancerOptions {
  const given = objectOption('config', options, KEYS);
  const algorithm = (given.algorithm ?? 'least-connections') as BalancingAlgorithm;
  if (!ALGORITHMS.includes(algorithm))
    throw new OptionError('algorithm', `must be one of ${ALGORITHMS.join(', ')}`, algorithm);
  return Object.freeze({
    algorithm,
    slowStartMs: integerOption('slowStartMs', given.slowStartMs, 10_000, { min: 0, max: 3_600_000 }),
    ejection: given.ejection === false ? undefined : resolveEjection(given.ejection),
    panicBelow: numberOption('panicBelow', given.panicBelow, 0.5, SHARE),
    maxMemory: numberOption('maxMemory', given.maxMemory, 0.9, SHARE),
    probe: given.probe === undefined ? undefined : resolveProbe(given.probe),
    clock: clockOption('clock', given.clock),
    random: functionOption('random', given.random, systemRandom),
  });
}

/** A backend's weight. @throws {OptionError} */
export function weightOption(weight: unknown): number {
  return numberOption('weight', weight, 1, { min: 0.001, max: 1_000_000 });
}

function resolveEjection(ejection: unknown): Required<EjectionOptions> {
  const given = objectOption('ejection', ejection, ['failures', 'baseMs', 'maxShare']);
  return Object.freeze({
    failures: integerOption('ejection.failures', given.failures, 5, COUNT),
    baseMs: integerOption('ejection.baseMs', given.baseMs, 30_000, { min: 1, max: 3_600_000 }),
    maxShare: numberOption('ejection.maxShare', given.maxShare, 0.5, SHARE),
  });
}

function resolveProbe(probe: unknown): Required<ProbeOptions> {
  const keys = ['check', 'intervalMs', 'timeoutMs', 'unhealthyAfter', 'healthyAfter'] as const;
  const given = objectOption('probe', probe, keys);
  const check = functionOption<ProbeOptions['check'] | undefined>('probe.check', given.check, undefined);
  if (check === undefined) throw new OptionError('probe.check', 'must be a function', check);
  return Object.freeze({
    check,
    intervalMs: integerOption('probe.intervalMs', given.intervalMs, 5_000, WAIT),
    timeoutMs: integerOption('probe.timeoutMs', given.timeoutMs, 2_000, WAIT),
    unhealthyAfter: integerOption('probe.unhealthyAfter', given.unhealthyAfter, 2, COUNT),
    healthyAfter: integerOption('probe.healthyAfter', given.healthyAfter, 1, COUNT),
  });
}

import { OptionError } from '../../kernel/errors.ts';
import {
  integerOption,
  type NumberRange,
  numberOption,
  objectOption,
  stringListOption,
  stringOption,
} from '../../kernel/options.ts';
import type { BalancingAlgorithm } from '../picking/backend.ts';

/** How calls are spread over replicas, and what is done where one fails. */
export interface ReplicaConfig {
  /** @default 'least-connections' */
  readonly algorithm?: BalancingAlgorithm;
  /** Most connections to one replica. A stream holds one as long as it is open. @default 256 */
  readonly maxConnections?: number;
  /** Tools that may be called twice, since they change nothing or make the same change only once; `*` for any characters. @default none */
  readonly safeTools?: readonly string[];
  /** Further attempts at another replica; `false` for none. */
  readonly retries?: RetryConfig | false;
  /** A second attempt while the first one takes longer than 95 % of such calls; `true` with the defaults. @default false */
  readonly hedging?: HedgingConfig | boolean;
  readonly breaker?: BackendBreakerConfig;
  /** How replicas are asked whether they work; `false` for not at all. */
  readonly health?: HealthConfig | false;
  /** How long a replica that is no more in the list may finish what it has, in milliseconds. @default 30_000 */
  readonly drainMs?: number;
}

export interface RetryConfig {
  /** Share of the requests of the last 10 seconds, 0 to 1. @default 0.2 */
  readonly share?: number;
  /** And so many a second. @default 10 */
  readonly perSecond?: number;
  /** How long after a call began a further attempt may still begin, in milliseconds. @default 30_000 */
  readonly deadlineMs?: number;
}

export interface HedgingConfig {
  /** Share of the safe calls of the last 10 seconds, 0 to 1. @default 0.02 */
  readonly share?: number;
}

export interface BackendBreakerConfig {
  /** Failures in a row, of a replica or of one tool at it. @default 5 */
  readonly threshold?: number;
  /** Longest time until an answer begins, if only with progress, in milliseconds. @default 10_000 */
  readonly timeoutMs?: number;
  /** How long no calls are made then, in milliseconds. @default 30_000 */
  readonly resetMs?: number;
}

export interface HealthConfig {
  /** Path to GET. @default a `server/discover` to the endpoint itself */
  readonly path?: string;
  /** From one probe to the next, in milliseconds. @default 5_000 */
  readonly intervalMs?: number;
  /** A longer probe has failed, in milliseconds. @default 2_000 */
  readonly timeoutMs?: number;
}

/** Options that have been checked, with every default filled in. */
export interface ReplicaOptions {
  readonly algorithm: BalancingAlgorithm;
  readonly maxConnections: number;
  readonly safeTools: readonly string[];
  readonly retries: Required<RetryConfig>;
  readonly hedging: Required<HedgingConfig> | undefined;
  readonly breaker: Required<BackendBreakerConfig>;
  readonly health:
    | { readonly path: string | undefined; readonly intervalMs: number; readonly timeoutMs: number }
    | undefined;
  readonly drainMs: number;
}

export const REPLICA_KEYS = [
  'algorithm',
  'maxConnections',
  'safeTools',
  'retries',
  'hedging',
  'breaker',
  'health',
  'drainMs',
] as const;

const ALGORITHMS: readonly BalancingAlgorithm[] = [
  'round-robin',
  'weighted-round-robin',
  'least-connections',
  'resource-based',
  'peak-ewma',
];
const SHARE: NumberRange = { min: 0, max: 1 };
const TIME: NumberRange = { min: 1, max: 86_400_000 };

/** @param at The name of the server's configuration, such as `servers.catalogue`. @throws {OptionError} */
export function resolveReplicaOptions(at: string, given: ReplicaConfig): ReplicaOptions {
  const algorithm = stringOption(`${at}.algorithm`, given.algorithm, 'least-connections') as BalancingAlgorithm;
  if (!ALGORITHMS.includes(algorithm))
    throw new OptionError(`${at}.algorithm`, `must be one of ${ALGORITHMS.join(', ')}`, algorithm);
  return Object.freeze({
    algorithm,
    maxConnections: integerOption(`${at}.maxConnections`, given.maxConnections, 256, { min: 1, max: 65_535 }),
    safeTools: stringListOption(`${at}.safeTools`, given.safeTools, []),
    retries: resolveRetries(`${at}.retries`, given.retries),
    hedging: resolveHedging(`${at}.hedging`, given.hedging ?? false),
    breaker: resolveBreaker(`${at}.breaker`, given.breaker),
    health: given.health === false ? undefined : resolveHealth(`${at}.health`, given.health),
    drainMs: integerOption(`${at}.drainMs`, given.drainMs, 30_000, { min: 0, max: TIME.max }),
  });
}

function resolveRetries(at: string, value: unknown): Required<RetryConfig> {
  const given = objectOption(at, value === false ? undefined : value, ['share', 'perSecond', 'deadlineMs']);
  const isOn = value !== false;
  return Object.freeze({
    share: numberOption(`${at}.share`, given.share, isOn ? 0.2 : 0, SHARE),
    perSecond: numberOption(`${at}.perSecond`, given.perSecond, isOn ? 10 : 0, { min: 0, max: 1_000_000 }),
    deadlineMs: integerOption(`${at}.deadlineMs`, given.deadlineMs, 30_000, TIME),
  });
}

function resolveHedging(at: string, value: unknown): Required<HedgingConfig> | undefined {
  if (value === false) return undefined;
  const given = objectOption(at, value === true ? undefined : value, ['share']);
  return Object.freeze({ share: numberOption(`${at}.share`, given.share, 0.02, SHARE) });
}

function resolveBreaker(at: string, value: unknown): Required<BackendBreakerConfig> {
  const given = objectOption(at, value, ['threshold', 'timeoutMs', 'resetMs']);
  return Object.freeze({
    threshold: integerOption(`${at}.threshold`, given.threshold, 5, { min: 1, max: 1_000_000 }),
    timeoutMs: integerOption(`${at}.timeoutMs`, given.timeoutMs, 10_000, TIME),
    resetMs: integerOption(`${at}.resetMs`, given.resetMs, 30_000, TIME),
  });
}

function resolveHealth(at: string, value: unknown): NonNullable<ReplicaOptions['health']> {
  const given = objectOption(at, value, ['path', 'intervalMs', 'timeoutMs']);
  const path = given.path === undefined ? undefined : stringOption(`${at}.path`, given.path);
  if (path !== undefined && !/^\/[!-~]*$/.test(path))
    throw new OptionError(`${at}.path`, 'must start with / and hold no blanks', path);
  return Object.freeze({
    path,
    intervalMs: integerOption(`${at}.intervalMs`, given.intervalMs, 5_000, TIME),
    timeoutMs: integerOption(`${at}.timeoutMs`, given.timeoutMs, 2_000, TIME),
  });
}

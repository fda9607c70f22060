import { OptionError } from '../kernel/errors.ts';
import { integerOption, objectOption } from '../kernel/options.ts';

/** Whether clients of earlier revisions get a session: always, never, or where the server is known to need one. */
export type SessionMode = 'auto' | boolean;

/** Sessions of clients of the revisions before 2026-07-28. */
export interface SessionOptions {
  /** @default 'auto' */
  readonly mode?: SessionMode;
  /** How long a session that nobody uses is kept. @default 1_800 */
  readonly idleTimeoutSeconds?: number;
  /** Sessions at once, over all instances. @default 10_000 */
  readonly maxSessions?: number;
  /** Sessions at once of one principal that has a name. @default 1_000 */
  readonly maxPerPrincipal?: number;
  /** How long a client may take to answer a request of the server's own. @default 60 */
  readonly requestTimeoutSeconds?: number;
  /** Requests that one client has to answer at once. @default 64 */
  readonly maxRequestsPerClient?: number;
  /** Requests that all clients of an instance have to answer at once. @default 10_000 */
  readonly maxRequests?: number;
  /** How often the handler of one call may ask by `inputRequired(...)`. @default 16 */
  readonly maxRounds?: number;
  /** How long a stream can be resumed after its last event. @default 300 */
  readonly eventTtlSeconds?: number;
  /** Events of one stream that are kept to be resumed from. @default 1_000 */
  readonly maxEvents?: number;
  /** Characters of one stream's events that are kept. @default 1_000_000 */
  readonly maxEventChars?: number;
  /** When a client is told to come back to a stream that ended, in milliseconds. @default 1_000 */
  readonly retryMs?: number;
}

export type ResolvedSessions = Required<SessionOptions>;

const NUMBERS = {
  idleTimeoutSeconds: [1_800, { min: 1, max: 2_592_000 }],
  maxSessions: [10_000, { min: 1, max: 10_000_000 }],
  maxPerPrincipal: [1_000, { min: 1, max: 10_000_000 }],
  requestTimeoutSeconds: [60, { min: 1, max: 86_400 }],
  maxRequestsPerClient: [64, { min: 1, max: 10_000 }],
  maxRequests: [10_000, { min: 1, max: 1_000_000 }],
  maxRounds: [16, { min: 1, max: 1_000 }],
  eventTtlSeconds: [300, { min: 1, max: 86_400 }],
  maxEvents: [1_000, { min: 1, max: 100_000 }],
  maxEventChars: [1_000_000, { min: 1_000, max: 100_000_000 }],
  retryMs: [1_000, { min: 0, max: 600_000 }],
} as const;
const NUMBER_KEYS = Object.keys(NUMBERS) as (keyof typeof NUMBERS)[];

/** Checks the option `sessions` and fills in the defaults. @throws {OptionError} */
export function resolveSessions(options: unknown): ResolvedSessions {
  const isMode = options === 'auto' || typeof options === 'boolean';
  const isWrong = options !== undefined && !isMode && (typeof options !== 'object' || options === null);
  if (isWrong) throw new OptionError('sessions', `must be 'auto', true, false or an object`, options);
  const given = objectOption('sessions', isMode ? { mode: options } : options, ['mode', ...NUMBER_KEYS]);
  const mode = given.mode ?? 'auto';
  if (mode !== 'auto' && typeof mode !== 'boolean')
    throw new OptionError('sessions.mode', `must be 'auto', true or false`, mode);
  const numbers = NUMBER_KEYS.map((key) => [
    key,
    integerOption(`sessions.${key}`, given[key], NUMBERS[key][0], NUMBERS[key][1]),
  ]);
  return Object.freeze({ mode, ...(Object.fromEntries(numbers) as Omit<ResolvedSessions, 'mode'>) });
}

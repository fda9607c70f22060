import { OptionError } from '../kernel/errors.ts';
import { resolveHardwareProfile } from '../kernel/hardware-profile.ts';
import { type MachineFacts, readMachineFacts } from '../kernel/machine.ts';
import { booleanOption, integerOption, numberOption, objectOption, stringOption } from '../kernel/options.ts';
import { isRedisUrl, redisPrefix } from '../kernel/redis-place.ts';

/** How a server's cache is set up; every key is checked at construction. */
export interface CacheOptions {
  /** Values in the first tier, in this process. @default 10_000 */
  readonly lruCacheSize?: number;
  /** Bytes of values in the first tier. @default 1/64 of the memory that the process may use, 16 MiB to 512 MiB */
  readonly maxMemoryBytes?: number;
  /** Lifetime of a value that does not say its own, in seconds. @default 3_600 */
  readonly cacheTTL?: number;
  /** How long after its lifetime a value is served while it is computed anew, in seconds. @default 0 */
  readonly staleSeconds?: number;
  /** How long after its lifetime a value is served where computing it anew fails, in seconds. @default 0 */
  readonly staleIfErrorSeconds?: number;
  /**
   * How early a value is computed anew before its lifetime ends, behind the back of the request that happens to do so:
   * about so many times as long as computing it took. 0 for never. @default 1
   */
  readonly earlyRefresh?: number;
  /** A longer text is not kept, in bytes. @default 1_048_576 */
  readonly maxEntryBytes?: number;
  /** Share a second tier with other instances, in Redis or Valkey. @default false */
  readonly enableRedisCache?: boolean;
  /** @default 'redis://localhost:6379' */
  readonly redisUrl?: string;
  /** Longest wait for one read of the second tier, in milliseconds. @default 50 */
  readonly redisTimeoutMs?: number;
  /** What this server's keys in the second tier begin with. @default 'peregrine:' and the server's name, with a digest where that has other characters than letters, digits, '_', '.' and '-' */
  readonly keyPrefix?: string;
  /** Texts longer than this are compressed in the second tier, in bytes; 0 for all. @default 8_192 */
  readonly compressAboveBytes?: number;
  /** How long an instance may keep the others waiting while it computes a value, in milliseconds; 0 lets each compute. @default 10_000 */
  readonly lockMs?: number;
  /** Writes to the second tier that may wait; beyond it the oldest are given up. @default 10_000 */
  readonly maxQueuedWrites?: number;
  /** Bytes of such writes. @default 33_554_432 */
  readonly maxQueuedBytes?: number;
}

export interface ResolvedCacheOptions extends Required<CacheOptions> {}

const KEYS = [
  'lruCacheSize',
  'maxMemoryBytes',
  'cacheTTL',
  'staleSeconds',
  'staleIfErrorSeconds',
  'earlyRefresh',
  'maxEntryBytes',
  'enableRedisCache',
  'redisUrl',
  'redisTimeoutMs',
  'keyPrefix',
  'compressAboveBytes',
  'lockMs',
  'maxQueuedWrites',
  'maxQueuedBytes',
] as const;

const MIB = 1_048_576;
const MAX_SECONDS = 31_536_000;

/** Checks the options and fills in the defaults. @throws {OptionError} */
export function resolveCacheOptions(
  options: unknown,
  serverName: string,
  machine: MachineFacts = readMachineFacts(),
): ResolvedCacheOptions {
  const given = objectOption('cache', options, KEYS);
  const whole = (key: (typeof KEYS)[number], fallback: number, min: number, max: number): number =>
    integerOption(`cache.${key}`, given[key], fallback, { min, max });
  const seconds = (key: (typeof KEYS)[number], fallback: number): number =>
    numberOption(`cache.${key}`, given[key], fallback, { min: 0, max: MAX_SECONDS });
  const { cacheEntries, cacheBytes } = resolveHardwareProfile(machine);
  const prefix = stringOption('cache.keyPrefix', given.keyPrefix, redisPrefix(serverName));
  return Object.freeze({
    lruCacheSize: whole('lruCacheSize', cacheEntries, 1, 100_000_000),
    maxMemoryBytes: whole('maxMemoryBytes', cacheBytes, MIB, 2 ** 40),
    cacheTTL: seconds('cacheTTL', 3_600),
    staleSeconds: seconds('staleSeconds', 0),
    staleIfErrorSeconds: seconds('staleIfErrorSeconds', 0),
    earlyRefresh: numberOption('cache.earlyRefresh', given.earlyRefresh, 1, { min: 0, max: 10 }),
    maxEntryBytes: whole('maxEntryBytes', MIB, 1, 512 * MIB),
    enableRedisCache: booleanOption('cache.enableRedisCache', given.enableRedisCache, false),
    redisUrl: checkUrl(given.redisUrl),
    redisTimeoutMs: whole('redisTimeoutMs', 50, 1, 60_000),
    keyPrefix: prefix,
    compressAboveBytes: whole('compressAboveBytes', 8_192, 0, 512 * MIB),
    lockMs: whole('lockMs', 10_000, 0, 600_000),
    maxQueuedWrites: whole('maxQueuedWrites', 10_000, 1, 10_000_000),
    maxQueuedBytes: whole('maxQueuedBytes', 32 * MIB, MIB, 2 ** 40),
  });
}

/** The address may hold a password: it is never shown. */
function checkUrl(url: unknown): string {
  const chosen = url ?? 'redis://localhost:6379';
  if (typeof chosen !== 'string' || !isRedisUrl(chosen))
    throw new OptionError('cache.redisUrl', 'must be a URL such as redis://localhost:6379', typeof url);
  return chosen;
}

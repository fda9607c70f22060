import { OptionError } from '../kernel/errors.ts';
import { integerOption, objectOption, stringOption } from '../kernel/options.ts';
import { isRedisUrl, redisPrefix } from '../kernel/redis-place.ts';

/** Where a server keeps what outlives a request: sessions, their events, tasks. */
export interface StateStoreOptions {
  /** `memory`, `sqlite:./file.db`, `redis://...` or `rediss://...`. @default the supervisor's memory, or without one this process's */
  readonly url?: string;
  /** What this server's keys in Redis begin with. @default 'peregrine:' and the server's name, as the cache's */
  readonly keyPrefix?: string;
  /** Longest wait for an answer of the store, in milliseconds. @default 1_000 */
  readonly timeoutMs?: number;
  /** Characters that are kept in memory at most. @default 268_435_456 */
  readonly maxCharacters?: number;
}

export interface ResolvedStateStore {
  readonly kind: 'default' | 'memory' | 'sqlite' | 'redis';
  /** The URL of a Redis, or the path of a file. */
  readonly place: string;
  readonly keyPrefix: string;
  readonly timeoutMs: number;
  readonly maxCharacters: number;
}

const KEYS = ['url', 'keyPrefix', 'timeoutMs', 'maxCharacters'] as const;
const SQLITE = 'sqlite:';
export const MAX_CHARACTERS = 268_435_456;

/** Checks the options and fills in the defaults. @throws {OptionError} */
export function resolveStateStore(value: unknown, serverName: string): ResolvedStateStore {
  const isText = typeof value === 'string';
  const given = isText ? { url: value } : objectOption('stateStore', value, KEYS);
  const store = resolveUrl(isText ? 'stateStore' : 'stateStore.url', given.url);
  if (given.keyPrefix !== undefined && store.kind !== 'redis')
    throw new OptionError('stateStore.keyPrefix', 'is for Redis only', given.keyPrefix);
  return Object.freeze({
    ...store,
    keyPrefix: checkPrefix(given.keyPrefix, redisPrefix(serverName)),
    timeoutMs: integerOption('stateStore.timeoutMs', given.timeoutMs, 1_000, { min: 1, max: 60_000 }),
    maxCharacters: integerOption('stateStore.maxCharacters', given.maxCharacters, MAX_CHARACTERS, {
      min: 1_048_576,
      max: 2 ** 40,
    }),
  });
}

/** It may hold a password, and is never shown. */
function resolveUrl(name: string, url: unknown): Pick<ResolvedStateStore, 'kind' | 'place'> {
  if (url === undefined) return { kind: 'default', place: '' };
  if (url === 'memory') return { kind: 'memory', place: '' };
  if (typeof url === 'string' && isRedisUrl(url)) return { kind: 'redis', place: url };
  if (typeof url === 'string' && url.startsWith(SQLITE)) {
    const path = url.slice(SQLITE.length);
    if (path !== '' && !path.startsWith(':') && !path.includes('\0')) return { kind: 'sqlite', place: path };
  }
  throw new OptionError(name, 'must be memory, sqlite:FILE or redis://HOST:PORT', typeof url);
}

/** Braces would end the part of the keys that keeps them together in a cluster. */
function checkPrefix(value: unknown, fallback: string): string {
  const prefix = stringOption('stateStore.keyPrefix', value, fallback);
  if (/[{}]/.test(prefix)) throw new OptionError('stateStore.keyPrefix', 'must not contain braces', value);
  return prefix;
}

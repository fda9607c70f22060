import { OptionError } from '../kernel/errors.ts';
import { numberOption, objectOption } from '../kernel/options.ts';
import type { Lifetime } from './entry.ts';
import type { Invalidation } from './generations.ts';
import { APPLICATION_PREFIX } from './keys.ts';
import type { ResolvedCacheOptions } from './options.ts';
import type { Computed } from './served.ts';
import type { Cache } from './tiered-cache.ts';

/** How long a value of the author's own is kept, and what invalidates it. */
export interface ValueOptions {
  /** Its lifetime. @default the cache's `cacheTTL` */
  readonly ttlSeconds?: number;
  /** How long it is served after that, while it is computed anew. @default the cache's */
  readonly staleSeconds?: number;
  /** How long it is served after that, where computing it anew fails. @default the cache's */
  readonly staleIfErrorSeconds?: number;
  /** Lifetime of `null` and `undefined`: without one these are not kept. @default 0 */
  readonly negativeTtlSeconds?: number;
  readonly tags?: readonly string[];
  /** The caller's: a caller that goes away does not end a computation for the others. */
  readonly signal?: AbortSignal;
}

/** Which values to invalidate: one of these. */
export interface InvalidationTarget {
  /** One value by its key. */
  readonly key?: string;
  /** All whose key fits; `*` stands for any characters. Answers of tools are `tool:<name>:...`, of resources `resource:<name>:...`. */
  readonly pattern?: string;
  /** All that carry one of these tags. */
  readonly tags?: readonly string[];
}

const LIFE_KEYS = ['ttlSeconds', 'staleSeconds', 'staleIfErrorSeconds', 'negativeTtlSeconds'] as const;
const KEYS = [...LIFE_KEYS, 'tags', 'signal'] as const;
const MAX_SECONDS = 31_536_000;

/**
 * The cache as authors use it: values that JSON can express, under keys of their own.
 *
 * Each read gets a copy of its own, also the one that computed it: what a value is does not depend on where it came from.
 */
export class ApplicationCache {
  readonly #cache: Cache;

  constructor(cache: Cache) {
    this.#cache = cache;
  }

  /** Reads a value, computing it at most once for all who ask at the same time. Rejects as the computation does. @throws {OptionError} */
  async getOrCompute<T>(
    key: string,
    compute: (signal: AbortSignal) => T | Promise<T>,
    options: ValueOptions = {},
  ): Promise<T> {
    const { life, negative, tags } = resolveValueOptions(options, this.#cache.options);
    const toText = async (signal: AbortSignal): Promise<Computed> => {
      const value = await compute(signal);
      const isNegative = value === undefined || value === null;
      const text = value === undefined ? '' : JSON.stringify(value);
      if (text === undefined) throw new TypeError(`cache value "${key}" cannot be expressed as JSON`);
      const isKept = !isNegative || negative.ttlMs > 0;
      return { text, isKept, isShared: true, ...(isNegative ? { life: negative } : {}) };
    };
    const { text } = await this.#cache.read(keyOf(key), toText, { tags, life, signal: options.signal });
    return toValue(text) as T;
  }

  /** A value that is kept and within its lifetime, or nothing. */
  async get<T>(key: string): Promise<T | undefined> {
    const text = await this.#cache.find(keyOf(key));
    return text === undefined ? undefined : (toValue(text) as T);
  }

  /** Keeps a value in place of any other under this key, on all instances. @throws {OptionError} @throws {TypeError} */
  async set(key: string, value: unknown, options: ValueOptions = {}): Promise<void> {
    const { life, tags } = resolveValueOptions(options, this.#cache.options);
    const text = JSON.stringify(value);
    if (text === undefined) throw new TypeError(`cache value "${key}" cannot be expressed as JSON`);
    await this.#cache.put(keyOf(key), text, tags, life);
  }

  /** Invalidates one value. @returns Whether all instances have been told. */
  delete(key: string): Promise<boolean> {
    return this.invalidate({ key });
  }

  /**
   * Invalidates on all instances: here at once, elsewhere as soon as they can be told.
   *
   * @returns Whether they have been told; true without a second tier.
   * @throws {OptionError} when nothing, or something unknown, is to be invalidated.
   */
  async invalidate(target: InvalidationTarget): Promise<boolean> {
    const { key, pattern, tags } = objectOption('invalidate', target ?? null, ['key', 'pattern', 'tags']);
    const all: Invalidation[] = [];
    if (key !== undefined) all.push({ kind: 'key', value: keyOf(checkText('invalidate.key', key)) });
    if (pattern !== undefined) all.push({ kind: 'pattern', value: checkText('invalidate.pattern', pattern) });
    if (tags !== undefined) for (const tag of checkTags('invalidate.tags', tags)) all.push({ kind: 'tag', value: tag });
    if (all.length === 0) throw new OptionError('invalidate', 'must name a key, a pattern or tags', target);
    const told = await Promise.all(all.map((one) => this.#cache.invalidate(one)));
    return told.every(Boolean);
  }

  /** Counts since the start, and how the cache is doing now. */
  statistics(): ReturnType<Cache['statistics']> {
    return this.#cache.statistics();
  }
}

function keyOf(key: string): string {
  return APPLICATION_PREFIX + checkText('cache key', key);
}

function toValue(text: string): unknown {
  return text === '' ? undefined : JSON.parse(text);
}

function checkText(name: string, text: unknown): string {
  if (typeof text !== 'string' || text === '' || text.length > 4_096)
    throw new OptionError(name, 'must be a text of 1 to 4096 characters', text);
  return text;
}

function checkTags(name: string, tags: unknown): readonly string[] {
  if (!Array.isArray(tags)) throw new OptionError(name, 'must be a list of texts', tags);
  return tags.map((tag) => checkText(name, tag));
}

/** Checks how a value is to be kept; what it leaves open is the cache's. @throws {OptionError} */
export function resolveValueOptions(
  options: unknown,
  defaults: ResolvedCacheOptions,
): { readonly life: Lifetime; readonly negative: Lifetime; readonly tags: readonly string[] } {
  const given = objectOption('cache options', options, KEYS);
  const ms = (key: (typeof LIFE_KEYS)[number], fallback: number): number =>
    numberOption(key, given[key], fallback, { min: 0, max: MAX_SECONDS }) * 1_000;
  const life = {
    ttlMs: ms('ttlSeconds', defaults.cacheTTL),
    staleMs: ms('staleSeconds', defaults.staleSeconds),
    staleIfErrorMs: ms('staleIfErrorSeconds', defaults.staleIfErrorSeconds),
  };
  const negative = { ttlMs: ms('negativeTtlSeconds', 0), staleMs: 0, staleIfErrorMs: 0 };
  if (given.signal !== undefined && !(given.signal instanceof AbortSignal))
    throw new OptionError('signal', 'must be an AbortSignal', given.signal);
  return { life, negative, tags: given.tags === undefined ? [] : checkTags('tags', given.tags) };
}

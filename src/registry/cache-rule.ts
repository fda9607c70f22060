import { OptionError } from '../kernel/errors.ts';
import { booleanOption, numberOption, objectOption } from '../kernel/options.ts';
import { isObject, type ToolAnnotations } from '../wire/wire.ts';

/** How the answers of a tool are kept. */
export interface ToolCacheConfig<Args = Record<string, unknown>> extends Omit<ResourceCacheConfig, 'tags'> {
  /** What invalidates an answer besides its age; worked out of the checked arguments where it is a function. */
  readonly tags?: readonly string[] | ((args: Args) => readonly string[]);
  /**
   * What an answer depends on, instead of all the arguments: a JSON value. `undefined` keeps this answer out of the cache.
   *
   * @default all arguments
   */
  readonly key?: (args: Args) => unknown;
  /** Keep the answers of a tool that is not annotated with `readOnlyHint`: a hit does not run it. @default false */
  readonly evenIfNotReadOnly?: boolean;
}

/** How what was read of a resource is kept. */
export interface ResourceCacheConfig {
  /** How long an answer is used. @default the server's `cache.cacheTTL` */
  readonly ttlSeconds?: number;
  /**
   * Whose answer it is: `private`, of whom it was made for; `public`, everybody's. A private one is not kept where the request
   * has an `Authorization` header: this version does not check who that is.
   *
   * @default 'private'
   */
  readonly scope?: 'private' | 'public';
  /** What invalidates it besides its age, and besides `sendResourceUpdated` of its URI. */
  readonly tags?: readonly string[] | ((uri: URL) => readonly string[]);
  /** How long after that it is served while it is made anew. @default the server's `cache.staleSeconds` */
  readonly staleSeconds?: number;
  /** How long after that it is served where making it anew fails. @default the server's `cache.staleIfErrorSeconds` */
  readonly staleIfErrorSeconds?: number;
}

/** A cache configuration that has been checked. Times that it leaves open are the server's. */
export interface CacheRule {
  readonly ttlSeconds: number | undefined;
  readonly staleSeconds: number | undefined;
  readonly staleIfErrorSeconds: number | undefined;
  readonly isPublic: boolean;
  readonly tags: readonly string[] | ((args: unknown) => readonly string[]);
  readonly key: ((args: unknown) => unknown) | undefined;
}

const SHARED_KEYS = ['ttlSeconds', 'scope', 'tags', 'staleSeconds', 'staleIfErrorSeconds'] as const;
const TOOL_KEYS = [...SHARED_KEYS, 'key', 'evenIfNotReadOnly'] as const;
const MAX_SECONDS = 31_536_000;
const NO_TAGS: readonly string[] = Object.freeze([]);

/** @throws {OptionError} when a member is not valid, or the tool may do more than read. */
export function checkToolCache(
  option: string,
  cache: unknown,
  annotations: ToolAnnotations | undefined,
): CacheRule | undefined {
  if (cache === undefined) return undefined;
  const given = objectOption(`${option}.cache`, cache, TOOL_KEYS);
  const isAllowed = booleanOption(`${option}.cache.evenIfNotReadOnly`, given.evenIfNotReadOnly, false);
  if (annotations?.readOnlyHint !== true && !isAllowed) {
    throw new OptionError(
      `${option}.cache`,
      'needs annotations.readOnlyHint: true, or cache.evenIfNotReadOnly: true',
      annotations?.readOnlyHint,
    );
  }
  if (given.key !== undefined && typeof given.key !== 'function')
    throw new OptionError(`${option}.cache.key`, 'must be a function', given.key);
  return checkShared(`${option}.cache`, given, given.key as CacheRule['key']);
}

/** @throws {OptionError} when a member is not valid. */
export function checkResourceCache(option: string, cache: unknown): CacheRule | undefined {
  if (cache === undefined) return undefined;
  return checkShared(`${option}.cache`, objectOption(`${option}.cache`, cache, SHARED_KEYS), undefined);
}

function checkShared(
  option: string,
  given: { readonly [K in (typeof SHARED_KEYS)[number]]?: unknown },
  key: CacheRule['key'],
): CacheRule {
  const seconds = (name: 'ttlSeconds' | 'staleSeconds' | 'staleIfErrorSeconds'): number | undefined =>
    given[name] === undefined
      ? undefined
      : numberOption(`${option}.${name}`, given[name], 0, { min: 0, max: MAX_SECONDS });
  const { scope, tags = NO_TAGS } = given;
  if (scope !== undefined && scope !== 'public' && scope !== 'private')
    throw new OptionError(`${option}.scope`, 'must be "public" or "private"', scope);
  if (typeof tags !== 'function' && !areTags(tags))
    throw new OptionError(`${option}.tags`, 'must be a list of texts or a function', tags);
  return Object.freeze({
    ttlSeconds: seconds('ttlSeconds'),
    staleSeconds: seconds('staleSeconds'),
    staleIfErrorSeconds: seconds('staleIfErrorSeconds'),
    isPublic: scope === 'public',
    tags: typeof tags === 'function' ? (tags as CacheRule['tags']) : Object.freeze([...tags]),
    key,
  });
}

/** Whether a value is a list of tags. */
export function areTags(tags: unknown): tags is readonly string[] {
  return Array.isArray(tags) && tags.every((tag) => typeof tag === 'string' && tag !== '');
}

/** The tags of one answer. @throws {TypeError} when the author's function answers something else. */
export function tagsOf({ tags }: CacheRule, args: unknown): readonly string[] {
  if (typeof tags !== 'function') return tags;
  const made: unknown = tags(isObject(args) ? args : {});
  if (!areTags(made)) throw new TypeError('cache.tags must answer a list of texts');
  return [...made];
}

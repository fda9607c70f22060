import {
  type BoundedMap,
  type Cache,
  type Computed,
  canonicalJson,
  createBoundedMap,
  digestOf,
  END_OF_KEY,
  type Lifetime,
  type Served,
  startOfKey,
} from '../cache/cache.ts';
import type { CacheRule } from '../registry/registry.ts';
import type { Era } from '../wire/wire.ts';
import type { Call } from './call.ts';
import { FlightCall } from './flight-call.ts';

/** An entry of the registry whose answers are kept: another object for each of its revisions. */
export interface CachedEntry {
  readonly kind: 'tool' | 'resource' | 'list';
  readonly name: string;
  readonly revision: number;
  readonly definition: unknown;
  readonly rule: CacheRule;
}

/** Finds, or makes, what stands for an entry of the registry in its present revision. */
export class CachedEntries {
  readonly #kind: CachedEntry['kind'];
  readonly #known = new WeakMap<object, CachedEntry>();

  constructor(kind: CachedEntry['kind']) {
    this.#kind = kind;
  }

  of(entry: { readonly name: string; readonly revision: number }, definition: unknown, rule: CacheRule): CachedEntry {
    const known = this.#known.get(entry);
    const { name, revision } = entry;
    if (known?.revision === revision) return known;
    const made = { kind: this.#kind, name, revision, definition, rule };
    this.#known.set(entry, made);
    return made;
  }
}

/** An answer that says that making one failed: where an older one may stand in, that is served. */
export class FailedAnswer extends Error {
  readonly made: Made;

  constructor(made: Made) {
    super('no answer could be made');
    this.made = made;
  }
}

/** What was made for a request: its text, and what else is to be known of it. */
export interface Made {
  readonly text: string;
  readonly isKept: boolean;
  readonly isShared: boolean;
  /** Where the answer itself says how long it may be used. */
  readonly ttlMs?: number | undefined;
  readonly note?: unknown;
}

/** What invalidates what was read of a resource when it is said to have changed. */
export function resourceTag(uri: string): string {
  return `resource:${uri}`;
}

/** What invalidates the list of resources that families name themselves. */
export const RESOURCE_LIST_TAG = 'list:resources';

/** A kept answer that clients may keep in their turn: as a modern one it says for how long from now on. */
export function withTtl({ text, ttlMs }: Pick<Served, 'text' | 'ttlMs'>, era: Era): string {
  return era === 'modern' ? `{"ttlMs":${Math.floor(ttlMs)},${text.slice(1)}` : text;
}

/** The members of a result that the cache decides on: the others, and how long it may be used if it says so itself. */
export function splitTtl(result: Record<string, unknown>): {
  readonly rest: Record<string, unknown>;
  readonly ttlMs: number | undefined;
} {
  const { ttlMs, ...rest } = result;
  return { rest, ttlMs: Number.isSafeInteger(ttlMs) && (ttlMs as number) >= 0 ? (ttlMs as number) : undefined };
}

/** What of one entry is the same for all its answers. */
interface Plan {
  /** The beginning of its keys by era and, unless everybody may have its answers, principal. */
  readonly starts: Map<string, string>;
  readonly version: string;
  readonly life: Lifetime;
}

const MAX_STARTS = 10_000;

/** Answers kept as text, each under the arguments, the version and, unless it is public, the principal that it was made for. */
export class AnswerCache {
  readonly #cache: Cache;
  readonly #serverVersion: string;
  readonly #plans = new WeakMap<CachedEntry, Plan>();
  /** Keys by the arguments as clients wrote them. */
  readonly #written: BoundedMap<string>;

  constructor(cache: Cache, serverVersion: string) {
    this.#cache = cache;
    this.#serverVersion = serverVersion;
    const { lruCacheSize, maxMemoryBytes } = cache.options;
    this.#written = createBoundedMap(lruCacheSize, Math.ceil(maxMemoryBytes / 4));
  }

  /**
   * An answer to arguments that were written in exactly this way before. These were checked then, and their key was found.
   *
   * HOT: neither the arguments are parsed nor anything else made; guarded by `npm run bench -- cache`.
   */
  peekWritten(entry: CachedEntry, era: Era, principal: string, written: string): string | undefined {
    const key = this.#written.get(this.#startOf(entry, era, principal) + written);
    return key === undefined ? undefined : this.#cache.peek(key);
  }

  /** The key of an answer, or nothing for one that is not to be kept, or whose arguments are beyond JSON. */
  keyOf(entry: CachedEntry, call: Call, args: unknown): string | undefined {
    const depends = entry.rule.key === undefined ? (args ?? {}) : entry.rule.key(args ?? {});
    const canonical = canonicalJson(depends);
    if (canonical === undefined) return undefined;
    const start = this.#startOf(entry, call.era, call.principal);
    const key = start + canonical + END_OF_KEY;
    const { argumentsText } = call;
    if (argumentsText !== undefined) {
      const written = start + argumentsText;
      this.#written.set(written, key, written.length + key.length);
    }
    return key;
  }

  /** A kept answer that is fresh, at once. */
  peek(key: string): string | undefined {
    return this.#cache.peek(key);
  }

  /**
   * Reads an answer, making it if need be for all who ask for it now.
   *
   * @param make Gets a call that goes on for all of them: it is cancelled when none of them waits any more. It throws
   * {@link FailedAnswer} for an answer that an older one may stand in for.
   */
  async read(
    entry: CachedEntry,
    key: string,
    tags: readonly string[],
    call: Call,
    make: (shared: FlightCall) => Promise<Made>,
  ): Promise<Served> {
    const { life } = this.#planOf(entry);
    const compute = async (signal: AbortSignal): Promise<Computed> => {
      const made = await make(new FlightCall(call, signal));
      return { ...made, life: made.ttlMs === undefined ? life : { ...life, ttlMs: Math.min(life.ttlMs, made.ttlMs) } };
    };
    try {
      return await this.#cache.read(key, compute, { tags, life, signal: call.signal });
    } catch (error) {
      if (!(error instanceof FailedAnswer)) throw error;
      const { text, note } = error.made;
      return { text, note, from: 'computed', ttlMs: 0, isShared: true };
    }
  }

  #startOf(entry: CachedEntry, era: Era, principal: string): string {
    const { starts, version } = this.#planOf(entry);
    const of = entry.rule.isPublic ? era : era + principal;
    const known = starts.get(of);
    if (known !== undefined) return known;
    const { kind, name, rule } = entry;
    const start = startOfKey({ kind, name, version, form: era, principal: rule.isPublic ? undefined : principal });
    if (starts.size >= MAX_STARTS) starts.clear(); // Made again when asked for.
    starts.set(of, start);
    return start;
  }

  #planOf(entry: CachedEntry): Plan {
    const known = this.#plans.get(entry);
    if (known !== undefined) return known;
    const { definition, rule, revision } = entry;
    const { cacheTTL, staleSeconds, staleIfErrorSeconds } = this.#cache.options;
    const plan = {
      starts: new Map<string, string>(),
      version: `${this.#serverVersion} ${digestOf(JSON.stringify(definition)).slice(0, 12)} ${revision}`,
      life: {
        ttlMs: (rule.ttlSeconds ?? cacheTTL) * 1_000,
        staleMs: (rule.staleSeconds ?? staleSeconds) * 1_000,
        staleIfErrorMs: (rule.staleIfErrorSeconds ?? staleIfErrorSeconds) * 1_000,
      },
    };
    this.#plans.set(entry, plan);
    return plan;
  }
}

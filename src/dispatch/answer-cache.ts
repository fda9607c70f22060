import {
  type BoundedMap,
  type Cache,
  type Compute,
  type Computed,
  canonicalJson,
  createBoundedMap,
  END_OF_KEY,
  type Lifetime,
  type Served,
  startOfKey,
} from '../cache/cache.ts';
import { digestOf } from '../kernel/digest.ts';
import { type CacheRule, tagsOf } from '../registry/registry.ts';
import type { FaultEvent, Signal } from '../signal/signal.ts';
import { type Era, ErrorCode, type ProtocolError } from '../wire/wire.ts';
import type { Call } from './call.ts';
import { FlightCall } from './flight-call.ts';
import { InternalFault, isProtocolError } from './result-writer.ts';

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

/** An error that a handler chose to answer with: an answer like others, but for being thrown. */
class ChosenError {
  readonly error: ProtocolError;

  constructor(error: ProtocolError) {
    this.error = error;
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

/** Principals of one entry; more of them cost the making of a short text each. */
const MAX_STARTS = 1_000;

/** Answers kept as text, each under the arguments, the version and, unless it is public, the principal that it was made for. */
export class AnswerCache {
  readonly #cache: Cache;
  readonly #serverVersion: string;
  readonly #fault: Signal<FaultEvent>;
  readonly #plans = new WeakMap<CachedEntry, Plan>();
  /** Keys by the arguments as clients wrote them. */
  readonly #written: BoundedMap<string>;

  constructor(cache: Cache, serverVersion: string, fault: Signal<FaultEvent>) {
    this.#cache = cache;
    this.#serverVersion = serverVersion;
    this.#fault = fault;
    const { lruCacheSize, maxMemoryBytes } = cache.options;
    this.#written = createBoundedMap(lruCacheSize, Math.ceil(maxMemoryBytes / 4));
  }

  /**
   * An answer to arguments that were written in exactly this way before. These were checked then, and their key was found.
   *
   * HOT: neither the arguments are parsed nor anything else made; guarded by `npm run bench -- cache`.
   */
  peekWritten(entry: CachedEntry, era: Era, principal: string | undefined, written: string): string | undefined {
    const start = this.#startOf(entry, era, principal);
    const key = start === undefined ? undefined : this.#written.get(start + written);
    return key === undefined ? undefined : this.#cache.peek(key);
  }

  /**
   * The key of an answer. Nothing for one that is not to be kept: it is private and who asks is not known, its arguments are
   * beyond JSON, or the author's function says so or fails.
   */
  keyOf(entry: CachedEntry, call: Call, args: unknown): string | undefined {
    const start = this.#startOf(entry, call.era, call.principal);
    const canonical = start === undefined ? undefined : this.#canonicalOf(entry, call, args ?? {});
    if (start === undefined || canonical === undefined) return undefined;
    const key = start + canonical + END_OF_KEY;
    const { argumentsText } = call;
    if (argumentsText !== undefined) {
      const written = start + argumentsText;
      this.#written.set(written, key, written.length + key.length);
    }
    return key;
  }

  #canonicalOf({ rule }: CachedEntry, call: Call, args: unknown): string | undefined {
    if (rule.key === undefined) return canonicalJson(args);
    try {
      const depends = rule.key(args);
      if (depends === undefined) return undefined;
      if (depends instanceof Promise) depends.catch(() => {}); // Nonsense, and not to end the process as well.
      const canonical = canonicalJson(depends);
      if (canonical === undefined) throw new TypeError('cache.key must answer a JSON value or undefined');
      return canonical;
    } catch (error) {
      this.#report(call, error);
      return undefined;
    }
  }

  /** The tags of an answer; nothing where the author's function fails, so that the answer could not be invalidated. */
  tagsOf({ rule }: CachedEntry, call: Call, args: unknown): readonly string[] | undefined {
    try {
      return tagsOf(rule, args);
    } catch (error) {
      this.#report(call, error);
      return undefined;
    }
  }

  /** A kept answer that is fresh, at once. */
  peek(key: string): string | undefined {
    return this.#cache.peek(key);
  }

  /**
   * Reads an answer, making it if need be for all who ask for it now. Without a key it is made for this call alone.
   *
   * @param make Gets a call that goes on for all of them: it is cancelled when none of them waits any more. It throws
   * {@link FailedAnswer} for an answer that an older one may stand in for.
   */
  async read(
    entry: CachedEntry,
    place: { readonly key: string; readonly tags: readonly string[] } | undefined,
    call: Call,
    make: (shared: FlightCall) => Promise<Made>,
  ): Promise<Served> {
    const { life } = this.#planOf(entry);
    const compute = async (signal: AbortSignal): Promise<Computed> => {
      const { ttlMs, ...made } = await make(new FlightCall(call, signal));
      // Whoever is told that nobody waits may stop half-way.
      const isKept = made.isKept && !signal.aborted;
      return { ...made, isKept, life: ttlMs === undefined ? life : { ...life, ttlMs: Math.min(life.ttlMs, ttlMs) } };
    };
    if (place === undefined) {
      const { text, note, life: own = life } = await compute(call.signal);
      return { text, note, from: 'computed', ttlMs: own.ttlMs, isShared: false };
    }
    return this.#readKept(place, life, call, compute);
  }

  async #readKept(
    { key, tags }: { readonly key: string; readonly tags: readonly string[] },
    life: Lifetime,
    call: Call,
    compute: Compute,
  ): Promise<Served> {
    let isAnswered = false;
    let failure: unknown;
    const computeOrChoose = async (signal: AbortSignal): Promise<Computed> => {
      try {
        return await compute(signal);
      } catch (error) {
        if (isChosen(error)) return answerOf(error);
        failure = error;
        if (isAnswered) this.#report(call, error);
        throw error;
      }
    };
    try {
      const served = await this.#cache.read(key, computeOrChoose, { tags, life, signal: call.signal });
      isAnswered = true;
      if (failure !== undefined) this.#report(call, failure);
      if (served.note instanceof ChosenError) throw served.note.error;
      return served;
    } catch (error) {
      if (!(error instanceof FailedAnswer)) throw error;
      const { text, note } = error.made;
      return { text, note, from: 'computed', ttlMs: 0, isShared: true };
    }
  }

  /** Tells the operator of what no client is told, unless that was done where it happened. */
  #report({ method, target }: Call, error: unknown): void {
    if (!(error instanceof FailedAnswer)) this.#fault.emit({ where: `${method} ${target}`.trim(), error });
  }

  /** The beginning of a key; nothing where the answer is private and who asks is not known. */
  #startOf(entry: CachedEntry, era: Era, principal: string | undefined): string | undefined {
    if (principal === undefined && !entry.rule.isPublic) return undefined;
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
        ttlMs: Math.round((rule.ttlSeconds ?? cacheTTL) * 1_000),
        staleMs: Math.round((rule.staleSeconds ?? staleSeconds) * 1_000),
        staleIfErrorMs: Math.round((rule.staleIfErrorSeconds ?? staleIfErrorSeconds) * 1_000),
      },
    };
    this.#plans.set(entry, plan);
    return plan;
  }
}

/** Whether a thrown error is an answer of the handler's choice, rather than a sign that the server could not make one. */
function isChosen(error: unknown): error is ProtocolError {
  if (!isProtocolError(error) || error instanceof InternalFault) return false;
  return error.code !== ErrorCode.InternalError && error.code !== ErrorCode.Overloaded;
}

/** What one client cannot do, another may be able to. */
function answerOf(error: ProtocolError): Computed {
  const isShared = error.code !== ErrorCode.MissingClientCapability;
  return { text: '', isKept: false, isShared, note: new ChosenError(error) };
}

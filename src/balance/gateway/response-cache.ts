import type { Clock } from '../../kernel/clock.ts';
import { integerOption, objectOption } from '../../kernel/options.ts';
import { isObject, isRequestId, type RequestId } from '../../wire/wire.ts';

/** How many shared answers a gateway keeps of one server. */
export interface ResponseCacheOptions {
  /** Most answers. @default 1_000 */
  readonly maxEntries?: number;
  /** Most bytes of all of them, about. @default 16_777_216 */
  readonly maxBytes?: number;
  /** Longest time an answer is kept, whatever it says itself, in milliseconds. @default 3_600_000 */
  readonly maxTtlMs?: number;
}

/** @throws {OptionError} */
export function resolveResponseCache(option: string, value: unknown): Required<ResponseCacheOptions> {
  const given = objectOption(option, value, ['maxEntries', 'maxBytes', 'maxTtlMs']);
  return Object.freeze({
    maxEntries: integerOption(`${option}.maxEntries`, given.maxEntries, 1_000, { min: 1, max: 1_000_000 }),
    maxBytes: integerOption(`${option}.maxBytes`, given.maxBytes, 16_777_216, { min: 1_024, max: 4_294_967_296 }),
    maxTtlMs: integerOption(`${option}.maxTtlMs`, given.maxTtlMs, 3_600_000, { min: 1, max: 86_400_000 }),
  });
}

/** Where the answer to one request belongs. */
export interface CacheSlot {
  readonly key: string;
  readonly id: RequestId;
  /** What `clear` had been called by then: an answer on its way at that time is stale. */
  readonly generation: number;
}

interface Entry {
  /** The text around the id and the rest of the time to live, in their order. */
  readonly parts: readonly [before: string, between: string, after: string];
  readonly isIdFirst: boolean;
  readonly expiresAt: number;
  readonly bytes: number;
}

export interface ResponseCacheStatistics {
  readonly entries: number;
  readonly bytes: number;
  readonly hits: number;
  readonly misses: number;
}

const CACHEABLE: ReadonlySet<string> = new Set([
  'server/discover',
  'tools/list',
  'prompts/list',
  'resources/list',
  'resources/templates/list',
  'resources/read',
]);

/** Whether answers to a method may be kept. */
export function isCacheable(method: string | undefined): boolean {
  return method !== undefined && CACHEABLE.has(method);
}

/**
 * Keeps answers that say of themselves that everyone may have them for a while (`cacheScope: public`, `ttlMs`).
 *
 * A key is all that the backend would have seen: the whole message but its id, and every header field but those of traces and
 * hops. What the gateway thinks a request asks for is read from the body alone here, never from a header. An answer that is
 * served again tells the time that is left of its own.
 */
export class ResponseCache {
  readonly #options: Required<ResponseCacheOptions>;
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;
  #generation = 0;
  #hits = 0;
  #misses = 0;

  constructor(options: Required<ResponseCacheOptions>, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
  }

  /** Where the answer to a request would be kept; nothing where it may not be. @param varying The header lines it may depend on. */
  slot(varying: string, body: string): CacheSlot | undefined {
    const message = parse(body);
    if (!isObject(message) || !isRequestId(message['id'])) return undefined;
    const { id, method, params } = message;
    const meta = isObject(params) ? params['_meta'] : undefined;
    if (typeof method !== 'string' || !CACHEABLE.has(method) || !isObject(meta)) return undefined;
    if (meta['progressToken'] !== undefined) return undefined;
    // A text that JSON does not write this way may say more than what was parsed: then all of it is the key, with its id.
    const isPlain = JSON.stringify(message) === body;
    const { traceparent: _, tracestate: __, ...rest } = meta;
    const asked = isPlain
      ? JSON.stringify({ ...message, id: 0, params: { ...(params as object), _meta: rest } })
      : body;
    return { key: `${varying}\n${asked}`, id, generation: this.#generation };
  }

  /** The answer that is kept, with the id of this request. */
  get({ key, id }: CacheSlot): string | undefined {
    const entry = this.#entries.get(key);
    const leftMs = entry === undefined ? 0 : Math.floor(entry.expiresAt - this.#clock.now());
    if (entry === undefined || leftMs <= 0) {
      this.#misses++;
      return undefined;
    }
    this.#hits++;
    this.#entries.delete(key);
    this.#entries.set(key, entry); // The last one is the one used last.
    const [before, between, after] = entry.parts;
    const idText = JSON.stringify(id);
    return entry.isIdFirst
      ? `${before}${idText}${between}${leftMs}${after}`
      : `${before}${leftMs}${between}${idText}${after}`;
  }

  /** Keeps an answer if it says that this may be done. */
  store(slot: CacheSlot, text: string): void {
    if (slot.generation !== this.#generation) return;
    const ttlMs = sharedTtl(text, slot.id);
    const split = ttlMs === undefined ? undefined : splitAnswer(text, slot.id, ttlMs);
    const bytes = 2 * (slot.key.length + text.length);
    if (ttlMs === undefined || split === undefined || bytes > this.#options.maxBytes) return;
    this.#remove(slot.key);
    const expiresAt = this.#clock.now() + Math.min(ttlMs, this.#options.maxTtlMs);
    this.#entries.set(slot.key, { ...split, expiresAt, bytes });
    this.#bytes += bytes;
    while (this.#bytes > this.#options.maxBytes || this.#entries.size > this.#options.maxEntries)
      this.#remove(this.#entries.keys().next().value as string);
  }

  /** Forgets all answers, and those that are on their way: the server said that something changed. */
  clear(): void {
    this.#generation++;
    this.#entries.clear();
    this.#bytes = 0;
  }

  statistics(): ResponseCacheStatistics {
    return { entries: this.#entries.size, bytes: this.#bytes, hits: this.#hits, misses: this.#misses };
  }

  #remove(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#bytes -= entry.bytes;
  }
}

/** How long everyone may have an answer; nothing where not everyone may. */
function sharedTtl(text: string, id: RequestId): number | undefined {
  const answer = parse(text);
  if (!isObject(answer) || answer['id'] !== id || !isObject(answer['result'])) return undefined;
  const { resultType = 'complete', cacheScope, ttlMs } = answer['result'];
  if (resultType !== 'complete' || cacheScope !== 'public') return undefined;
  return typeof ttlMs === 'number' && Number.isSafeInteger(ttlMs) && ttlMs > 0 ? ttlMs : undefined;
}

/** Cuts id and time to live out of an answer, whose bytes are kept otherwise; nothing where it is not sure where they stand. */
function splitAnswer(text: string, id: RequestId, ttlMs: number): Pick<Entry, 'parts' | 'isIdFirst'> | undefined {
  const member = '"ttlMs":';
  const at = text.indexOf(member);
  if (at === -1 || text.indexOf(member, at + 1) !== -1) return undefined;
  const [ttlFrom, ttlTo] = span(text, at + member.length, String(ttlMs));
  if (ttlTo === -1) return undefined;
  const idText = JSON.stringify(id);
  const prefix = '{"jsonrpc":"2.0","id":';
  if (text.startsWith(`${prefix}${idText},"result":{`)) {
    const idTo = prefix.length + idText.length;
    return { parts: [prefix, text.slice(idTo, ttlFrom), text.slice(ttlTo)], isIdFirst: true };
  }
  const end = `},"jsonrpc":"2.0","id":${idText}}`;
  if (!text.startsWith('{"result":{') || !text.endsWith(end)) return undefined;
  const idFrom = text.length - idText.length - 1;
  return { parts: [text.slice(0, ttlFrom), text.slice(ttlTo, idFrom), '}'], isIdFirst: false };
}

/** Where a number stands, after blanks; the end is -1 where it does not. */
function span(text: string, from: number, number: string): [from: number, to: number] {
  let start = from;
  while (text[start] === ' ') start++;
  const to = start + number.length;
  return [start, text.startsWith(number, start) && /[,}\s]/.test(text[to] ?? '') ? to : -1];
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

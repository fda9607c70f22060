import { type Backoff, nextDelay } from '../../kernel/backoff.ts';
import type { CancelTimer, Clock } from '../../kernel/clock.ts';
import { toMessage } from '../../kernel/errors.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { Random } from '../../kernel/random.ts';
import { type CacheScope, isObject } from '../../wire/wire.ts';
import type { Backend } from './backend.ts';
import type { ListOptions } from './merge-options.ts';

/** The lists of a server, by the member of their result that holds the entries. */
export type ListName = 'tools' | 'resources' | 'resourceTemplates' | 'prompts';

export interface ServerList {
  readonly items: readonly Record<string, unknown>[];
  /** For whom the server said that it holds. */
  readonly scope: CacheScope;
  /** How long the server said that it holds; 0 where it said nothing. */
  readonly ttlMs: number;
}

export type ServerLists = { readonly [K in ListName]: ServerList };

export interface BackendListsParts {
  readonly backend: Pick<Backend, 'name' | 'peer' | 'ask' | 'reconnect'>;
  readonly options: ListOptions;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Runs when there are lists that were not there before, or none any more. */
  readonly changed: () => void;
}

const METHODS: { readonly [K in ListName]: readonly [method: string, capability: 'tools' | 'resources' | 'prompts'] } =
  {
    tools: ['tools/list', 'tools'],
    resources: ['resources/list', 'resources'],
    resourceTemplates: ['resources/templates/list', 'resources'],
    prompts: ['prompts/list', 'prompts'],
  };
export const LIST_NAMES = Object.freeze(Object.keys(METHODS)) as readonly ListName[];
const BACKOFF: Backoff = Object.freeze({ firstMs: 1_000, maxMs: 15_000 });
const MAX_PAGES = 1_000;
/** As often in this time lists are fetched for that they changed: some servers say so whenever they are asked. */
const MAX_CHANGES = 5;
const CHANGES_MS = 1_000;
const EMPTY: ServerList = Object.freeze({ items: [], scope: 'public', ttlMs: Number.POSITIVE_INFINITY });

/**
 * The lists of one server: kept for as long as they hold, fetched again when somebody asks after that or when the server says
 * that they changed. While a server is down they stay for a while, and then are gone until it is back.
 */
export class BackendLists {
  readonly #parts: BackendListsParts;
  #lists: ServerLists | undefined;
  #freshUntil = Number.NEGATIVE_INFINITY;
  #refreshing: Promise<void> | undefined;
  #isOutdated = false;
  #retries = 0;
  #changes = 0;
  #changesSince = Number.NEGATIVE_INFINITY;
  #cancelRetry: CancelTimer | undefined;
  #cancelDrop: CancelTimer | undefined;
  #closed = false;

  constructor(parts: BackendListsParts) {
    this.#parts = parts;
  }

  /** What is known of them now. */
  get current(): ServerLists | undefined {
    return this.#lists;
  }

  /** How long they hold from now on, as far as the server said. */
  remainingMs(name: ListName): number {
    const ttlMs = this.#lists?.[name].ttlMs ?? 0;
    if (ttlMs === Number.POSITIVE_INFINITY) return ttlMs;
    return Math.max(0, Math.min(ttlMs, Math.floor(this.#freshUntil - this.#parts.clock.now())));
  }

  /** Fetches them if they no longer hold; a server that failed is left to its retries, for which nobody waits. */
  ensure(): Promise<void> | undefined {
    if (this.#refreshing !== undefined) return this.#retries > 0 ? undefined : this.#refreshing;
    if (this.#closed || this.#cancelRetry !== undefined || this.#parts.clock.now() < this.#freshUntil) return undefined;
    return this.#refresh();
  }

  /** The server said that one of them changed, or a call found it gone. */
  outdate(): void {
    if (this.#closed) return;
    if (this.#refreshing !== undefined) this.#isOutdated = true;
    else if (this.#cancelRetry === undefined) this.#refreshChanged();
  }

  close(): void {
    this.#closed = true;
    this.#cancelRetry?.();
    this.#cancelDrop?.();
  }

  #refreshChanged(): void {
    const { clock } = this.#parts;
    const age = clock.now() - this.#changesSince;
    if (age >= CHANGES_MS) [this.#changes, this.#changesSince] = [0, clock.now()];
    if (++this.#changes <= MAX_CHANGES) void this.#refresh();
    else this.#cancelRetry = clock.after(CHANGES_MS - age, () => void this.#refresh());
  }

  #refresh(): Promise<void> {
    const { clock, options, logger, backend } = this.#parts;
    this.#cancelRetry?.();
    this.#cancelRetry = undefined;
    this.#isOutdated = false;
    this.#refreshing = this.#fetch().then(
      (lists) => {
        this.#refreshing = undefined;
        if (this.#closed) return;
        if (this.#retries > 0) logger.info({ server: backend.name }, 'server answers again');
        this.#retries = 0;
        this.#cancelDrop?.();
        this.#cancelDrop = undefined;
        const told = Math.min(...LIST_NAMES.map((name) => lists[name].ttlMs));
        this.#freshUntil = clock.now() + Math.min(options.maxTtlMs, Math.max(options.minTtlMs, told));
        this.#lists = lists;
        this.#parts.changed();
        if (this.#isOutdated) this.#refreshChanged();
      },
      (error: unknown) => {
        this.#refreshing = undefined;
        if (!this.#closed) this.#failed(error);
      },
    );
    return this.#refreshing;
  }

  #failed(error: unknown): void {
    const { clock, random, logger, options, backend } = this.#parts;
    if (this.#retries === 0) logger.warn({ server: backend.name, error: toMessage(error) }, 'lists cannot be fetched');
    backend.reconnect();
    this.#cancelRetry = clock.after(nextDelay(BACKOFF, this.#retries++, random), () => void this.#refresh());
    if (this.#lists === undefined) return;
    this.#cancelDrop ??= clock.after(options.staleMs, () => {
      this.#cancelDrop = undefined;
      this.#lists = undefined;
      logger.warn({ server: backend.name }, 'server is down: what it offers is left out');
      this.#parts.changed();
    });
  }

  async #fetch(): Promise<ServerLists> {
    const { capabilities } = (await this.#parts.backend.peer()).description;
    const entries = await Promise.all(
      LIST_NAMES.map(async (name) => {
        const [method, capability] = METHODS[name];
        return [name, capabilities[capability] === undefined ? EMPTY : await this.#fetchList(name, method)] as const;
      }),
    );
    return Object.fromEntries(entries) as { [K in ListName]: ServerList };
  }

  async #fetchList(name: ListName, method: string): Promise<ServerList> {
    const { backend, options } = this.#parts;
    const items: Record<string, unknown>[] = [];
    let scope: CacheScope = 'public';
    let ttlMs = Number.MAX_SAFE_INTEGER;
    let cursor: unknown;
    for (let page = 0; page < MAX_PAGES && items.length < options.maxItems; page++) {
      const result = await backend.ask(method, cursor === undefined ? {} : { cursor });
      const found = result[name];
      if (Array.isArray(found)) items.push(...found.filter(isObject));
      if (result['cacheScope'] !== 'public') scope = 'private';
      ttlMs = Math.min(ttlMs, typeof result['ttlMs'] === 'number' ? result['ttlMs'] : 0);
      const next = result['nextCursor'];
      if (typeof next !== 'string' || next === cursor) break;
      cursor = next;
    }
    return { items: items.slice(0, options.maxItems), scope, ttlMs };
  }
}

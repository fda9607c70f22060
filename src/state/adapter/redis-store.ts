import { randomUUID } from 'node:crypto';
import { loadRedisDriver, type RedisClient, RedisLink } from '../../kernel/adapter/redis-link.ts';
import type { CancelTimer, Clock } from '../../kernel/clock.ts';
import { toMessage } from '../../kernel/errors.ts';
import type { Random } from '../../kernel/random.ts';
import { withinTime } from '../../kernel/time-limit.ts';
import { StateStoreError } from '../errors.ts';
import { fromExact, toExact } from '../exact-text.ts';
import type { MessageBus } from '../message-bus.ts';
import type { LogLimits, LogPage, PutOptions, PutOutcome, StateStore, StoredText } from '../state-store.ts';
import { RedisMessageBus } from './redis-bus.ts';
import { APPEND, COUNT, DELETE, PUT, READ, TOUCH } from './redis-scripts.ts';

/** How state is kept in Redis, or in Valkey. */
export interface RedisStateOptions {
  readonly url: string;
  /** What all keys begin with. */
  readonly prefix: string;
  /** Longest wait for one answer, and for a connection, in milliseconds. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly random: Random;
}

/** So many calls in a row that nobody answers, and the connection itself is doubted. */
const MAX_UNANSWERED = 3;
/** How often the connection is looked at: a dead one tells nothing. */
const CHECK_MS = 5_000;
/** Versions are numbers by chance, so that none comes again, whatever Redis has lost. */
const VERSIONS = 2 ** 52;

/** Keeps state where all instances reach it, and carries their messages over the same connection. */
export class RedisStateStore implements StateStore {
  readonly kind = 'redis';
  /** What instances tell each other by. */
  readonly bus: MessageBus;
  readonly #options: RedisStateOptions;
  readonly #link: RedisLink;
  readonly #prefix: string;
  /** Why there is no connection. */
  #problem: unknown;
  #unanswered = 0;
  #cancelCheck: CancelTimer | undefined;

  constructor(options: RedisStateOptions) {
    const { prefix, timeoutMs } = options;
    this.#options = options;
    this.#prefix = `{${prefix}}:`; // In one slot of a cluster, for scripts reach no further.
    const bus = new RedisMessageBus(randomUUID(), `${this.#prefix}bus`, () => this.#link.client);
    this.bus = bus;
    this.#link = new RedisLink(
      { ...options, connectTimeoutMs: timeoutMs },
      {
        begin: (client) => bus.join(client),
        state: (isUp) => {
          this.#unanswered = 0;
          this.#problem = undefined; // Whatever keeps it down is told after this.
          this.#cancelCheck?.();
          this.#cancelCheck = isUp ? options.clock.every(CHECK_MS, () => void this.#check()) : undefined;
        },
        error: (error) => {
          this.#problem = error;
        },
      },
    );
  }

  /** Resolves once it is connected, or could not be: it goes on trying. @throws {PeregrineError} `DRIVER_MISSING` */
  async open(): Promise<void> {
    const redis = await loadRedisDriver('state in Redis');
    await this.#link.open(redis);
  }

  close(): void {
    this.#cancelCheck?.();
    this.#link.close();
  }

  get(key: string): Promise<StoredText | undefined> {
    return this.#call(async (client) => {
      const [text, version] = await client.hmGet(this.#text(key), ['t', 'v']);
      return text == null || version == null ? undefined : { text: fromExact(text), version: Number(version) };
    });
  }

  async put(key: string, text: string, { ttlMs, expect, within = [] }: PutOptions): Promise<PutOutcome> {
    const version = 1 + Math.floor(this.#options.random() * VERSIONS);
    const reply = await this.#run(
      PUT,
      [this.#text(key), ...within.map(({ set }) => this.#set(set))],
      [toExact(text), version, toTtl(ttlMs), expect ?? '', ...within.map(({ max }) => max)],
    );
    return reply === 'conflict' || reply === 'full' ? reply : Number(reply);
  }

  async touch(key: string, ttlMs: number): Promise<boolean> {
    return (await this.#run(TOUCH, [this.#text(key)], [toTtl(ttlMs)])) === 1;
  }

  async delete(key: string): Promise<boolean> {
    return (await this.#run(DELETE, [this.#text(key)])) === 1;
  }

  async count(set: string): Promise<number> {
    return Number(await this.#run(COUNT, [this.#set(set)]));
  }

  async append(log: string, text: string, { ttlMs, maxEntries, maxLength }: LogLimits): Promise<number> {
    const limits = [toTtl(ttlMs), maxEntries, maxLength];
    return Number(await this.#run(APPEND, [this.#log(log)], [toExact(text), text.length, ...limits]));
  }

  read(log: string, after: number): Promise<LogPage> {
    return this.#call(async (client) => {
      const reply = await client.eval(READ, { keys: [this.#log(log)], arguments: [String(after)] });
      const [last, first, rows] = reply as unknown as [number, number, [id: string, fields: string[]][]];
      const entries = rows.map(([id, [, text = '']]) => ({ number: Number.parseInt(id, 10), text: fromExact(text) }));
      return { entries, isWhole: after >= first - 1 && after <= last };
    });
  }

  async drop(log: string): Promise<void> {
    await this.#call((client) => client.unlink(this.#log(log)));
  }

  #text(key: string): string {
    return `${this.#prefix}text:${toExact(key)}`;
  }

  #set(name: string): string {
    return `${this.#prefix}set:${toExact(name)}`;
  }

  #log(name: string): string {
    return `${this.#prefix}log:${toExact(name)}`;
  }

  #run(script: string, keys: string[], args: readonly (string | number)[] = []): Promise<unknown> {
    return this.#call((client) => client.eval(script, { keys, arguments: args.map(String) }));
  }

  /** @throws {StateStoreError} whatever goes wrong. */
  async #call<T>(work: (client: RedisClient) => Promise<T>): Promise<T> {
    const { clock, timeoutMs } = this.#options;
    const client = this.#link.client;
    if (client === undefined || !client.isReady)
      throw new StateStoreError(`Redis is not connected${reasonOf(this.#problem)}`, this.#problem);
    try {
      const result = await withinTime(clock, timeoutMs, 'STATE_STORE', () => work(client));
      this.#unanswered = 0;
      this.#link.proved();
      return result;
    } catch (error) {
      if (isLate(error) && client === this.#link.client && ++this.#unanswered >= MAX_UNANSWERED) this.#link.reset();
      throw new StateStoreError(`Redis failed${reasonOf(error)}`, error);
    }
  }

  async #check(): Promise<void> {
    await this.#call((client) => client.ping()).catch(() => {}); // The link is reset where too many fail.
  }
}

function isLate(error: unknown): boolean {
  return (error as { readonly code?: unknown }).code === 'STATE_STORE';
}

function reasonOf(error: unknown): string {
  return error === undefined ? '' : `: ${toMessage(error)}`;
}

/** Redis knows whole milliseconds, and takes 0 for a mistake. */
function toTtl(ttlMs: number): number {
  return Math.max(1, Math.ceil(ttlMs));
}

import { type Backoff, nextDelay } from '../backoff.ts';
import type { CancelTimer, Clock } from '../clock.ts';
import { loadOptional } from '../optional-package.ts';
import type { Random } from '../random.ts';
import { withinTime } from '../time-limit.ts';

export type RedisModule = typeof import('redis');
export type RedisClient = ReturnType<typeof connectWith>;

/** How a Redis, or a Valkey, is connected to. */
export interface RedisLinkOptions {
  readonly url: string;
  readonly clock: Clock;
  readonly random: Random;
  /** Longest wait for a connection, in milliseconds. */
  readonly connectTimeoutMs: number;
}

/** What a link tells by itself. */
export interface RedisListener {
  /** What each connection begins with, such as subscriptions; the link is up once it is done. */
  begin?(client: RedisClient): Promise<unknown>;
  state(isUp: boolean): void;
  error(error: unknown): void;
}

const RECONNECT: Backoff = { firstMs: 50, maxMs: 2_000 };
/** Commands that may wait for a reply at once. */
const MAX_QUEUED = 20_000;

/** Loads the driver. @param what Needs it, for the error. @throws {PeregrineError} `DRIVER_MISSING` */
export function loadRedisDriver(what: string): Promise<RedisModule> {
  return loadOptional(what, 'redis', () => import('redis'));
}

function connectWith({ createClient }: RedisModule, { url, connectTimeoutMs }: RedisLinkOptions) {
  return createClient({
    url,
    RESP: 3,
    disableOfflineQueue: true,
    commandsQueueMaxLength: MAX_QUEUED,
    commandOptions: { timeout: 0 }, // Whoever sends commands has time limits of his own.
    socket: { connectTimeout: connectTimeoutMs, reconnectStrategy: false },
  });
}

/**
 * A connection to Redis that comes back. There is one client for each: after an error, also one in the protocol, nothing of the
 * old connection is trusted.
 */
export class RedisLink {
  readonly #options: RedisLinkOptions;
  readonly #listener: RedisListener;
  #redis: RedisModule | undefined;
  #current: RedisClient | undefined;
  #tries = 0;
  #isClosed = false;
  #cancelRetry: CancelTimer | undefined;

  constructor(options: RedisLinkOptions, listener: RedisListener) {
    this.#options = options;
    this.#listener = listener;
  }

  /** What commands are sent by; nothing without a connection. */
  get client(): RedisClient | undefined {
    return this.#current;
  }

  /** Connects, and goes on trying. Resolves after the first try, whatever came of it. */
  async open(redis: RedisModule): Promise<void> {
    this.#redis = redis;
    if (!this.#isClosed) await this.#begin();
  }

  /** Gives the connection up for a new one, since it answers nothing, or nonsense. */
  reset(): void {
    if (this.#current !== undefined) this.#failed(this.#current);
  }

  /** The connection is good for something: should it be lost, the next is tried soon. */
  proved(): void {
    this.#tries = 0;
  }

  close(): void {
    this.#isClosed = true;
    this.#cancelRetry?.();
    this.#current?.destroy();
    this.#current = undefined;
  }

  async #begin(): Promise<void> {
    const client = connectWith(this.#redis as RedisModule, this.#options);
    this.#current = client;
    client.on('error', (error: unknown) => this.#failed(client, error));
    client.on('end', () => this.#failed(client));
    for (const event of ['connect', 'ready'] as const)
      client.on(event, () => {
        if (client !== this.#current) client.destroy(); // Given up while it connected.
      });
    try {
      const { clock, connectTimeoutMs } = this.#options;
      await withinTime(clock, connectTimeoutMs, 'REDIS_TIMEOUT', async () => {
        await client.connect();
        await this.#listener.begin?.(client);
      });
      if (client === this.#current) this.#listener.state(client.isReady);
    } catch (error) {
      this.#failed(client, error);
    }
  }

  #failed(client: RedisClient, error?: unknown): void {
    if (client !== this.#current) return;
    this.#current = undefined;
    client.destroy();
    const { clock, random } = this.#options;
    this.#cancelRetry = clock.after(nextDelay(RECONNECT, this.#tries++, random), () => void this.#begin());
    this.#listener.state(false);
    if (error !== undefined) this.#listener.error(error);
  }
}

import { nextDelay } from '../../kernel/backoff.ts';
import { PeregrineError } from '../../kernel/errors.ts';
import type { Random } from '../../kernel/random.ts';
import type { Invalidation } from '../generations.ts';
import type { LoggedInvalidation, LogPage, SecondTier, TierListener, TierWrite } from '../second-tier.ts';

type RedisModule = typeof import('redis');
type RedisClient = ReturnType<typeof connectWith>;

/** How the log of invalidations is kept in Redis, or in Valkey. */
export interface RedisTierOptions {
  readonly url: string;
  /** What all keys begin with. */
  readonly prefix: string;
  readonly random: Random;
  /** Longest wait for a connection, in milliseconds. */
  readonly connectTimeoutMs: number;
}

const RECONNECT = { firstMs: 50, maxMs: 5_000 };
/** An instance that missed more than these takes all that it has for invalidated. */
const LOG_LENGTH = 10_000;
/** Commands that may wait for a connection or a reply at once. */
const MAX_QUEUED = 20_000;
/** The type of a reply that is to be bytes instead of text: RESP's `$`. */
const BLOB_STRING = 36;
/** Numbers begin at random, so that those of a lost log are not taken for those of the next. */
const BASE_MIN = 2 ** 40;
const BASE_SPAN = 2 ** 51;

/** Begins a log where there is none. The numbers are written out, since Lua rounds large ones. */
const BEGIN = `
if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('SET', KEYS[1], ARGV[1])
  redis.call('DEL', KEYS[2])
end`;

const APPEND = `${BEGIN}
local number
for i = 4, #ARGV do
  number = string.format('%.0f', redis.call('INCR', KEYS[1]))
  redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[2], number .. '-0', 'i', ARGV[i], 'o', ARGV[3])
  redis.call('PUBLISH', KEYS[3], number .. ' ' .. ARGV[3] .. ' ' .. ARGV[i])
end
return number`;

const LOG = `${BEGIN}
return { redis.call('GET', KEYS[1]), redis.call('XRANGE', KEYS[2], ARGV[2], '+') }`;

const UNLOCK = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`;

/** Loads the driver. @throws {PeregrineError} `DRIVER_MISSING` */
export async function loadRedisDriver(): Promise<RedisModule> {
  try {
    return await import('redis');
  } catch (cause) {
    throw new PeregrineError('DRIVER_MISSING', 'a cache in Redis needs the package "redis": npm install redis', {
      cause,
    });
  }
}

/** The second tier in Redis or Valkey. It loads the driver when it is opened. */
export function createRedisTier(options: RedisTierOptions): SecondTier {
  return new RedisTier(options);
}

function connectWith({ createClient }: RedisModule, { url, random, connectTimeoutMs }: RedisTierOptions) {
  return createClient({
    url,
    RESP: 3,
    disableOfflineQueue: true,
    commandsQueueMaxLength: MAX_QUEUED,
    socket: { connectTimeout: connectTimeoutMs, reconnectStrategy: (retries) => nextDelay(RECONNECT, retries, random) },
  });
}

class RedisTier implements SecondTier {
  readonly #options: RedisTierOptions;
  readonly #names: readonly [number: string, log: string, channel: string];
  #connected: RedisClient | undefined;
  #isClosed = false;

  constructor(options: RedisTierOptions) {
    const { prefix } = options;
    this.#options = options;
    this.#names = [`${prefix}:number`, `${prefix}:log`, `${prefix}:invalidated`];
  }

  get #client(): RedisClient {
    if (this.#connected === undefined)
      throw new PeregrineError('CACHE_UNAVAILABLE', 'Redis is not connected', { retryable: true });
    return this.#connected;
  }

  open(listener: TierListener): void {
    loadRedisDriver().then((redis) => {
      if (!this.#isClosed) this.#connect(redis, listener);
    }, listener.error);
  }

  #connect(redis: RedisModule, listener: TierListener): void {
    const client = connectWith(redis, this.#options);
    this.#connected = client;
    let isSubscribed = false;
    client.on('error', (error: unknown) => {
      listener.state(false);
      listener.error(error);
    });
    for (const event of ['end', 'reconnecting'] as const) client.on(event, () => listener.state(false));
    client.on('ready', () => {
      if (isSubscribed) return listener.state(true); // The client subscribes again by itself before it is ready.
      const subscribed = client.subscribe(this.#names[2], (message) => {
        const entry = readMessage(message);
        if (entry !== undefined) listener.logged(entry);
      });
      subscribed.then(() => {
        isSubscribed = true;
        listener.state(client.isReady);
      }, listener.error);
    });
    client.connect().catch(listener.error);
  }

  async read(key: string): Promise<{ bytes: Buffer | undefined; now: number | undefined }> {
    const client = this.#client.withTypeMapping({ [BLOB_STRING]: Buffer });
    const [bytes, now] = (await client.mGet([key, this.#names[0]])) as (Buffer | null)[];
    return { bytes: bytes ?? undefined, now: now == null ? undefined : Number(now.toString('latin1')) };
  }

  async write(writes: readonly TierWrite[]): Promise<void> {
    const done = writes.map(({ key, bytes, ttlMs }) =>
      bytes === undefined
        ? this.#client.unlink(key)
        : this.#client.set(key, bytes, { expiration: { type: 'PX', value: Math.max(1, Math.ceil(ttlMs)) } }),
    );
    for (const one of await Promise.allSettled(done)) if (one.status === 'rejected') throw one.reason;
  }

  async append(invalidations: readonly Invalidation[], origin: string): Promise<number> {
    const texts = invalidations.map(({ kind, value }) => `${kind} ${value}`);
    const reply = await this.#client.eval(APPEND, {
      keys: [...this.#names],
      arguments: [this.#base(), String(LOG_LENGTH), origin, ...texts],
    });
    return Number(reply);
  }

  async log(after: number | undefined): Promise<LogPage> {
    const reply = await this.#client.eval(LOG, {
      keys: this.#names.slice(0, 2),
      arguments: [this.#base(), after === undefined ? '-' : `${after + 1}-0`],
    });
    const [now, rows] = reply as unknown as [string, [id: string, fields: string[]][]];
    const entries = rows.map(([id, [, text = '', , origin = '']]) =>
      toLogged(Number(id.slice(0, id.indexOf('-'))), origin, text),
    );
    return { now: Number(now), entries: entries.filter((entry) => entry !== undefined) };
  }

  async lock(key: string, token: string, ttlMs: number): Promise<boolean> {
    const options = { condition: 'NX', expiration: { type: 'PX', value: ttlMs } } as const;
    return (await this.#client.set(`${this.#options.prefix}:lock:${key}`, token, options)) === 'OK';
  }

  async unlock(key: string, token: string): Promise<void> {
    await this.#client.eval(UNLOCK, { keys: [`${this.#options.prefix}:lock:${key}`], arguments: [token] });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#connected?.isOpen) this.#connected.destroy();
  }

  #base(): string {
    return String(BASE_MIN + Math.floor(this.#options.random() * BASE_SPAN));
  }
}

/** `<number> <origin> <kind> <value>`; anything else is not ours. */
function readMessage(message: string): LoggedInvalidation | undefined {
  const [, number, origin = '', text = ''] = /^(\d+) (\S+) (.*)$/s.exec(message) ?? [];
  return number === undefined ? undefined : toLogged(Number(number), origin, text);
}

function toLogged(number: number, origin: string, text: string): LoggedInvalidation | undefined {
  const space = text.indexOf(' ');
  const kind = text.slice(0, space);
  if (kind !== 'key' && kind !== 'tag' && kind !== 'pattern') return undefined;
  return { number, origin, kind, value: text.slice(space + 1) };
}

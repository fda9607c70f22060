import { loadRedisDriver, type RedisClient, RedisLink, type RedisModule } from '../../kernel/adapter/redis-link.ts';
import { type Clock, systemClock } from '../../kernel/clock.ts';
import { PeregrineError } from '../../kernel/errors.ts';
import type { Random } from '../../kernel/random.ts';
import type { Invalidation } from '../generations.ts';
import type { LoggedInvalidation, LogPage, SecondTier, TierListener, TierWrite } from '../second-tier.ts';

/** How the log of invalidations is kept in Redis, or in Valkey. */
export interface RedisTierOptions {
  readonly url: string;
  /** What all keys begin with. */
  readonly prefix: string;
  readonly random: Random;
  /** Longest wait for a connection, in milliseconds. */
  readonly connectTimeoutMs: number;
  /** @default the system's */
  readonly clock?: Clock;
}

/** An instance that missed more than these takes all that it has for invalidated. */
const LOG_LENGTH = 10_000;
/** The type of a reply that is to be bytes instead of text: RESP's `$`. */
const BLOB_STRING = 36;
/** Numbers begin at random, so that those of a lost log are not taken for those of the next. */
const BASE_MIN = 2 ** 40;
const BASE_SPAN = 2 ** 51;
/** How far above known numbers those of the next log begin at most. */
const STEP_SPAN = 2 ** 36;

/**
 * Begins a log where there is none, or where its number is none. The numbers are written out, since Lua rounds large ones.
 */
const BEGIN = `
local known = redis.pcall('GET', KEYS[1])
if type(known) ~= 'string' or not string.match(known, '^%d+$') or tonumber(known) > 2^52 then
  known = ARGV[1]
  redis.call('SET', KEYS[1], ARGV[1])
  redis.call('DEL', KEYS[2])
end`;

const APPEND = `${BEGIN}
if tonumber(known) < tonumber(ARGV[4]) and tonumber(ARGV[5]) < 2^52 then -- It was lost, or went back.
  redis.call('SET', KEYS[1], ARGV[5])
  redis.call('DEL', KEYS[2])
end
local number
for i = 6, #ARGV do
  number = string.format('%.0f', redis.call('INCR', KEYS[1]))
  local entry = { number .. '-0', 'i', ARGV[i], 'o', ARGV[3] }
  local added = redis.pcall('XADD', KEYS[2], 'MAXLEN', '~', ARGV[2], unpack(entry))
  if type(added) == 'table' and added.err then -- What stands there is no log, or one that is ahead.
    redis.call('DEL', KEYS[2])
    redis.call('XADD', KEYS[2], unpack(entry))
  end
  redis.call('PUBLISH', KEYS[3], number .. ' ' .. ARGV[3] .. ' ' .. ARGV[i])
end
return number`;

const LOG = `${BEGIN}
local entries = redis.pcall('XRANGE', KEYS[2], ARGV[2], '+')
if entries.err then entries = {} end
return { redis.call('GET', KEYS[1]), entries }`;

const UNLOCK = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`;

/** Loads the driver. @throws {PeregrineError} `DRIVER_MISSING` */
export async function loadCacheDriver(): Promise<RedisModule> {
  return loadRedisDriver('a cache in Redis');
}

/** The second tier in Redis or Valkey. It loads the driver when it is opened. */
export function createRedisTier(options: RedisTierOptions): SecondTier {
  return new RedisTier(options);
}

class RedisTier implements SecondTier {
  readonly #options: RedisTierOptions;
  readonly #names: readonly [number: string, log: string, channel: string];
  #link: RedisLink | undefined;

  constructor(options: RedisTierOptions) {
    const { prefix } = options;
    this.#options = options;
    this.#names = [`${prefix}:number`, `${prefix}:log`, `${prefix}:invalidated`];
  }

  get #client(): RedisClient {
    const client = this.#link?.client;
    if (client !== undefined) return client;
    throw new PeregrineError('CACHE_UNAVAILABLE', 'Redis is not connected', { retryable: true });
  }

  open(listener: TierListener): void {
    const link = new RedisLink(
      { clock: systemClock, ...this.#options },
      {
        ...{ state: listener.state, error: listener.error },
        begin: (client) =>
          client.subscribe(this.#names[2], (message) => {
            const entry = readMessage(message);
            if (entry !== undefined && client === link.client) listener.logged(entry);
          }),
      },
    );
    this.#link = link;
    loadCacheDriver().then((redis) => link.open(redis), listener.error);
  }

  reset(): void {
    this.#link?.reset();
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

  async append(invalidations: readonly Invalidation[], origin: string, above: number): Promise<number> {
    const texts = invalidations.map(({ kind, value }) => `${kind} ${JSON.stringify(value)}`); // UTF-8 has no lone surrogates.
    const reply = await this.#client.eval(APPEND, {
      keys: [...this.#names],
      arguments: [
        this.#base(),
        String(LOG_LENGTH),
        origin,
        String(above),
        String(above + this.#upTo(STEP_SPAN)),
        ...texts,
      ],
    });
    return Number(reply);
  }

  async log(from: number | undefined): Promise<LogPage> {
    const reply = await this.#client.eval(LOG, {
      keys: this.#names.slice(0, 2),
      arguments: [this.#base(), from === undefined ? '-' : `${from}-0`],
    });
    const [now, rows] = reply as unknown as [string, [id: string, fields: string[]][]];
    const entries = rows.map(([id, [, text = '', , origin = '']]) =>
      toLogged(Number(id.slice(0, id.indexOf('-'))), origin, text),
    );
    const page = { now: Number(now), entries: entries.filter((entry) => entry !== undefined) };
    this.#link?.proved();
    return page;
  }

  async lock(key: string, token: string, ttlMs: number): Promise<boolean> {
    const options = { condition: 'NX', expiration: { type: 'PX', value: ttlMs } } as const;
    return (await this.#client.set(`${this.#options.prefix}:lock:${key}`, token, options)) === 'OK';
  }

  async unlock(key: string, token: string): Promise<void> {
    await this.#client.eval(UNLOCK, { keys: [`${this.#options.prefix}:lock:${key}`], arguments: [token] });
  }

  async close(): Promise<void> {
    this.#link?.close();
  }

  #base(): string {
    return String(BASE_MIN + this.#upTo(BASE_SPAN));
  }

  #upTo(span: number): number {
    return 1 + Math.floor(this.#options.random() * span);
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
  const value = toText(text.slice(space + 1));
  return value === undefined ? undefined : { number, origin, kind, value };
}

function toText(json: string): string | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}

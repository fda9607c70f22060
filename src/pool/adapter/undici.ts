import type { Client, Dispatcher, Pool } from 'undici';
import type { Clock } from '../../kernel/clock.ts';
import type { AddressGuard } from '../http/address-guard.ts';
import type { ResolvedHttpPoolOptions } from '../http/http-pool-options.ts';
import type { CallSink, HeaderMap, OriginTransport, OutgoingRequest } from '../http/transport.ts';
import { toHttpPoolError } from './undici-errors.ts';

/** Makes the connections to an origin; with a guard, every one of them is checked. */
export type OpenTransport = (
  origin: string,
  options: ResolvedHttpPoolOptions,
  guard: AddressGuard | undefined,
) => OriginTransport;

/** How long a free connection beyond `maxFreeSockets` is kept, in milliseconds: enough for the next call of a burst. */
const SURPLUS_KEEP_ALIVE_MS = 500;

/** Methods that may be sent again without being asked, and those whose repetition changes nothing more. */
const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);
const IDEMPOTENT: ReadonlySet<string> = new Set([...SAFE, 'PUT', 'DELETE']);

type Undici = typeof import('undici');

/** What is known of a connection beyond what undici tells. */
interface Line {
  up: boolean;
  /** Requests written since it was made. */
  served: number;
  /** When it is to end, by the pool's clock. */
  expiresAt: number;
}

/** Loads undici, which takes tens of milliseconds, on the first call of the process. */
export async function loadUndici(): Promise<OpenTransport> {
  const undici = await import('undici');
  const TrackedClient = trackedClient(undici);
  return (origin, options, guard) => {
    const pool = createPool(undici, TrackedClient, origin, options, guard);
    let connected = 0;
    pool.on('connect', () => {
      connected++;
    });
    pool.on('disconnect', () => {
      connected--;
    });
    return {
      get connected() {
        return connected;
      },
      dispatch(request, sink) {
        pool.dispatch(request as Dispatcher.DispatchOptions, new Handler(origin, request, sink));
      },
      destroy: (reason) => pool.destroy(reason),
    };
  };
}

type TrackedClientClass = new (
  origin: string | URL,
  options: Client.Options,
  pool: ResolvedHttpPoolOptions,
) => Client & { readonly line: Line };

/**
 * A client that tells each handler which connection it is on, and closes it after the first call beyond its lifetime.
 *
 * undici's `clientTtl` would do the latter by looking at the clock for every client, twice a call (decision 0009).
 */
function trackedClient(undici: Undici): TrackedClientClass {
  return class extends undici.Client {
    readonly line: Line = { up: false, served: 0, expiresAt: 0 };
    readonly #clock: Clock;

    constructor(origin: string | URL, options: Client.Options, { clock, socketLifetime }: ResolvedHttpPoolOptions) {
      super(origin, options);
      this.#clock = clock;
      this.on('connect', () => {
        this.line.up = true;
        this.line.served = 0;
        this.line.expiresAt = clock.now() + socketLifetime;
      });
      this.on('disconnect', () => {
        this.line.up = false;
      });
    }

    override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
      const { line } = this;
      if (handler instanceof Handler) handler.line = line;
      const isLast = line.up && this.#clock.now() >= line.expiresAt;
      return super.dispatch(isLast ? { ...options, reset: true } : options, handler);
    }
  };
}

/**
 * undici has no option for free sockets. It gives each request to the first client that is not busy, so the clients made
 * first serve a steady load, and those beyond `maxFreeSockets` fall idle after a burst: they get a short keep-alive.
 */
function createPool(
  undici: Undici,
  TrackedClient: TrackedClientClass,
  origin: string,
  options: ResolvedHttpPoolOptions,
  guard: AddressGuard | undefined,
): Pool {
  let kept: Client[] = [];
  const { freeSocketTimeout } = options;
  const surplusTimeout = Math.min(SURPLUS_KEEP_ALIVE_MS, freeSocketTimeout);
  return new undici.Pool(origin, {
    connections: options.maxSockets,
    connect: createConnector(undici, options, guard),
    pipelining: options.keepAlive ? 1 : 0,
    keepAliveTimeout: freeSocketTimeout,
    keepAliveMaxTimeout: freeSocketTimeout,
    headersTimeout: 0, // Time is kept by the call itself: it runs while the call waits, too.
    bodyTimeout: 0,
    factory(url, given) {
      kept = kept.filter((client) => !client.closed && !client.destroyed);
      const isSurplus = kept.length >= options.maxFreeSockets;
      const keepAlive = isSurplus
        ? { keepAliveTimeout: surplusTimeout, keepAliveMaxTimeout: surplusTimeout }
        : undefined;
      const client = new TrackedClient(url, { ...given, ...keepAlive }, options);
      if (!isSurplus) kept.push(client);
      return client;
    },
  });
}

/** The guard looks at what is connected to: a resolved address, or one in the URL, which is never resolved. */
function createConnector(undici: Undici, options: ResolvedHttpPoolOptions, guard: AddressGuard | undefined) {
  const connect = undici.buildConnector({
    allowH2: false,
    timeout: options.connectTimeout,
    keepAlive: true,
    keepAliveInitialDelay: options.keepAliveMsecs,
    lookup: guard === undefined ? options.lookup : guard.guardedLookup(options.lookup),
  } as Parameters<Undici['buildConnector']>[0]);
  if (guard === undefined) return connect;
  const guarded: typeof connect = (target, callback) => {
    try {
      guard.checkHost(target.hostname, target.host ?? target.hostname);
    } catch (error) {
      queueMicrotask(() => callback(error as Error, null));
      return;
    }
    return connect(target, callback);
  };
  return guarded;
}

/** Passes undici's events on to a sink. HOT: once a call; guarded by `npm run bench -- pools`. */
class Handler implements Dispatcher.DispatchHandler {
  line: Line | undefined;
  #started = false;
  #answered = false;
  readonly #origin: string;
  readonly #request: OutgoingRequest;
  readonly #sink: CallSink;

  constructor(origin: string, request: OutgoingRequest, sink: CallSink) {
    this.#origin = origin;
    this.#request = request;
    this.#sink = sink;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#started = true;
    if (this.line !== undefined) this.line.served++;
    this.#sink.started(controller);
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: HeaderMap): void {
    this.#answered = true;
    if (status >= 200) this.#sink.head(status, headers);
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#sink.data(chunk);
  }

  onResponseEnd(): void {
    this.#sink.ended();
  }

  /** A call on a lost connection may have had its effect, unless it was not sent or its method has none. */
  onResponseError(_controller: Dispatcher.DispatchController, cause: Error): void {
    const { up = false, served = 0 } = this.line ?? {};
    const { method, body } = this.#request;
    const error = toHttpPoolError(cause, this.#origin, up, !this.#started || IDEMPOTENT.has(method));
    const stale = served > 1 && SAFE.has(method) && body === null && !this.#answered;
    this.#sink.failed(error, error.code === 'HTTP_CONNECTION_LOST' && (!this.#started || stale));
  }
}

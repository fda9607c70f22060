import { loadUndici, type OpenTransport } from '../adapter/undici.ts';
import { AddressGuard } from './address-guard.ts';
import { checkTarget, type HttpFetchInit, parseUrl, toHeaders } from './fetch-request.ts';
import { AnswerCollector, type HttpAnswer } from './http-answer.ts';
import { HttpCall } from './http-call.ts';
import { HttpPoolError } from './http-errors.ts';
import { type Send, webFetch } from './http-fetch.ts';
import {
  type HttpPoolOptions,
  type ResolvedHttpPoolOptions,
  resolveHttpPoolOptions,
  resolveLimit,
} from './http-pool-options.ts';
import type { HttpPoolStatistics } from './http-statistics.ts';
import { type OriginGates, OriginTable } from './origin-table.ts';

/** One cheap request. */
export interface HttpRequestOptions {
  /** @default 'GET' */
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array | null;
  /** Cancels the call; its connection is closed if it was sent. */
  readonly signal?: AbortSignal;
  /** Longest time to the headers and between parts of the body, in milliseconds. @default the pool's */
  readonly timeout?: number;
  /** Largest body, in bytes. @default the pool's */
  readonly maxResponseBytes?: number;
}

/** The two ways to call a URL. */
export interface HttpFetcher {
  /** Like the web's `fetch`: follows redirections, decompresses, streams the body. Can be handed on as a function. */
  readonly fetch: (input: string | URL | Request, init?: HttpFetchInit) => Promise<Response>;
  /** The cheap way: one request, the whole answer, nothing followed and nothing decompressed. */
  readonly request: (url: string | URL, options?: HttpRequestOptions) => Promise<HttpAnswer>;
}

/**
 * Calls to other servers over kept-alive connections, bounded in number, time and size.
 *
 * `fetch` and `request` are for URLs that the author wrote. URLs that come from tool arguments, or that were built from
 * them, go through `guarded`.
 *
 * @throws {OptionError} at construction.
 */
export class HttpPool implements HttpFetcher {
  readonly fetch: HttpFetcher['fetch'];
  readonly request: HttpFetcher['request'];
  /**
   * The same for URLs that cannot be trusted: only http and https, no credentials, and only public addresses (and
   * `guardAllow`), checked after name resolution, when connecting, on every hop. Else `ADDRESS_REFUSED`.
   */
  readonly guarded: HttpFetcher;
  readonly #options: ResolvedHttpPoolOptions;
  readonly #table: OriginTable;
  #open: OpenTransport | undefined;
  #closing: Promise<void> | undefined;

  constructor(options?: HttpPoolOptions, name = 'http', gates?: OriginGates) {
    this.#options = resolveHttpPoolOptions(options, name);
    this.#table = new OriginTable(this.#options, gates);
    const guard = new AddressGuard(this.#options.guardAllow, `${name}.guardAllow`);
    const plain = this.#fetcher(undefined);
    this.fetch = plain.fetch;
    this.request = plain.request;
    this.guarded = Object.freeze(this.#fetcher(guard));
  }

  statistics(): HttpPoolStatistics {
    return this.#table.statistics();
  }

  /** Takes no new calls, lets those under way finish for `closeTimeout`, then fails what is left and disconnects. */
  close(): Promise<void> {
    this.#closing ??= this.#table.close();
    return this.#closing;
  }

  #fetcher(guard: AddressGuard | undefined): HttpFetcher {
    const { maxRedirects } = this.#options;
    const send: Send = (url, request, reader, options) => {
      if (this.#closing !== undefined) throw new HttpPoolError('HTTP_POOL_CLOSED', url.origin);
      guard?.checkUrl(url);
      checkTarget(url);
      const pool = this.#table.get(url.origin, guard, this.#open as OpenTransport);
      new HttpCall(pool, request, reader, { ...options, clock: this.#options.clock }).begin();
    };
    return {
      fetch: async (input, init = {}) => {
        const limits = { ...this.#limits(init), maxRedirects };
        this.#open ??= await loadUndici();
        return webFetch(send, input, init, limits);
      },
      request: async (url, options = {}) => {
        const target = parseUrl(url);
        const limits = { ...this.#limits(options), signal: options.signal };
        this.#open ??= await loadUndici();
        const { method = 'GET', headers, body = null } = options;
        const outgoing = { method, path: target.pathname + target.search, headers: toHeaders(headers), body };
        return new Promise((resolve, reject) => {
          send(target, outgoing, new AnswerCollector(target.origin, resolve, reject), limits);
        });
      },
    };
  }

  #limits({ timeout, maxResponseBytes }: Pick<HttpRequestOptions, 'timeout' | 'maxResponseBytes'>) {
    const { timeout: timeoutMs, maxResponseBytes: maxBytes } = this.#options;
    return {
      timeoutMs: timeout === undefined ? timeoutMs : resolveLimit('timeout', timeout, timeoutMs, 'http'),
      maxResponseBytes:
        maxResponseBytes === undefined
          ? maxBytes
          : resolveLimit('maxResponseBytes', maxResponseBytes, maxBytes, 'http'),
    };
  }
}

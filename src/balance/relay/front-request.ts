import type { Exchange, ExtraHeaders } from '../../transport/transport.ts';
import {
  type ClientCapabilities,
  type Era,
  ErrorCode,
  errorText,
  type Implementation,
  isObject,
  isRequestId,
  type JsonRpcRequest,
  LOG_LEVELS,
  type LogLevel,
  MetaKey,
  notificationText,
  type RequestId,
  responsePrefix,
  statusOf,
} from '../../wire/wire.ts';
import type { TargetFailure } from '../gateway/target.ts';
import type { RpcError } from './peer.ts';

/** What a client says of itself in a modern request; a legacy one says nothing that could be passed on. */
export interface FrontClient {
  readonly info: Implementation | undefined;
  readonly capabilities: ClientCapabilities;
  readonly logLevel: LogLevel | undefined;
}

/** An exchange that can tell, better than by an answer, that none will come. */
export interface FailingExchange extends Exchange {
  fail(failure: TargetFailure): void;
}

const ENVELOPE: ReadonlySet<string> = new Set([
  MetaKey.protocolVersion,
  MetaKey.clientInfo,
  MetaKey.clientCapabilities,
  MetaKey.logLevel,
]);
const LEGACY_CLIENT: FrontClient = Object.freeze({ info: undefined, capabilities: {}, logLevel: 'info' });

/** One request of a client that somebody else answers. All its state is here. */
export class FrontRequest {
  readonly era: Era;
  readonly id: RequestId;
  readonly method: string;
  readonly params: Record<string, unknown>;
  readonly exchange: Exchange;
  readonly client: FrontClient;
  readonly progressToken: RequestId | undefined;
  /** The client's `_meta` without the envelope and the progress token. */
  readonly meta: Record<string, unknown>;
  /** Runs once when the client wants no answer any more. */
  onCancel: (() => void) | undefined = undefined;
  readonly #whenSettled: (() => void)[] = [];
  #settled = false;
  #progress = Number.NEGATIVE_INFINITY;

  constructor(exchange: Exchange, era: Era, { id, method, params = {} }: JsonRpcRequest) {
    const { _meta: meta, ...rest } = params;
    const given = isObject(meta) ? meta : {};
    this.era = era;
    this.id = id;
    this.method = method;
    this.params = rest;
    this.exchange = exchange;
    this.progressToken = isRequestId(given['progressToken']) ? given['progressToken'] : undefined;
    this.meta = Object.fromEntries(
      Object.entries(given).filter(([key]) => key !== 'progressToken' && !ENVELOPE.has(key)),
    );
    this.client =
      era === 'legacy'
        ? LEGACY_CLIENT
        : {
            info: given[MetaKey.clientInfo] as Implementation | undefined,
            capabilities: (given[MetaKey.clientCapabilities] ?? {}) as ClientCapabilities,
            logLevel: given[MetaKey.logLevel] as LogLevel | undefined,
          };
  }

  get settled(): boolean {
    return this.#settled;
  }

  /** Runs once when the request is over, however it ended. */
  whenSettled(run: () => void): void {
    this.#whenSettled.push(run);
  }

  /** Passes on what the server says ahead of its answer, as far as the client asked for it. */
  notify(method: string, params: Record<string, unknown> | undefined): void {
    if (this.#settled || method.endsWith('/list_changed') || !this.exchange.canStream) return;
    if (method === 'notifications/progress') this.#reportProgress(params);
    else if (method !== 'notifications/message' || this.#wants(params?.['level']))
      this.exchange.notify(notificationText(method, params));
  }

  /** Answers with a result that is text already. */
  succeed(resultText: string): void {
    this.#answer(200, `${responsePrefix(this.id)}${resultText}}`);
  }

  fail({ code, message, data }: RpcError, status?: number, headers?: ExtraHeaders): void {
    const usual = this.era === 'modern' ? statusOf({ code }) : 200;
    this.#answer(status ?? usual, errorText(this.id, code, message, data), headers);
  }

  /** Answers that the server behind gave no answer. */
  unanswered(failure: TargetFailure): void {
    const { reason, message, retryAfterSeconds } = failure;
    const { exchange } = this;
    if (canFail(exchange)) {
      this.#settleBy(() => exchange.fail(failure));
      return;
    }
    if (reason === 'unavailable' || reason === 'overloaded') {
      const seconds = Math.max(1, Math.ceil(retryAfterSeconds ?? 1));
      const error = { code: ErrorCode.Overloaded, message, data: { reason, retryAfterMs: seconds * 1_000 } };
      this.fail(error, 503, [['Retry-After', String(seconds)]]);
    } else {
      const status = this.era === 'legacy' ? 200 : reason === 'timeout' ? 504 : 502;
      this.fail({ code: ErrorCode.InternalError, message, data: { reason } }, status);
    }
  }

  /** The client has gone, or said that it wants no answer. */
  cancel(): void {
    if (this.#settled) return;
    this.#settled = true;
    this.exchange.abandon?.();
    this.onCancel?.();
    this.#settle();
  }

  #answer(status: number, text: string, headers?: ExtraHeaders): void {
    this.#settleBy(() => this.exchange.respond(status, text, undefined, headers));
  }

  #settleBy(answer: () => void): void {
    if (this.#settled) return;
    this.#settled = true;
    answer();
    this.#settle();
  }

  #settle(): void {
    for (const run of this.#whenSettled) run();
  }

  #reportProgress(params: Record<string, unknown> | undefined): void {
    const progress = params?.['progress'];
    if (this.progressToken === undefined || typeof progress !== 'number' || progress <= this.#progress) return;
    this.#progress = progress;
    this.exchange.notify(notificationText('notifications/progress', { ...params, progressToken: this.progressToken }));
  }

  #wants(level: unknown): boolean {
    const least = this.client.logLevel;
    return least !== undefined && LOG_LEVELS.indexOf(level as LogLevel) >= LOG_LEVELS.indexOf(least);
  }
}

function canFail(exchange: Exchange): exchange is FailingExchange {
  return 'fail' in exchange;
}

import {
  type Answer,
  type Call,
  type HttpContext,
  InternalFault,
  type LegacyRound,
  type McpRequest,
  type OutgoingNotification,
  type OutgoingRequest,
  Refusal,
  type SendOptions,
  toProtocolError,
} from '../dispatch/dispatch.ts';
import type { Clock } from '../kernel/clock.ts';
import type { EventStream } from '../session/session.ts';
import type { EngineSignals, RequestOutcome } from '../signal/signal.ts';
import type { Exchange } from '../transport/transport.ts';
import {
  type AuthInfo,
  type ClientCapabilities,
  copyJson,
  type Envelope,
  type Era,
  ErrorCode,
  errorText,
  type Implementation,
  isObject,
  type JsonRpcRequest,
  type LogLevel,
  MetaKey,
  type ProtocolError,
  type RequestId,
  responsePrefix,
  responsePrefixOf,
  statusOf,
} from '../wire/wire.ts';
import { type Asking, askClient } from './ask-client.ts';
import { type CallFrame, FramedCall } from './call-frame.ts';
import { authOf, principalOf } from './gate.ts';
import { McpRequestView, type ViewedRequest } from './mcp-request.ts';

/** Where a request says which attempt it is: 2 or more for a retry or a hedge. */
const ATTEMPT_META = 'peregrine/attempt';
const ATTEMPT_HEADER = 'peregrine-attempt';

/** What the client said of itself: in each request (modern), or once for a connection (legacy). */
export interface Client {
  readonly info: Implementation | undefined;
  readonly capabilities: ClientCapabilities;
  /** The least level of log messages that it wants; `undefined` stands for none (modern) or all (legacy). */
  readonly logLevel: LogLevel | undefined;
  /** Whether it made a handshake, so that its capabilities are known. */
  readonly version: string | undefined;
  /** Its session or connection: where its answers to requests of the server's own come from. */
  readonly owner: string;
  /** Begins a stream that can be resumed, where there are such streams. */
  openStream?(sink: Exchange): EventStream;
}

/** What all requests of one server share. */
export interface RequestShared extends Asking {
  readonly signals: EngineSignals;
  readonly clock: Clock;
}

/**
 * One request: what its handler sees, and the way back for its answer.
 *
 * All state of a request is in this object, none in maps by request id: clients all count from the same number.
 */
export class RequestContext implements Call, ViewedRequest {
  readonly era: Era;
  readonly method: string;
  readonly params: Record<string, unknown> | undefined;
  readonly exchange: Exchange;
  readonly principal: string | undefined;
  argumentsText: string | undefined = undefined;
  target = '';
  outcome: RequestOutcome = 'ok';
  roundState: string | undefined = undefined;
  legacyRound: LegacyRound | undefined = undefined;
  /** The registered name of the method for signals: never what a client made up. */
  label = 'unknown';
  readonly #message: JsonRpcRequest;
  readonly #shared: RequestShared;
  readonly client: Client | undefined;
  readonly #startedAt: number;
  #controller: AbortController | undefined;
  #view: McpRequestView | undefined;
  /** What carries the answer in a session, once it is an event stream. */
  #stream: EventStream | undefined;
  #meta: unknown;
  #state: 'running' | 'cancelled' | 'answered' = 'running';
  #onSettled: (() => void) | undefined;

  constructor(
    exchange: Exchange,
    era: Era,
    message: JsonRpcRequest,
    client: Client | undefined,
    shared: RequestShared,
    startedAt = shared.signals.request.active ? shared.clock.now() : -1,
  ) {
    this.exchange = exchange;
    this.era = era;
    this.#message = message;
    this.method = message.method;
    this.params = message.params;
    this.principal = principalOf(exchange);
    this.client = client;
    this.#shared = shared;
    this.#startedAt = startedAt;
  }

  get id(): RequestId {
    return this.#message.id;
  }

  /** Runs when the request is over, however it ended. */
  whenSettled(run: () => void): void {
    const earlier = this.#onSettled;
    this.#onSettled = run;
    if (earlier !== undefined) {
      this.#onSettled = () => {
        earlier();
        run();
      };
    }
  }

  get cancelled(): boolean {
    return this.#state === 'cancelled';
  }

  get settled(): boolean {
    return this.#state !== 'running';
  }

  get mcpReq(): McpRequest {
    this.#view ??= new McpRequestView(this);
    return this.#view;
  }

  get sessionId(): string | undefined {
    return this.client?.openStream === undefined ? undefined : this.client.owner;
  }

  get auth(): AuthInfo | undefined {
    return authOf(this.exchange);
  }

  get authInfo(): AuthInfo | undefined {
    return this.auth;
  }

  get http(): HttpContext | undefined {
    const { head } = this.exchange;
    if (head === undefined) return undefined;
    const { auth } = this;
    const req = { headers: auth === undefined ? head.all() : withoutToken(head.all()) };
    return {
      req,
      ...(auth === undefined ? {} : { authInfo: auth }),
      ...(this.client?.openStream === undefined ? {} : { closeSSE: () => this.#openStream()?.pause() }),
    };
  }

  get isRetry(): boolean {
    const { _meta: meta } = (this.params ?? {}) as { readonly _meta?: { readonly [ATTEMPT_META]?: unknown } };
    return Number(meta?.[ATTEMPT_META]) >= 2 || Number(this.exchange.head?.field(ATTEMPT_HEADER)) >= 2;
  }

  /** The request's `_meta` for handlers. Calls of one frame share theirs, frozen: a handler gets a copy, as of any call. */
  get meta(): unknown {
    this.#meta ??= Object.isFrozen(this.params?.['_meta']) ? copyJson(this.params?.['_meta']) : this.params?.['_meta'];
    return this.#meta;
  }

  get envelope(): Envelope | undefined {
    return this.era === 'modern' ? (this.meta as Envelope | undefined) : undefined;
  }

  get clientInfo(): Implementation | undefined {
    return this.era === 'modern'
      ? (this.envelope?.[MetaKey.clientInfo as keyof Envelope] as Implementation | undefined)
      : this.client?.info;
  }

  get clientCapabilities(): ClientCapabilities {
    if (this.era === 'modern')
      return (this.envelope?.[MetaKey.clientCapabilities as keyof Envelope] ?? {}) as ClientCapabilities;
    return this.client?.capabilities ?? {};
  }

  /** The least level of log messages to send, or nothing for none. */
  get logLevel(): LogLevel | undefined {
    if (this.era === 'modern') return this.envelope?.[MetaKey.logLevel as keyof Envelope] as LogLevel | undefined;
    return this.client?.logLevel ?? 'debug';
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#state === 'cancelled') this.#controller.abort(cancelledError());
    }
    return this.#controller.signal;
  }

  get requestId(): RequestId {
    return this.id;
  }

  get task(): undefined {
    return undefined;
  }

  get _meta(): McpRequest['_meta'] {
    return this.mcpReq._meta;
  }

  get sendNotification(): (notification: OutgoingNotification) => Promise<void> {
    return this.mcpReq.notify;
  }

  get sendRequest(): McpRequest['send'] {
    return this.mcpReq.send;
  }

  get inputResponses(): Record<string, unknown> | undefined {
    const responses = this.legacyRound?.responses ?? this.params?.['inputResponses'];
    return isObject(responses) ? responses : undefined;
  }

  /** Sends a message ahead of the answer. */
  tell(text: string): void {
    const stream = this.#stream ?? this.#openStream();
    if (stream === undefined) this.exchange.notify(text);
    else stream.push(text);
  }

  ask(request: OutgoingRequest, options?: SendOptions): Promise<Record<string, unknown>> {
    return askClient(this, this.#shared, request, options);
  }

  /** In a session an answer that is an event stream can be resumed, and goes on without its client. */
  #openStream(): EventStream | undefined {
    const { exchange, client } = this;
    if (this.#stream !== undefined || exchange.closed || exchange.open === undefined || !exchange.canStream)
      return this.#stream;
    this.#stream = client?.openStream?.(exchange);
    return this.#stream;
  }

  get progress(): (progress: number, total?: number, message?: string) => void {
    return (progress, total, message) => {
      const progressToken = this.mcpReq._meta?.progressToken;
      if (progressToken === undefined) return;
      const params = {
        progressToken,
        progress,
        ...(total === undefined ? {} : { total }),
        ...(message === undefined ? {} : { message }),
      };
      void this.mcpReq.notify({ method: 'notifications/progress', params });
    };
  }

  /** The client wants no answer any more: the handler's signal is aborted, and whatever it returns is dropped. */
  cancel(): void {
    if (this.#state !== 'running') return;
    this.#state = 'cancelled';
    this.outcome = 'cancelled';
    this.#controller?.abort(cancelledError());
    if (this.#stream !== undefined) this.#stream.end();
    else if (this.exchange.abandon !== undefined) this.exchange.abandon();
    else if (this.era === 'legacy') this.exchange.respond(202, '');
    this.#settle();
  }

  /** Takes what a handler answered, now or later. HOT: guarded by `npm run bench`. */
  take(answer: Answer | Promise<Answer>): void {
    if (answer instanceof Promise) {
      answer.then(
        (later) => this.complete(later),
        (error: unknown) => this.fail(error),
      );
    } else {
      this.complete(answer);
    }
  }

  complete(answer: Answer): void {
    if (this.#state !== 'running') return;
    this.#state = 'answered';
    const message = this.#message;
    const prefix = message instanceof FramedCall ? responsePrefixOf(message.idText) : responsePrefix(message.id);
    if (this.#stream !== undefined) this.#stream.end(prefix + textOf(answer));
    else if (typeof answer === 'string') this.exchange.respond(200, `${prefix}${answer}}`);
    else this.exchange.respond(200, prefix, answer.bytes);
    this.#settle();
  }

  fail(error: unknown): void {
    if (this.cancelled) return; // How a handler ends that nobody waits for is no fault.
    const known = toProtocolError(error);
    if (known instanceof InternalFault) this.reportFault(known.reason);
    if (this.#state !== 'running') return;
    this.#state = 'answered';
    this.outcome = 'error';
    const isShed = known.code === ErrorCode.Overloaded;
    const status = this.era === 'modern' || known instanceof Refusal ? statusOf(known) : 200;
    const headers = isShed ? ([['Retry-After', retryAfter(known)]] as const) : undefined;
    if (this.#stream !== undefined) this.#stream.end(this.#errorText(known));
    else this.exchange.respond(status, this.#errorText(known), undefined, headers);
    this.#settle();
  }

  /** Tells the operator what the client is not told. */
  reportFault(error: unknown): void {
    this.#shared.signals.fault.emit({ where: `${this.label} ${this.target}`.trim(), error });
  }

  #errorText({ code, message, data }: ProtocolError): string {
    try {
      return errorText(this.id, code, message, data);
    } catch (error) {
      this.reportFault(error);
      return errorText(this.id, ErrorCode.InternalError, 'Internal error');
    }
  }

  #settle(): void {
    const { request, trace } = this.#shared.signals;
    if (request.active) {
      const finishedAt = this.#shared.clock.now();
      const durationMs = this.#startedAt < 0 ? 0 : finishedAt - this.#startedAt;
      const event = { method: this.label, target: this.target, outcome: this.outcome, durationMs, finishedAt };
      request.emit(event);
      if (trace.active) trace.emit({ request: event, meta: this.params?.['_meta'], call: this });
    }
    this.#onSettled?.();
  }
}

/** Answers a call of a tool that was never begun, since its answer was kept. HOT: guarded by `npm run bench -- cache`. */
export function answerKept(
  exchange: Exchange,
  { idText, name, meta }: CallFrame,
  text: string,
  startedAt: number,
  { signals, clock }: RequestShared,
): void {
  exchange.respond(200, `${responsePrefixOf(idText)}${text}}`);
  if (!signals.request.active) return;
  const finishedAt = clock.now();
  const durationMs = startedAt < 0 ? 0 : finishedAt - startedAt;
  const event = { method: 'tools/call', target: name, outcome: 'ok', durationMs, finishedAt } as const;
  signals.request.emit(event);
  if (signals.trace.active) signals.trace.emit({ request: event, meta, call: undefined });
}

/** An answer, and the brace that closes the whole response. */
function textOf(answer: Answer): string {
  return typeof answer === 'string' ? `${answer}}` : new TextDecoder().decode(answer.bytes);
}

/** What the server checked is not handed on: whoever is behind it must not get a client's token. */
function withoutToken(headers: Headers): Headers {
  headers.delete('authorization');
  return headers;
}

/** When a refused request may come again, in whole seconds as the header has them. */
function retryAfter(error: ProtocolError): string {
  return String(error instanceof Refusal ? Math.max(1, Math.ceil(error.retryAfterMs / 1_000)) : 1);
}

function cancelledError(): Error {
  return new DOMException('The client cancelled the request', 'AbortError');
}

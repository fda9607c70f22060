import type { Dispatcher } from '../dispatch/dispatch.ts';
import type { Answerer, LiveSession } from '../session/session.ts';
import { BatchCollector, type Exchange, type ExtraHeaders } from '../transport/transport.ts';
import {
  acceptsJson,
  checkBatch,
  checkLegacyVersion,
  checkModernNotification,
  checkModernRequest,
  claimOf,
  ErrorCode,
  errorText,
  type Failure,
  failure,
  idOf,
  isModernInitialize,
  isModernVersion,
  isObject,
  isRequestId,
  type JsonBounds,
  type JsonRpcNotification,
  type JsonRpcRequest,
  type JsonRpcResponse,
  kindOf,
  mismatch,
  ProtocolError,
  parseMessage,
  type RequestId,
} from '../wire/wire.ts';
import { type CallFrame, CallMemo, FramedCall } from './call-frame.ts';
import { type Gate, principalOf } from './gate.ts';
import { type ClientMemory, legacyHandler } from './legacy.ts';
import { answerKept, RequestContext, type RequestShared } from './request-context.ts';
import type { SessionEntry } from './session-entry.ts';
import type { Subscriptions } from './subscriptions.ts';

/** What the entries of the protocol share. */
export interface EntryParts extends RequestShared {
  readonly dispatcher: Dispatcher;
  readonly subscriptions: Subscriptions;
  readonly jsonBounds: JsonBounds;
  /** Sessions of legacy clients; nothing where they are not served. */
  readonly sessions?: SessionEntry | undefined;
  /** Who checks tokens and scopes; nothing without authorization. */
  readonly gate?: Gate | undefined;
}

const ALLOW_POST: ExtraHeaders = [['Allow', 'POST']];
const USUAL_ACCEPT = 'application/json, text/event-stream';
/** The arguments of a call stand in its params, which stand in the message. */
const FRAME_DEPTH = 2;

/** Takes posted bodies: decides the era by the body, checks, and runs what is asked for. */
export class HttpEntry {
  readonly #parts: EntryParts;
  readonly #argumentBounds: JsonBounds;

  constructor(parts: EntryParts) {
    this.#parts = parts;
    const { maxDepth, maxElements } = parts.jsonBounds;
    this.#argumentBounds = { maxDepth: maxDepth - FRAME_DEPTH, maxElements };
  }

  /** Any method but POST: neither era has one without sessions. */
  other(exchange: Exchange, method: string): void {
    const { sessions } = this.#parts;
    if (sessions !== undefined) sessions.other(exchange, method);
    else
      exchange.respond(
        405,
        errorText(undefined, ErrorCode.BadHttpRequest, 'Method not allowed'),
        undefined,
        ALLOW_POST,
      );
  }

  post(exchange: Exchange, body: string): void {
    if (exchange.closed) return; // The client left while its request was read.
    const frame = (exchange.head?.memo as CallMemo | undefined)?.match(body);
    if (frame !== undefined && this.#framed(exchange, body, frame)) return;
    const { accept } = exchange.head ?? {};
    if (accept !== undefined && accept !== USUAL_ACCEPT && !acceptsJson(accept)) {
      refuse(
        exchange,
        undefined,
        failure(406, ErrorCode.BadHttpRequest, 'Accept must list application/json and text/event-stream'),
      );
      return;
    }
    const message = parseMessage(body, this.#parts.jsonBounds);
    if (message instanceof ProtocolError) refuse(exchange, undefined, failure(400, message.code, message.message));
    else if (Array.isArray(message)) this.#batch(exchange, message);
    else this.#single(exchange, message, body);
  }

  /**
   * Runs a call that differs from one before in nothing but its id and arguments; answers false where that is not sure.
   *
   * HOT: nearly every call; guarded by `npm run bench`.
   */
  #framed(exchange: Exchange, body: string, frame: CallFrame): boolean {
    const { jsonBounds, dispatcher, clock, signals, sessions, gate } = this.#parts;
    const { name, isModern } = frame;
    const session = isModern ? undefined : sessions?.peek(exchange, principalOf(exchange));
    if (session === 'unsure') return false;
    const argumentsText = frame.takeArguments();
    // What it lacks is answered where all of the request is checked.
    if (gate?.lacks(exchange, [{ method: 'tools/call', params: { name } }]) !== undefined) return false;
    if (body.length > jsonBounds.maxElements) return false;
    const startedAt = signals.request.active ? clock.now() : -1;
    const kept = dispatcher.peekTool(name, isModern ? 'modern' : 'legacy', principalOf(exchange), argumentsText);
    if (kept !== undefined) {
      answerKept(exchange, frame, kept, startedAt, this.#parts);
      return true;
    }
    const args = parseMessage(argumentsText, this.#argumentBounds);
    if (!isObject(args) || args instanceof ProtocolError) return false;
    const message = new FramedCall(frame, args);
    const { params } = message;
    if (!isModern) {
      this.#runLegacy(exchange, message, session, argumentsText, startedAt);
      return true;
    }
    const problem = dispatcher.headerMismatch(params, exchange.head?.params);
    if (problem === undefined) this.#runModern(exchange, message, argumentsText, startedAt);
    else refuse(exchange, message.id, mismatch(problem));
    return true;
  }

  #single(exchange: Exchange, message: unknown, body: string): void {
    switch (kindOf(message)) {
      case 'request':
        this.#request(exchange, message as JsonRpcRequest, body);
        break;
      case 'notification':
        this.#notification(exchange, message as JsonRpcNotification);
        break;
      case 'response':
        this.#inSession(exchange, message as JsonRpcResponse, (session) => {
          this.#parts.requests?.take(message as JsonRpcResponse, answererOf(exchange, session));
          exchange.respond(202, '');
        });
        break;
      default:
        refuse(
          exchange,
          idOf(message),
          failure(400, ErrorCode.InvalidRequest, 'The body is not a valid JSON-RPC message'),
        );
    }
  }

  /** HOT: every request; guarded by `npm run bench`. */
  #request(exchange: Exchange, message: JsonRpcRequest, body: string): void {
    const meta = claimOf(message);
    const version = exchange.head?.protocolVersion;
    if (meta !== undefined && (message.method !== 'initialize' || isModernInitialize(meta))) {
      const problem =
        exchange.head === undefined
          ? undefined
          : checkModernRequest(exchange.head, message, meta, this.#parts.dispatcher);
      if (problem !== undefined) return refuse(exchange, message.id, problem);
      if (this.#parts.gate?.refuses(exchange, [message])) return;
      learn(exchange, message, body, true);
      this.#runModern(exchange, message);
      return;
    }
    const problem = checkLegacyVersion(version, message.method);
    if (problem !== undefined) return refuse(exchange, message.id, problem);
    const { sessions, gate } = this.#parts;
    if (gate?.refuses(exchange, [message])) return;
    if (message.method === 'initialize' && sessions !== undefined) {
      sessions.initialize(exchange, message, (answered, memory) => this.#greet(answered, message, memory));
      return;
    }
    this.#inSession(exchange, message, (session) => {
      learn(exchange, message, body, false);
      this.#runLegacy(exchange, message, session);
    });
  }

  /** Goes on with the session that a legacy message belongs to, if there is one; refuses it where there should be. */
  #inSession(exchange: Exchange, message: { readonly id?: RequestId }, go: (session?: LiveSession) => void): void {
    const { sessions } = this.#parts;
    if (sessions === undefined) go();
    else sessions.enter(exchange, message, go);
  }

  #runModern(exchange: Exchange, message: JsonRpcRequest, argumentsText?: string, startedAt?: number): void {
    const call = new RequestContext(exchange, 'modern', message, undefined, this.#parts, startedAt);
    call.argumentsText = argumentsText;
    exchange.onClose = () => call.cancel();
    runModern(call, this.#parts);
  }

  #greet(exchange: Exchange, message: JsonRpcRequest, memory: ClientMemory | undefined): void {
    const call = new RequestContext(exchange, 'legacy', message, undefined, this.#parts);
    run(call, legacyHandler(message.method, this.#parts.dispatcher, memory));
  }

  /** A disconnect is no cancellation in these revisions. */
  #runLegacy(
    exchange: Exchange,
    message: JsonRpcRequest,
    session: LiveSession | undefined,
    argumentsText?: string,
    startedAt?: number,
  ): void {
    const { sessions, dispatcher } = this.#parts;
    const call = new RequestContext(exchange, 'legacy', message, session, this.#parts, startedAt);
    call.argumentsText = argumentsText;
    const memory = session === undefined || message.method === 'tools/call' ? undefined : sessions?.memoryOf(session);
    run(call, legacyHandler(message.method, dispatcher, memory));
    if (session !== undefined) sessions?.started(session, call);
  }

  #notification(exchange: Exchange, message: JsonRpcNotification): void {
    const { head } = exchange;
    const meta = claimOf(message);
    const isModern =
      meta !== undefined || (head?.protocolVersion !== undefined && isModernVersion(head.protocolVersion));
    const problem =
      isModern && head !== undefined
        ? checkModernNotification(head, message, meta)
        : checkLegacyVersion(head?.protocolVersion, message.method);
    if (problem !== undefined) refuse(exchange, undefined, problem);
    else if (isModern) exchange.respond(202, '');
    else
      this.#inSession(exchange, {}, (session) => {
        this.#notified(exchange, message, session);
        exchange.respond(202, '');
      });
  }

  #notified(exchange: Exchange, { method, params }: JsonRpcNotification, session: LiveSession | undefined): void {
    const { requests, sessions } = this.#parts;
    if (method === 'notifications/progress') requests?.report(params, answererOf(exchange, session));
    const id = params?.['requestId'];
    if (method === 'notifications/cancelled' && session !== undefined && isRequestId(id)) sessions?.cancel(session, id);
  }

  #batch(exchange: Exchange, messages: readonly unknown[]): void {
    const problem = checkBatch(messages, exchange.head?.protocolVersion);
    if (problem !== undefined) {
      refuse(exchange, undefined, problem);
      return;
    }
    this.#inSession(exchange, {}, (session) => this.#batchIn(exchange, messages, session));
  }

  #batchIn(exchange: Exchange, messages: readonly unknown[], session: LiveSession | undefined): void {
    const requests = messages.filter((message) => kindOf(message) === 'request') as JsonRpcRequest[];
    for (const message of messages) {
      const kind = kindOf(message);
      if (kind === 'notification') this.#notified(exchange, message as JsonRpcNotification, session);
      if (kind === 'response') this.#parts.requests?.take(message as JsonRpcResponse, answererOf(exchange, session));
    }
    if (requests.length === 0) {
      exchange.respond(202, '');
      return;
    }
    if (this.#parts.gate?.refuses(exchange, requests)) return;
    const collector = new BatchCollector(exchange, requests.length);
    for (const request of requests) this.#runLegacy(collector.member(), request, session);
  }
}

/** Who a posted answer, or progress, is of. */
function answererOf(exchange: Exchange, session: LiveSession | undefined): Answerer {
  return { owner: session?.id ?? '', principal: principalOf(exchange) };
}

/** Remembers a checked call, so that the next one like it need not be checked again. */
function learn({ head }: Exchange, message: JsonRpcRequest, body: string, isModern: boolean): void {
  if (head === undefined || message.method !== 'tools/call' || !hasValidToken(message)) return;
  head.memo ??= new CallMemo();
  (head.memo as CallMemo).learn(body, message, isModern);
}

/** Runs a modern request that has been checked. */
export function runModern(call: RequestContext, parts: EntryParts): void {
  if (call.method === 'subscriptions/listen') {
    call.label = call.method;
    try {
      parts.dispatcher.admitStream(call.method);
      parts.subscriptions.listen(call);
    } catch (error) {
      call.fail(error);
    }
    return;
  }
  run(call, parts.dispatcher.findModern(call.method));
}

/** Runs a request's handler, if its method has one. */
export function run(call: RequestContext, handler: ReturnType<Dispatcher['find']>): void {
  if (handler === undefined) {
    call.fail(new ProtocolError(ErrorCode.MethodNotFound, 'Method not found'));
    return;
  }
  call.label = call.method;
  if (!hasValidToken(call)) {
    call.fail(new ProtocolError(ErrorCode.InvalidParams, 'progressToken must be a string or an integer'));
    return;
  }
  try {
    call.take(handler(call.params, call));
  } catch (error) {
    call.fail(error);
  }
}

function hasValidToken({ params }: Pick<RequestContext, 'params'> | JsonRpcRequest): boolean {
  const meta = params?.['_meta'] as { readonly progressToken?: unknown } | undefined;
  return meta?.progressToken === undefined || isRequestId(meta.progressToken);
}

function refuse(exchange: Exchange, id: RequestId | undefined, { status, code, message, data }: Failure): void {
  exchange.respond(status, errorText(id, code, message, data));
}

import { randomUUID } from 'node:crypto';
import type { Answerer } from '../session/session.ts';
import { BatchCollector, type Exchange, type MessageConnection, type MessageSink } from '../transport/transport.ts';
import {
  checkBatch,
  checkEnvelope,
  checkVersion,
  claimOf,
  ErrorCode,
  errorText,
  idOf,
  isModernInitialize,
  isObject,
  isRequestId,
  type JsonRpcNotification,
  type JsonRpcRequest,
  type JsonRpcResponse,
  kindOf,
  NEWEST_LEGACY_VERSION,
  notificationText,
  ProtocolError,
  parseMessage,
  type RequestId,
} from '../wire/wire.ts';
import { principalOf } from './gate.ts';
import { type EntryParts, run, runModern } from './http-entry.ts';
import { ConnectionPeer, legacyHandler } from './legacy.ts';
import { RequestContext } from './request-context.ts';
import { type ChangeBus, type ChangeEvent, changeNotification } from './subscriptions.ts';

/** Serves one connection of messages, such as stdio: many requests at once, each answered when it is ready. */
export class ConnectionEntry implements MessageConnection {
  readonly #sink: MessageSink;
  readonly #parts: EntryParts;
  readonly #peer: ConnectionPeer;
  /** This connection's own running requests, so that they can be cancelled by id. */
  readonly #running = new Map<RequestId, RequestContext>();
  readonly #answerer: Answerer;
  readonly #unsubscribe: () => void;
  #whenIdle: (() => void)[] = [];
  #closed = false;

  constructor(sink: MessageSink, parts: EntryParts, bus: ChangeBus) {
    this.#sink = sink;
    this.#parts = parts;
    this.#peer = new ConnectionPeer(randomUUID());
    this.#answerer = { owner: this.#peer.owner, principal: principalOf(sink) };
    this.#unsubscribe = bus.subscribe((event) => this.#announce(event));
  }

  receive(text: string): void {
    if (this.#closed) return;
    const message = parseMessage(text, this.#parts.jsonBounds);
    if (message instanceof ProtocolError) {
      this.#send(errorText(undefined, message.code, message.message));
      return;
    }
    if (Array.isArray(message)) this.#batch(message);
    else this.#single(message, this.#exchange());
  }

  /** Batches belong to one revision: they are served when that was agreed on. */
  #batch(messages: readonly unknown[]): void {
    const problem = checkBatch(messages, this.#peer.version ?? NEWEST_LEGACY_VERSION);
    if (problem !== undefined) {
      this.#send(errorText(undefined, problem.code, problem.message));
      return;
    }
    const collector = new BatchCollector(
      this.#exchange(),
      messages.filter((message) => kindOf(message) === 'request').length,
    );
    for (const message of messages) this.#single(message, collector.member());
  }

  #single(message: unknown, exchange: Exchange): void {
    switch (kindOf(message)) {
      case 'request':
        this.#request(message as JsonRpcRequest, exchange);
        break;
      case 'notification':
        this.#notification(message as JsonRpcNotification);
        break;
      case 'response':
        this.#parts.requests?.take(message as JsonRpcResponse, this.#answerer);
        break;
      default:
        this.#send(errorText(idOf(message), ErrorCode.InvalidRequest, 'The message is not valid JSON-RPC'));
    }
  }

  reject(reason: string): void {
    this.#send(errorText(undefined, ErrorCode.InvalidRequest, reason));
  }

  /** Streams that only the end of the connection ends do not count. */
  settled(): Promise<void> {
    return this.#isIdle() ? Promise.resolve() : new Promise((resolve) => this.#whenIdle.push(resolve));
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#unsubscribe();
    for (const call of [...this.#running.values()]) call.cancel();
  }

  #request(message: JsonRpcRequest, exchange: Exchange): void {
    const meta = claimOf(message);
    const isModern = meta !== undefined && (message.method !== 'initialize' || isModernInitialize(meta));
    const problem = isModern ? (checkEnvelope(meta) ?? checkVersion(meta)) : undefined;
    if (problem !== undefined) {
      exchange.respond(200, errorText(message.id, problem.code, problem.message, problem.data));
      return;
    }
    if (this.#running.has(message.id)) {
      exchange.respond(200, errorText(message.id, ErrorCode.InvalidRequest, 'A request with this id is still running'));
      return;
    }
    const call = new RequestContext(exchange, isModern ? 'modern' : 'legacy', message, this.#peer, this.#parts);
    this.#running.set(message.id, call);
    call.whenSettled(() => this.#finished(call));
    if (isModern) runModern(call, this.#parts);
    else run(call, legacyHandler(message.method, this.#parts.dispatcher, this.#peer));
  }

  #finished(call: RequestContext): void {
    this.#running.delete(call.id);
    if (!this.#isIdle()) return;
    for (const resolve of this.#whenIdle) resolve();
    this.#whenIdle = [];
  }

  #isIdle(): boolean {
    for (const call of this.#running.values()) if (call.method !== 'subscriptions/listen') return false;
    return true;
  }

  #notification({ method, params }: JsonRpcNotification): void {
    if (method === 'notifications/initialized') this.#peer.ready = true;
    if (method === 'notifications/progress') this.#parts.requests?.report(params, this.#answerer);
    if (method !== 'notifications/cancelled' || !isObject(params)) return;
    const id = params['requestId'];
    const call = isRequestId(id) ? this.#running.get(id) : undefined;
    if (call?.method !== 'initialize') call?.cancel();
  }

  /** Tells a legacy client of changes; modern ones listen by `subscriptions/listen`. */
  #announce(event: ChangeEvent): void {
    if (!this.#peer.ready || (event.kind === 'resource' && !this.#peer.watched.has(event.uri))) return;
    const [method, params] = changeNotification(event);
    this.#notify(notificationText(method, params));
  }

  #exchange(): Exchange {
    const isClosed = (): boolean => this.#closed;
    return {
      head: this.#sink.head,
      get closed() {
        return isClosed();
      },
      onClose: undefined,
      canStream: true,
      notify: (text) => this.#notify(text),
      insist: (text) => this.#send(text),
      abandon: () => {},
      respond: (_status, text, bytes) => this.#send(text, bytes),
    };
  }

  #notify(text: string): void {
    if (this.#sink.isSlow !== true) this.#send(text);
  }

  #send(text: string, bytes?: Uint8Array): void {
    if (!this.#closed) this.#sink.send(text, bytes);
  }
}

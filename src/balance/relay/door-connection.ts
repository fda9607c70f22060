import type { Exchange, MessageConnection, MessageSink } from '../../transport/transport.ts';
import {
  ErrorCode,
  errorText,
  idOf,
  isObject,
  isRequestId,
  type JsonRpcRequest,
  kindOf,
  notificationText,
  ProtocolError,
  type RequestId,
} from '../../wire/wire.ts';
import type { FrontRequest } from './front-request.ts';
import type { ChangeKind } from './listeners.ts';

interface DoorConnectionParts {
  parse(text: string): unknown;
  request(exchange: Exchange, message: JsonRpcRequest): FrontRequest | undefined;
  closed(): void;
}

/** One connection of messages at a door: many requests at once, cancelled by id. */
export class DoorConnection implements MessageConnection {
  readonly #sink: MessageSink;
  readonly #parts: DoorConnectionParts;
  readonly #running = new Map<RequestId, FrontRequest>();
  #whenIdle: (() => void)[] = [];
  /** Whether a legacy client is told of changes; modern ones listen. */
  #isGreeted = false;
  #closed = false;

  constructor(sink: MessageSink, parts: DoorConnectionParts) {
    this.#sink = sink;
    this.#parts = parts;
  }

  receive(text: string): void {
    if (this.#closed) return;
    const message = this.#parts.parse(text);
    const kind = kindOf(message);
    if (message instanceof ProtocolError) this.#send(errorText(undefined, message.code, message.message));
    else if (kind === 'request') this.#request(message as JsonRpcRequest);
    else if (kind === 'notification') this.#notification(message as Record<string, unknown>);
    else if (kind === 'invalid')
      this.#send(errorText(idOf(message), ErrorCode.InvalidRequest, 'The message is not valid JSON-RPC'));
  }

  reject(reason: string): void {
    this.#send(errorText(undefined, ErrorCode.InvalidRequest, reason));
  }

  settled(): Promise<void> {
    return this.#isIdle() ? Promise.resolve() : new Promise((resolve) => this.#whenIdle.push(resolve));
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const front of [...this.#running.values()]) front.cancel();
    this.#parts.closed();
  }

  announce(kind: ChangeKind): void {
    if (this.#isGreeted) this.#send(notificationText(`notifications/${kind}/list_changed`));
  }

  #request(message: JsonRpcRequest): void {
    if (this.#running.has(message.id)) {
      this.#send(errorText(message.id, ErrorCode.InvalidRequest, 'A request with this id is still running'));
      return;
    }
    const front = this.#parts.request(this.#exchange(), message);
    if (front === undefined || front.settled) return;
    this.#running.set(front.id, front);
    front.whenSettled(() => {
      this.#running.delete(front.id);
      if (!this.#isIdle()) return;
      for (const resolve of this.#whenIdle.splice(0)) resolve();
    });
  }

  #notification({ method, params }: Record<string, unknown>): void {
    if (method === 'notifications/initialized') this.#isGreeted = true;
    if (method !== 'notifications/cancelled' || !isObject(params)) return;
    const id = params['requestId'];
    if (isRequestId(id)) this.#running.get(id)?.cancel();
  }

  #isIdle(): boolean {
    for (const { method } of this.#running.values()) if (method !== 'subscriptions/listen') return false;
    return true;
  }

  #exchange(): Exchange {
    const isClosed = (): boolean => this.#closed;
    return {
      head: undefined,
      get closed() {
        return isClosed();
      },
      onClose: undefined,
      canStream: true,
      notify: (text) => this.#send(text),
      respond: (_status, text) => this.#send(text),
    };
  }

  #send(text: string): void {
    if (!this.#closed) this.#sink.send(text);
  }
}

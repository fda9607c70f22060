import {
  type Acceptor,
  BatchCollector,
  type Exchange,
  type MessageConnection,
  type MessageSink,
} from '../../transport/transport.ts';
import {
  acceptsJson,
  checkBatch,
  checkEnvelope,
  checkLegacyVersion,
  checkModernNotification,
  checkModernRequest,
  checkVersion,
  claimOf,
  ErrorCode,
  errorText,
  type Failure,
  failure,
  type HeaderMapping,
  idOf,
  isModernInitialize,
  isModernVersion,
  type JsonBounds,
  type JsonRpcNotification,
  type JsonRpcRequest,
  kindOf,
  LEGACY_VERSIONS,
  LOG_LEVELS,
  type LogLevel,
  MODERN_VERSIONS,
  NEWEST_LEGACY_VERSION,
  ProtocolError,
  parseMessage,
  type RequestId,
} from '../../wire/wire.ts';
import { DoorConnection } from './door-connection.ts';
import { FrontRequest } from './front-request.ts';
import { type ChangeKind, Listeners } from './listeners.ts';
import type { Description } from './peer.ts';
import { TargetError } from './target-error.ts';

/** What stands behind the door. */
export interface FrontHandler extends HeaderMapping {
  /** What must be known before requests are checked; nothing when it is. Never rejects. */
  ready(): Promise<void> | undefined;
  /** @throws {TargetError} when that cannot be told now. */
  describe(): Description | Promise<Description>;
  /** Answers any request but those of handshakes and streams. */
  request(front: FrontRequest): void;
}

export interface DoorOptions {
  readonly handler: FrontHandler;
  readonly jsonBounds: JsonBounds;
  /** Open `subscriptions/listen` streams at once. */
  readonly maxSubscriptions: number;
}

/** An endpoint of both eras whose requests others answer: checks them, and serves what concerns the endpoint itself. */
export class FrontDoor implements Acceptor {
  readonly #handler: FrontHandler;
  readonly #bounds: JsonBounds;
  readonly #listeners: Listeners;
  readonly #connections = new Set<DoorConnection>();

  constructor({ handler, jsonBounds, maxSubscriptions }: DoorOptions) {
    this.#handler = handler;
    this.#bounds = jsonBounds;
    this.#listeners = new Listeners(maxSubscriptions);
  }

  /** Whether anyone would hear of a change. */
  get isHeard(): boolean {
    return this.#listeners.open > 0 || this.#connections.size > 0;
  }

  /** Tells those who listen that a list is another one now. */
  changed(kind: ChangeKind): void {
    this.#listeners.deliver(kind);
    for (const connection of this.#connections) connection.announce(kind);
  }

  /** Ends the streams with their result. */
  close(): void {
    this.#listeners.close();
  }

  post(exchange: Exchange, body: string): void {
    if (exchange.closed) return;
    const { accept } = exchange.head ?? {};
    if (accept !== undefined && !acceptsJson(accept)) {
      const problem = 'Accept must list application/json and text/event-stream';
      refuse(exchange, undefined, failure(406, ErrorCode.BadHttpRequest, problem));
      return;
    }
    const waits = this.#handler.ready();
    if (waits === undefined) this.#post(exchange, body);
    else void waits.then(() => this.#post(exchange, body));
  }

  /** No method but POST: there are no sessions here. */
  other(exchange: Exchange): void {
    const text = errorText(undefined, ErrorCode.BadHttpRequest, 'Method not allowed');
    exchange.respond(405, text, undefined, [['Allow', 'POST']]);
  }

  connect(sink: MessageSink): MessageConnection {
    const connection = new DoorConnection(sink, {
      parse: (text) => parseMessage(text, this.#bounds),
      request: (exchange, message) => this.request(exchange, message),
      closed: () => this.#connections.delete(connection),
    });
    this.#connections.add(connection);
    return connection;
  }

  /** Checks one request and has it answered; nothing is returned when it was refused. */
  request(exchange: Exchange, message: JsonRpcRequest): FrontRequest | undefined {
    const meta = claimOf(message);
    const isModern = meta !== undefined && (message.method !== 'initialize' || isModernInitialize(meta));
    const { head } = exchange;
    const problem = !isModern
      ? checkLegacyVersion(head?.protocolVersion, message.method)
      : head === undefined
        ? (checkEnvelope(meta) ?? checkVersion(meta))
        : checkModernRequest(head, message, meta, this.#handler);
    if (problem !== undefined) {
      refuse(exchange, message.id, problem);
      return undefined;
    }
    const front = new FrontRequest(exchange, isModern ? 'modern' : 'legacy', message);
    if (isModern) exchange.onClose = () => front.cancel(); // No cancellation in the legacy era.
    this.#serve(front).catch((error: unknown) => {
      if (error instanceof TargetError) front.unanswered(error.failure);
      else front.fail(toRpcError(error));
    });
    return front;
  }

  #post(exchange: Exchange, body: string): void {
    if (exchange.closed) return;
    const message = parseMessage(body, this.#bounds);
    if (message instanceof ProtocolError) {
      refuse(exchange, undefined, failure(400, message.code, message.message));
      return;
    }
    if (Array.isArray(message)) {
      this.#batch(exchange, message);
      return;
    }
    const kind = kindOf(message);
    if (kind === 'request') this.request(exchange, message as JsonRpcRequest);
    else if (kind === 'notification') this.#notification(exchange, message as JsonRpcNotification);
    else if (kind === 'response') exchange.respond(202, '');
    else {
      const text = 'The body is not a valid JSON-RPC message';
      refuse(exchange, idOf(message), failure(400, ErrorCode.InvalidRequest, text));
    }
  }

  #notification(exchange: Exchange, message: JsonRpcNotification): void {
    const { head } = exchange;
    const meta = claimOf(message);
    const version = head?.protocolVersion;
    const isModern = meta !== undefined || (version !== undefined && isModernVersion(version));
    const problem =
      isModern && head !== undefined
        ? checkModernNotification(head, message, meta)
        : checkLegacyVersion(version, message.method);
    if (problem === undefined) exchange.respond(202, '');
    else refuse(exchange, undefined, problem);
  }

  #batch(exchange: Exchange, messages: readonly unknown[]): void {
    const problem = checkBatch(messages, exchange.head?.protocolVersion);
    const requests = messages.filter((message) => kindOf(message) === 'request') as JsonRpcRequest[];
    if (problem !== undefined) {
      refuse(exchange, undefined, problem);
    } else if (requests.length === 0) {
      exchange.respond(202, '');
    } else {
      const collector = new BatchCollector(exchange, requests.length);
      for (const request of requests) this.request(collector.member(), request);
    }
  }

  async #serve(front: FrontRequest): Promise<void> {
    switch (`${front.era} ${front.method}`) {
      case 'modern server/discover': {
        const { writer, capabilities, instructions } = await this.#handler.describe();
        const result = { supportedVersions: MODERN_VERSIONS, capabilities, instructions };
        front.succeed(writer.cacheable(result, { ttlMs: 0, cacheScope: 'private' }));
        break;
      }
      case 'modern subscriptions/listen': {
        const description = await this.#handler.describe();
        if (!front.settled) this.#listeners.listen(front, description);
        break;
      }
      case 'legacy initialize': {
        const { serverInfo, capabilities, instructions } = await this.#handler.describe();
        const protocolVersion = agreedVersion(front.params['protocolVersion']);
        front.succeed(JSON.stringify({ protocolVersion, capabilities, serverInfo, instructions }));
        break;
      }
      case 'legacy logging/setLevel':
        if (!LOG_LEVELS.includes(front.params['level'] as LogLevel))
          throw new ProtocolError(ErrorCode.InvalidParams, `level must be one of ${LOG_LEVELS.join(', ')}`);
        front.succeed('{}');
        break;
      case 'legacy ping':
        front.succeed('{}');
        break;
      default:
        this.#handler.request(front);
    }
  }
}

/** The version to speak with a legacy client. @throws {ProtocolError} */
function agreedVersion(asked: unknown): string {
  if (typeof asked !== 'string') throw new ProtocolError(ErrorCode.InvalidParams, 'protocolVersion must be a string');
  return LEGACY_VERSIONS.includes(asked) ? asked : NEWEST_LEGACY_VERSION;
}

function toRpcError(error: unknown): ProtocolError {
  return error instanceof ProtocolError ? error : new ProtocolError(ErrorCode.InternalError, 'Internal error');
}

function refuse(exchange: Exchange, id: RequestId | undefined, { status, code, message, data }: Failure): void {
  exchange.respond(status, errorText(id, code, message, data));
}

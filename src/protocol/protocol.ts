/** The contract of `protocol/`: the two eras on one endpoint. */
import type { Authorization } from '../authorization/authorization.ts';
import { systemRandom } from '../kernel/random.ts';
import {
  type Acceptor,
  type Exchange,
  type MessageConnection,
  type MessageSink,
  NO_PAGES,
  type Pages,
  type ResolvedSseOptions,
  type TransportLimits,
} from '../transport/transport.ts';
import type { JsonBounds } from '../wire/wire.ts';
import { ConnectionEntry } from './connection.ts';
import { Gate, metadataPages } from './gate.ts';
import { type EntryParts, HttpEntry } from './http-entry.ts';
import { createRequests, createSessions, type SessionParts } from './session-parts.ts';
import { SseStreams } from './sse-streams.ts';
import { type ChangeBus, type SubscriptionLimits, Subscriptions } from './subscriptions.ts';

export { type ResolvedSessions, resolveSessions, type SessionMode, type SessionOptions } from '../session/session.ts';
export { createDetachedContext } from './detached.ts';
export {
  type CacheHints,
  jsonBoundsOf,
  type RequestStateOptions,
  resolveCacheHints,
  resolveLimits,
  resolveRequestState,
  type ServerLimits,
} from './options.ts';
export {
  type ChangeBus,
  type ChangeEvent,
  createChangePublisher,
  createLocalBus,
  type SubscriptionLimits,
} from './subscriptions.ts';

/** What the protocol is made of. */
export interface ProtocolParts extends SessionParts {
  readonly jsonBounds: JsonBounds;
  readonly subscriptionLimits: SubscriptionLimits;
  readonly transportLimits: TransportLimits;
  /** How the deprecated transport is served, where it is. */
  readonly sse: ResolvedSseOptions | undefined;
  /** Who may come in over HTTP. @default everyone */
  readonly authorization?: Authorization | undefined;
}

/** Takes requests from every transport, and speaks with each client in its own era. */
export class Protocol implements Acceptor {
  readonly #parts: EntryParts;
  readonly #bus: ChangeBus;
  readonly #http: HttpEntry;
  readonly #sse: SseStreams | undefined;
  readonly #gate: Gate | undefined;
  readonly #authorization: Authorization | undefined;

  constructor(parts: ProtocolParts) {
    const { dispatcher, signals, clock, jsonBounds, bus, authorization } = parts;
    const subscriptions = new Subscriptions(parts.subscriptionLimits, dispatcher, bus, { clock, random: systemRandom });
    this.#bus = bus;
    const neededScopes = dispatcher.neededScopes.bind(dispatcher);
    const gate = authorization && new Gate({ authorization, clock, signals, neededScopes });
    this.#authorization = authorization;
    this.#gate = gate;
    const requests = createRequests(parts);
    const { sessions, asked } = createSessions(parts, requests);
    this.#parts = { dispatcher, signals, clock, jsonBounds, subscriptions, requests, sessions, asked, gate };
    this.#http = new HttpEntry(this.#parts);
    const { sse: options, transportLimits: limits } = parts;
    this.#sse = options && new SseStreams({ ...parts, options, acceptor: this, limits, gate });
  }

  /** Open `subscriptions/listen` streams. */
  get openSubscriptions(): number {
    return this.#parts.subscriptions.open;
  }

  post(exchange: Exchange, body: string): void {
    if (this.#gate === undefined || this.#gate.knows(exchange)) this.#post(exchange, body);
    else this.#gate.admit(exchange, () => this.#post(exchange, body));
  }

  #post(exchange: Exchange, body: string): void {
    const { turns } = this.#parts.dispatcher;
    if (turns.active) turns.add(() => this.#http.post(exchange, body));
    else this.#http.post(exchange, body);
  }

  other(exchange: Exchange, method: string): void {
    if (this.#gate === undefined) this.#http.other(exchange, method);
    else this.#gate.guard(exchange, () => this.#http.other(exchange, method));
  }

  /** What an HTTP endpoint serves besides its own path, which is this one. */
  pages(path: string): Pages {
    const metadata = this.#authorization === undefined ? NO_PAGES : metadataPages(this.#authorization, path);
    return new Map([...metadata, ...(this.#sse?.pages ?? NO_PAGES)]);
  }

  /** The server listens, and clients reach it here unless the configuration says otherwise. */
  servedAt(url: string): void {
    this.#authorization?.servedAt(url);
  }

  connect(sink: MessageSink): MessageConnection {
    return new ConnectionEntry(sink, this.#parts, this.#bus);
  }

  /** Lets tasks finish until the deadline; those that have not by then fail. */
  finishTasks(deadline: Promise<void>): Promise<void> {
    return this.#parts.dispatcher.tasks.close(deadline);
  }

  /** Ends what would never end by itself: streams get their graceful result. */
  close(): void {
    this.#parts.subscriptions.close();
    this.#sse?.close();
    this.#parts.sessions?.close();
    this.#parts.dispatcher.close();
  }
}

/** The contract of `protocol/`: the two eras on one endpoint. */
import type { Dispatcher } from '../dispatch/dispatch.ts';
import type { Clock } from '../kernel/clock.ts';
import { systemRandom } from '../kernel/random.ts';
import type { ClientRequests, ResolvedSessions } from '../session/session.ts';
import type { EngineSignals } from '../signal/signal.ts';
import type { MessageBus, StateStore } from '../state/state.ts';
import type { Acceptor, Exchange, MessageConnection, MessageSink } from '../transport/transport.ts';
import type { JsonBounds } from '../wire/wire.ts';
import { ConnectionEntry } from './connection.ts';
import { type EntryParts, HttpEntry } from './http-entry.ts';
import { createRequests, createSessions } from './session-parts.ts';
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
export interface ProtocolParts {
  readonly dispatcher: Dispatcher;
  readonly signals: EngineSignals;
  readonly clock: Clock;
  readonly bus: ChangeBus;
  readonly jsonBounds: JsonBounds;
  readonly subscriptionLimits: SubscriptionLimits;
  readonly sessions: ResolvedSessions;
  readonly store: StateStore;
  readonly messages: MessageBus;
}

/** Takes requests from every transport, and speaks with each client in its own era. */
export class Protocol implements Acceptor {
  readonly #parts: EntryParts;
  readonly #bus: ChangeBus;
  readonly #http: HttpEntry;
  readonly #requests: ClientRequests;

  constructor(parts: ProtocolParts) {
    const { dispatcher, signals, clock, jsonBounds, bus } = parts;
    const subscriptions = new Subscriptions(parts.subscriptionLimits, dispatcher, bus, { clock, random: systemRandom });
    this.#bus = bus;
    this.#requests = createRequests(parts);
    const { sessions, asked } = createSessions(parts, this.#requests);
    const requests = this.#requests;
    this.#parts = { dispatcher, signals, clock, jsonBounds, subscriptions, requests, sessions, asked };
    this.#http = new HttpEntry(this.#parts);
  }

  /** Open `subscriptions/listen` streams. */
  get openSubscriptions(): number {
    return this.#parts.subscriptions.open;
  }

  post(exchange: Exchange, body: string): void {
    const { turns } = this.#parts.dispatcher;
    if (turns.active) turns.add(() => this.#http.post(exchange, body));
    else this.#http.post(exchange, body);
  }

  other(exchange: Exchange, method: string): void {
    this.#http.other(exchange, method);
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
    this.#parts.sessions?.close();
    this.#parts.dispatcher.close();
  }
}

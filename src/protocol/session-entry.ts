import { type Dispatcher, Refusal } from '../dispatch/dispatch.ts';
import type { Clock } from '../kernel/clock.ts';
import {
  type LiveSession,
  placeOf,
  type ResolvedSessions,
  type SessionDirectory,
  SessionGoneError,
  SessionsFullError,
} from '../session/session.ts';
import { type Awaitable, StateStoreError } from '../state/state.ts';
import type { Exchange, ExtraHeaders } from '../transport/transport.ts';
import {
  checkLegacyVersion,
  ErrorCode,
  errorText,
  type JsonRpcRequest,
  type LogLevel,
  notificationText,
  ProtocolError,
  type RequestId,
} from '../wire/wire.ts';
import { principalOf } from './gate.ts';
import { type ClientMemory, type Greeting, MAX_WATCHED, tooManyWatched } from './legacy.ts';
import type { RequestContext } from './request-context.ts';
import { type ChangeBus, type ChangeEvent, changeNotification } from './subscriptions.ts';
import { TokenBoundSink } from './token-bound.ts';

export interface SessionEntryParts {
  readonly directory: SessionDirectory;
  readonly options: ResolvedSessions;
  readonly dispatcher: Dispatcher;
  readonly bus: ChangeBus;
  readonly clock: Clock;
  fault(error: unknown): void;
}

/** A session that a request has nothing to do with, or should have and has not. */
export type Known = LiveSession | undefined | 'unsure';

const NO_SESSION = 'Bad Request: Mcp-Session-Id header is required';
const NOT_FOUND = 'Session not found';
/** When a client may come again that found no room, or no store. */
const RETRY_MS = 1_000;
const ALLOW: ExtraHeaders = [['Allow', 'GET, POST, DELETE']];

/** Sessions over HTTP: finds those of requests, begins and ends them, and opens their GET streams. */
export class SessionEntry {
  readonly #parts: SessionEntryParts;
  readonly #isRequired: boolean;
  readonly #unsubscribe: () => void;

  constructor(parts: SessionEntryParts) {
    this.#parts = parts;
    this.#isRequired = parts.options.mode === true;
    this.#unsubscribe = parts.bus.subscribe((event) => this.#announce(event));
  }

  /** What is known of a request's session without asking. HOT: each legacy request. */
  peek({ head }: Exchange, principal: string | undefined): Known {
    const id = head?.sessionId;
    if (id === undefined) return this.#isRequired ? 'unsure' : undefined;
    return this.#parts.directory.peek(id, principal) ?? 'unsure';
  }

  /** Goes on with the session of a message, or without one where none is needed; otherwise refuses it. */
  enter(
    exchange: Exchange,
    message: { readonly id?: RequestId },
    go: (session: LiveSession | undefined) => void,
  ): void {
    const principal = principalOf(exchange);
    const known = this.peek(exchange, principal);
    if (known !== 'unsure') {
      go(known);
      return;
    }
    const id = exchange.head?.sessionId;
    if (id === undefined) {
      refuse(exchange, message.id, [400, ErrorCode.BadHttpRequest, NO_SESSION]);
      return;
    }
    const goOn = (session: LiveSession | undefined): void => {
      if (session === undefined) refuse(exchange, message.id, [404, SESSION_NOT_FOUND, NOT_FOUND]);
      else go(session);
    };
    this.#attempt(exchange, message.id, () => {
      const found = this.#parts.directory.find(id, principal);
      return found instanceof Promise ? found.then(goOn) : goOn(found);
    });
  }

  /** Begins a session by a handshake, where there is to be one. */
  initialize(
    exchange: Exchange,
    message: JsonRpcRequest,
    run: (exchange: Exchange, memory?: ClientMemory) => void,
  ): void {
    if (exchange.head?.sessionId !== undefined) {
      this.enter(exchange, message, () =>
        refuse(exchange, message.id, [400, ErrorCode.InvalidRequest, 'The session is initialized already']),
      );
      return;
    }
    const begin = (isWanted: boolean): void => {
      if (!isWanted) return run(exchange);
      const opening = new SessionOpening(this.#parts, principalOf(exchange));
      run(opening.around(exchange), opening);
    };
    const isWanted = this.#isWanted();
    if (isWanted instanceof Promise) void isWanted.then(begin);
    else begin(isWanted);
  }

  /** A request that goes on can be cancelled by its client. */
  started(session: LiveSession, call: RequestContext): void {
    if (!call.settled) call.whenSettled(session.started(call.id, call));
  }

  /** Its client wants no answer to a request any more. */
  cancel(session: LiveSession, id: RequestId): void {
    this.#parts.directory.cancel(session, id);
  }

  /** GET and DELETE. */
  other(exchange: Exchange, method: string): void {
    const { head } = exchange;
    if ((method !== 'GET' && method !== 'DELETE') || (head?.sessionId === undefined && !this.#isRequired)) {
      exchange.respond(405, errorText(undefined, ErrorCode.BadHttpRequest, 'Method not allowed'), undefined, ALLOW);
      return;
    }
    const problem = checkLegacyVersion(head?.protocolVersion, '');
    if (problem !== undefined) return refuse(exchange, undefined, [problem.status, problem.code, problem.message]);
    if (method === 'GET' && !takesEvents(head?.accept)) {
      refuse(exchange, undefined, [406, ErrorCode.BadHttpRequest, 'Accept must list text/event-stream']);
      return;
    }
    this.enter(exchange, {}, (session) => {
      if (session === undefined) return;
      this.#attempt(exchange, undefined, () =>
        method === 'GET' ? this.#get(exchange, session) : this.#end(exchange, session),
      );
    });
  }

  /** What a session remembers, for the methods that have it remember something. */
  memoryOf(session: LiveSession): ClientMemory {
    const { fault } = this.#parts;
    return {
      greet: () => true,
      setLevel: (level: LogLevel) => kept(session.setLevel(level), fault),
      watch: (uri) => {
        if (session.record.watched.length >= MAX_WATCHED) throw tooManyWatched();
        return kept(session.watch(uri), fault);
      },
      unwatch: (uri) => kept(session.unwatch(uri), fault),
    };
  }

  /** Lets answers be written to their end, also those that no client waits for just now. */
  finish(deadline: Promise<void>): Promise<void> {
    return this.#parts.directory.finish(deadline);
  }

  close(): void {
    this.#unsubscribe();
    this.#parts.directory.close();
  }

  /** A store that cannot be asked knows of no need: most servers have none. */
  #isWanted(): Awaitable<boolean> {
    const { options, directory, dispatcher, fault } = this.#parts;
    if (options.mode === true || dispatcher.asks) return true;
    const failed = (error: unknown): boolean => {
      fault(error);
      return false;
    };
    try {
      const isNeeded = directory.isNeeded();
      return isNeeded instanceof Promise ? isNeeded.catch(failed) : isNeeded;
    } catch (error) {
      return failed(error);
    }
  }

  async #get(exchange: Exchange, session: LiveSession): Promise<void> {
    const { directory, clock } = this.#parts;
    const { streams } = directory;
    const sink = new TokenBoundSink(exchange, clock);
    const last = exchange.head?.lastEventId;
    if (last === undefined) {
      if (await streams.listen(session, sink)) return;
      refuse(exchange, undefined, [409, ErrorCode.BadHttpRequest, 'The session has a GET stream already']);
      return;
    }
    const place = placeOf(last);
    if (place !== undefined && (await streams.resume(session, sink, place))) return;
    refuse(exchange, undefined, [
      400,
      ErrorCode.BadHttpRequest,
      'Last-Event-ID names no event that can be resumed after',
    ]);
  }

  async #end(exchange: Exchange, session: LiveSession): Promise<void> {
    if (await this.#parts.directory.end(session)) exchange.respond(200, '');
    else refuse(exchange, undefined, [404, SESSION_NOT_FOUND, NOT_FOUND]);
  }

  /** Does what may have to wait for the store, and refuses where that cannot be reached. */
  #attempt(exchange: Exchange, id: RequestId | undefined, work: () => Awaitable<void>): void {
    const failed = (error: unknown): void => {
      this.#parts.fault(error);
      const headers: ExtraHeaders = [['Retry-After', String(RETRY_MS / 1_000)]];
      const text = errorText(id, ErrorCode.Overloaded, STORE_AWAY, { retryAfterMs: RETRY_MS });
      exchange.respond(503, text, undefined, headers);
    };
    try {
      const done = work();
      if (done instanceof Promise) done.catch(failed);
    } catch (error) {
      failed(error);
    }
  }

  #announce(event: ChangeEvent): void {
    const { directory } = this.#parts;
    if (event.kind === 'resource') directory.need();
    const [method, params] = changeNotification(event);
    directory.streams.announce(
      notificationText(method, params),
      (session) => event.kind !== 'resource' || session.watches(event.uri),
    );
  }
}

const SESSION_NOT_FOUND = -32001;
const STORE_AWAY = 'Sessions cannot be reached just now';

/** A session that begins when the handshake is known to be one. */
class SessionOpening implements ClientMemory {
  readonly #parts: SessionEntryParts;
  readonly #principal: string | undefined;
  #session: LiveSession | undefined;

  constructor(parts: SessionEntryParts, principal: string | undefined) {
    this.#parts = parts;
    this.#principal = principal;
  }

  async greet(greeting: Greeting): Promise<boolean> {
    const record = { ...greeting, principal: this.#principal, logLevel: undefined, watched: [] };
    const { directory, fault } = this.#parts;
    this.#session = await kept(directory.create(record), fault);
    return true;
  }

  setLevel(): void {}
  watch(): void {}
  unwatch(): void {}

  /** An exchange whose answer names the session. */
  around(exchange: Exchange): Exchange {
    return {
      head: exchange.head,
      get closed() {
        return exchange.closed;
      },
      onClose: undefined,
      canStream: false,
      notify: () => {},
      respond: (status, text, bytes, headers = []) => {
        const id = this.#session?.id;
        exchange.respond(status, text, bytes, id === undefined ? headers : [...headers, ['Mcp-Session-Id', id]]);
      },
    };
  }
}

/** Says as a matter of the protocol why something was not remembered. */
async function kept<T>(work: Promise<T>, fault: (error: unknown) => void): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof SessionsFullError) throw new Refusal('Too many sessions are open', RETRY_MS);
    if (error instanceof StateStoreError) {
      fault(error);
      throw new Refusal(STORE_AWAY, RETRY_MS);
    }
    if (error instanceof SessionGoneError) throw new ProtocolError(SESSION_NOT_FOUND, NOT_FOUND);
    if (error instanceof RangeError) throw new ProtocolError(ErrorCode.InvalidParams, error.message);
    throw error;
  }
}

function takesEvents(accept: string | undefined): boolean {
  return (
    accept === undefined || accept.includes('text/event-stream') || accept.includes('*/*') || accept.includes('text/*')
  );
}

function refuse(
  exchange: Exchange,
  id: RequestId | undefined,
  [status, code, message]: readonly [status: number, code: number, message: string],
): void {
  exchange.respond(status, errorText(id, code, message));
}

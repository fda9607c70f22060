import type { Acceptor, Exchange, MessageConnection, Page } from '../../transport/transport.ts';
import { ErrorCode, isObject, NAME_SOURCE, RESOURCE_METADATA_PATH } from '../../wire/wire.ts';
import { ClientCall, refuse, SESSION_NOT_FOUND } from './client-call.ts';
import { type ClientHead, clientHeadOf } from './client-head.ts';
import type { Route, Routes } from './route.ts';
import type { SessionIds } from './session-ids.ts';
import type { TargetCall } from './target.ts';

const UNKNOWN_SESSION = { status: 404, code: SESSION_NOT_FOUND, message: 'Session not found' };
const ALLOWED = new Set(['GET', 'DELETE']);

/** The path of an endpoint that answers by itself, for several servers. */
export interface MergedRoute {
  readonly path: string;
  readonly acceptor: Acceptor;
}

/** Takes what clients ask for and hands it to the server behind the path. */
export class GatewayAcceptor implements Acceptor {
  readonly #sessions: SessionIds;
  #routes: Routes = new Map();
  #merged: MergedRoute | undefined;

  constructor(sessions: SessionIds) {
    this.#sessions = sessions;
  }

  /** From now on requests go by these routes; those on their way are not disturbed. */
  route(routes: Routes, merged?: MergedRoute): void {
    this.#routes = routes;
    this.#merged = merged;
  }

  /** HOT: every call; guarded by `npm run bench -- scale`. */
  post(exchange: Exchange, body: string): void {
    if (exchange.closed) return;
    if (this.#merged !== undefined && this.#merged.path === exchange.head?.path) {
      this.#merged.acceptor.post(exchange, body);
      return;
    }
    const head = clientHeadOf(exchange, this.#routes, this.#sessions);
    const route = this.#admit(exchange, head, body);
    if (route === undefined) return;
    const slot = head.sharedKey === undefined ? undefined : route.cache?.slot(head.sharedKey, body);
    const kept = slot === undefined ? undefined : route.cache?.get(slot);
    if (kept !== undefined) {
      exchange.respond(200, kept);
      return;
    }
    const { headerLines, session } = head;
    // Only servers of the modern era compare header and body; others do what the body says, and the header may lie.
    const { rpcMethod, rpcName } = head.isModern && head.rpcMethod !== undefined ? head : askedFor(body);
    const request: TargetCall = {
      method: 'POST',
      headerLines,
      body,
      rpcMethod,
      rpcName,
      session: session === 'unknown' ? undefined : session,
    };
    new ClientCall(exchange, route, { request, body, sessions: this.#sessions, slot }).start();
  }

  other(exchange: Exchange, method: string): void {
    if (exchange.closed) return;
    if (this.#merged !== undefined && this.#merged.path === exchange.head?.path) {
      this.#merged.acceptor.other(exchange, method);
      return;
    }
    const head = clientHeadOf(exchange, this.#routes, this.#sessions);
    if (!ALLOWED.has(method)) {
      exchange.respond(405, '', undefined, [['Allow', 'POST, GET, DELETE']]);
      return;
    }
    const route = this.#admit(exchange, head, '');
    if (route === undefined) return;
    const request: TargetCall = {
      method: method as 'GET' | 'DELETE',
      headerLines: head.headerLines,
      body: undefined,
      rpcMethod: undefined,
      rpcName: undefined,
      session: head.session === 'unknown' ? undefined : head.session,
    };
    new ClientCall(exchange, route, { request, body: '', sessions: this.#sessions, slot: undefined }).start();
  }

  /** Passes on what a server says of who may use it: clients look for that where they reach the server (RFC 9728). */
  metadataPage(route: Route): Page {
    return {
      methods: ['GET'],
      isPublic: true,
      serve: (exchange) => {
        const { headerLines } = clientHeadOf(exchange, this.#routes, this.#sessions);
        const nothing = { body: undefined, rpcMethod: undefined, rpcName: undefined, session: undefined };
        const request: TargetCall = { method: 'GET', pathPrefix: RESOURCE_METADATA_PATH, headerLines, ...nothing };
        new ClientCall(exchange, route, { request, body: '', sessions: this.#sessions, slot: undefined }).start();
      },
    };
  }

  connect(): MessageConnection {
    throw new TypeError('a gateway is reached over HTTP only');
  }

  /** The route of a request that can be taken; any other is answered here. */
  #admit(exchange: Exchange, { route, session }: ClientHead, body: string): Route | undefined {
    if (route === undefined) {
      refuse(exchange, body, { status: 404, code: ErrorCode.BadHttpRequest, message: 'Not found' });
    } else if (session === 'unknown') {
      refuse(exchange, body, UNKNOWN_SESSION);
    } else if (route.inFlight >= route.options.maxInFlight) {
      route.refused++;
      const message = 'The gateway has as many calls for this server as it may have; this one was not made';
      refuse(exchange, body, { status: 503, code: ErrorCode.Overloaded, message, retryAfterSeconds: 1 });
    } else return route;
    return undefined;
  }
}

/** What a message asks for whose header does not tell. */
function askedFor(body: string): { rpcMethod: string | undefined; rpcName: string | undefined } {
  let message: unknown;
  try {
    message = JSON.parse(body);
  } catch {
    message = undefined;
  }
  if (!isObject(message) || typeof message['method'] !== 'string') return { rpcMethod: undefined, rpcName: undefined };
  const rpcMethod = message['method'];
  const source = NAME_SOURCE.get(rpcMethod);
  const name = source !== undefined && isObject(message['params']) ? message['params'][source] : undefined;
  return { rpcMethod, rpcName: typeof name === 'string' ? name : undefined };
}

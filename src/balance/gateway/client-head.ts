import type { Exchange, RequestHead } from '../../transport/transport.ts';
import { decodeHeaderValue, isModernVersion } from '../../wire/wire.ts';
import { toBackendLines } from './header-lines.ts';
import { isCacheable } from './response-cache.ts';
import type { Route, Routes } from './route.ts';
import type { OwnedSession, SessionIds } from './session-ids.ts';

/**
 * What the gateway makes of a header block. Clients repeat theirs, so a connection remembers it with the block.
 *
 * HOT: nearly every call finds it ready; guarded by `npm run bench -- scale`.
 */
export interface ClientHead {
  /** The routes that it was made under: after a reload it is made anew. */
  readonly routes: Routes;
  readonly route: Route | undefined;
  readonly isModern: boolean;
  readonly headerLines: string;
  readonly rpcMethod: string | undefined;
  readonly rpcName: string | undefined;
  /** The header lines that an answer may depend on, where answers to such requests may be shared. */
  readonly sharedKey: string | undefined;
  /** `unknown`: the request names a session that is none of ours. */
  readonly session: OwnedSession | 'unknown' | undefined;
}

export function clientHeadOf(exchange: Exchange, routes: Routes, sessions: SessionIds): ClientHead {
  const head = exchange.head as RequestHead;
  const known = head.memo as ClientHead | undefined;
  if (known?.routes === routes) return known;
  const made = read(head, exchange.remoteAddress, routes, sessions);
  head.memo = made;
  return made;
}

function read(head: RequestHead, client: string | undefined, routes: Routes, sessions: SessionIds): ClientHead {
  const route = routes.get(head.path ?? '');
  const { lines, varying } = toBackendLines(head, client, route?.options.forwardAuthorization ?? false);
  const { mcpMethod, mcpName, sessionId, authorization, protocolVersion } = head;
  const isModern = protocolVersion !== undefined && isModernVersion(protocolVersion);
  const mayShare = isModern && authorization === undefined && isCacheable(mcpMethod);
  return {
    routes,
    route,
    isModern,
    headerLines: lines,
    rpcMethod: mcpMethod,
    rpcName: mcpName === undefined ? undefined : decodeHeaderValue(mcpName),
    sharedKey: mayShare && route?.cache !== undefined ? varying : undefined,
    session:
      sessionId === undefined || isModern || route === undefined
        ? undefined
        : (sessions.open(route.name, sessionId) ?? 'unknown'),
  };
}

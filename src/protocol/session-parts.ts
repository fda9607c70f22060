import { ClientRequests, SessionDirectory } from '../session/session.ts';
import type { ProtocolParts } from './protocol.ts';
import { SessionEntry } from './session-entry.ts';

/** The requests that legacy clients have to answer, with sessions or without. */
export function createRequests({ clock, messages, sessions }: ProtocolParts): ClientRequests {
  return new ClientRequests({
    ...{ clock, messages },
    timeoutMs: sessions.requestTimeoutSeconds * 1_000,
    maxPerClient: sessions.maxRequestsPerClient,
    maxInAll: sessions.maxRequests,
  });
}

/** Sessions over HTTP, and what is to be told when a handler asks its client; nothing where there are to be none. */
export function createSessions(
  { sessions: options, store, messages, clock, dispatcher, bus, signals }: ProtocolParts,
  requests: ClientRequests,
): { readonly sessions: SessionEntry | undefined; readonly asked: (() => void) | undefined } {
  if (options.mode === false) return { sessions: undefined, asked: undefined };
  const fault = (error: unknown): void => void signals.fault.emit({ where: 'sessions', error });
  const directory = new SessionDirectory({ store, messages, clock, options, requests, fault });
  return {
    sessions: new SessionEntry({ directory, options, dispatcher, bus, fault }),
    asked: () => directory.need(),
  };
}

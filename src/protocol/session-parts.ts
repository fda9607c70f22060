import type { Dispatcher } from '../dispatch/dispatch.ts';
import type { Clock } from '../kernel/clock.ts';
import { ClientRequests, type ResolvedSessions, SessionDirectory } from '../session/session.ts';
import type { EngineSignals } from '../signal/signal.ts';
import type { MessageBus, StateStore } from '../state/state.ts';
import { SessionEntry } from './session-entry.ts';
import type { ChangeBus } from './subscriptions.ts';

/** What sessions, and requests to clients, are made of. */
export interface SessionParts {
  readonly dispatcher: Dispatcher;
  readonly signals: EngineSignals;
  readonly clock: Clock;
  readonly bus: ChangeBus;
  readonly sessions: ResolvedSessions;
  readonly store: StateStore;
  readonly messages: MessageBus;
}

/** The requests that legacy clients have to answer, with sessions or without. */
export function createRequests({ clock, messages, sessions }: SessionParts): ClientRequests {
  return new ClientRequests({
    ...{ clock, messages },
    timeoutMs: sessions.requestTimeoutSeconds * 1_000,
    maxPerClient: sessions.maxRequestsPerClient,
    maxInAll: sessions.maxRequests,
  });
}

/** Sessions over HTTP, and what is to be told when a handler asks its client; nothing where there are to be none. */
export function createSessions(
  { sessions: options, store, messages, clock, dispatcher, bus, signals }: SessionParts,
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

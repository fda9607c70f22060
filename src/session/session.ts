/** The contract of `session/`: what a server remembers of clients of earlier revisions, and what it asks of them. */
export {
  type Answerer,
  type ClientLink,
  type ClientRequest,
  type ClientRequestOptions,
  ClientRequests,
} from './client-requests.ts';
export { type ClientRequestCode, ClientRequestError, SessionGoneError, SessionsFullError } from './errors.ts';
export { placeOf } from './event-log.ts';
export type { EventSink, EventStream } from './event-stream.ts';
export { LiveSession } from './live-session.ts';
export { type ResolvedSessions, resolveSessions, type SessionMode, type SessionOptions } from './options.ts';
export { SessionDirectory } from './session-directory.ts';
export type { SessionRecord } from './session-record.ts';

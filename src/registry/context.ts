import type { ClientCapabilities, Envelope, Implementation, LogLevel, RequestId } from '../wire/wire.ts';

/** A notification that a handler sends while it works. */
export interface OutgoingNotification {
  readonly method: string;
  readonly params?: Record<string, unknown> | undefined;
}

/** The request that a handler serves, and what can be said about it to the client. */
export interface McpRequest {
  readonly id: RequestId;
  readonly method: string;
  /** The request's `_meta` without the reserved envelope members. */
  readonly _meta: { readonly progressToken?: string | number; readonly [key: string]: unknown } | undefined;
  /** The envelope of a modern request: protocol version, client information and capabilities, log level. */
  readonly envelope: Partial<Envelope> | undefined;
  /** What the client answered to the input requests of the round before. Untrusted. */
  readonly inputResponses: Record<string, unknown> | undefined;
  /** The state that the round before gave to `inputRequired`, opened and verified; nothing in a first round. */
  requestState<T = string>(): T | undefined;
  /** Aborted when the client cancels; over HTTP in the modern era that is its disconnect. */
  readonly signal: AbortSignal;
  /** Sends a notification about this request. Progress without a token, or that does not increase, is not sent. */
  notify(notification: OutgoingNotification): Promise<void>;
  /** Sends a log message, if the client asked for this level. */
  log(level: LogLevel, data: unknown, logger?: string): Promise<void>;
  /** Needs a legacy session, which this version does not have: return `inputRequired(...)` instead. */
  elicitInput(params: Record<string, unknown>): Promise<never>;
  /** Needs a legacy session, which this version does not have: return `inputRequired(...)` instead. */
  requestSampling(params: Record<string, unknown>): Promise<never>;
  /** Needs a legacy session, which this version does not have: return `inputRequired(...)` instead. */
  send(request: { readonly method: string; readonly params?: Record<string, unknown> }): Promise<never>;
}

/** A call that is a task, or may become one: its client asks for it by the id. */
export interface TaskHandle {
  readonly id: string;
  /** Says how far it is, in words that clients may show. `progress` of the context does so in numbers. */
  update(statusMessage: string): void;
}

/** What a handler knows about its call. Built lazily: a handler that does not look costs nothing. */
export interface ServerContext {
  readonly mcpReq: McpRequest;
  /** The connection's session; nothing while sessions are not served. */
  readonly sessionId: string | undefined;
  /** The HTTP request's header; nothing on other transports. */
  readonly http: { readonly req: { readonly headers: Headers } } | undefined;
  /** The name and version that the client gave. Untrusted. */
  readonly clientInfo: Implementation | undefined;
  readonly clientCapabilities: ClientCapabilities;
  /** The task that this call is, or becomes if it takes long; nothing for any other call. */
  readonly task: TaskHandle | undefined;
  /** Reports progress, if the client asked for it: how far, out of what, and a line for people. */
  progress(progress: number, total?: number, message?: string): void;

  /** The same as `mcpReq.signal`, under its name in the SDK's first version. */
  readonly signal: AbortSignal;
  /** The same as `mcpReq.id`, under its name in the SDK's first version. */
  readonly requestId: RequestId;
  /** The same as `mcpReq._meta`, under its place in the SDK's first version. */
  readonly _meta: McpRequest['_meta'];
  /** The same as `mcpReq.notify`, under its name in the SDK's first version. */
  sendNotification(notification: OutgoingNotification): Promise<void>;
}

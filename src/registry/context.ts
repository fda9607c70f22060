import type { StandardSchemaV1 } from '@standard-schema/spec';
import type {
  AuthInfo,
  ClientCapabilities,
  Envelope,
  Implementation,
  LogLevel,
  RequestId,
  Role,
} from '../wire/wire.ts';

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
  /** Asks the user of a legacy client. In the modern era return `inputRequired(...)`, which works with both. As {@link send} does. */
  elicitInput(params: Record<string, unknown>, options?: SendOptions): Promise<ElicitResult>;
  /** Asks the model of a legacy client. In the modern era return `inputRequired(...)`, which works with both. As {@link send} does. */
  requestSampling(params: Record<string, unknown>, options?: SendOptions): Promise<CreateMessageResult>;
  /**
   * Sends a request of the server's own to a legacy client, and waits for what it answers. Untrusted, unless a schema is given.
   *
   * @throws {PeregrineError} `SESSION_REQUIRED` in the modern era, which has no such requests; `CLIENT_LACKS_CAPABILITY`,
   * `CLIENT_UNREACHABLE`, `CLIENT_BUSY`, `CLIENT_TIMEOUT`, `CLIENT_LEFT`, `CLIENT_REFUSED`, `CLIENT_ANSWER_INVALID`.
   */
  send(request: OutgoingRequest, options?: SendOptions): Promise<Record<string, unknown>>;
  send<S extends ResultSchema>(
    request: OutgoingRequest,
    resultSchema: S,
    options?: SendOptions,
  ): Promise<StandardSchemaV1.InferOutput<S>>;
}

/** A schema of any library that follows Standard Schema. */
export type ResultSchema = StandardSchemaV1;

/** A request of the server's own. */
export interface OutgoingRequest {
  readonly method: string;
  readonly params?: Record<string, unknown> | undefined;
}

/** How long to wait for a client, and what ends the wait. */
export interface SendOptions {
  /** How long the client may take, in milliseconds. @default the option `sessions.requestTimeoutSeconds` */
  readonly timeout?: number | undefined;
  /** Whether the time begins anew when the client reports progress. @default false */
  readonly resetTimeoutOnProgress?: boolean | undefined;
  /** How long it may take in all, progress or not, in milliseconds. */
  readonly maxTotalTimeout?: number | undefined;
  readonly onprogress?: ((progress: Record<string, unknown>) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What a user did with a form or a page. */
export interface ElicitResult {
  readonly action: 'accept' | 'decline' | 'cancel';
  readonly content?: Record<string, unknown>;
  readonly [key: string]: unknown;
}

/** What a client's model said. */
export interface CreateMessageResult {
  readonly role: Role;
  readonly content: unknown;
  readonly model: string;
  readonly stopReason?: string;
  readonly [key: string]: unknown;
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
  /** The legacy client's session over HTTP, where it has one. */
  readonly sessionId: string | undefined;
  /** Who asks, where the server has authorization and is reached over HTTP. */
  readonly auth: AuthInfo | undefined;
  /** The HTTP request's header, and who asks; nothing on other transports. */
  readonly http: HttpContext | undefined;
  /** The name and version that the client gave. Untrusted. */
  readonly clientInfo: Implementation | undefined;
  readonly clientCapabilities: ClientCapabilities;
  /** The task that this call is, or becomes if it takes long; nothing for any other call. */
  readonly task: TaskHandle | undefined;
  /** Reports progress, if the client asked for it: how far, out of what, and a line for people. */
  progress(progress: number, total?: number, message?: string): void;

  /** The same as `auth`, under its name in the SDK's first version. The token is not in it. */
  readonly authInfo: AuthInfo | undefined;
  /** The same as `mcpReq.signal`, under its name in the SDK's first version. */
  readonly signal: AbortSignal;
  /** The same as `mcpReq.id`, under its name in the SDK's first version. */
  readonly requestId: RequestId;
  /** The same as `mcpReq._meta`, under its place in the SDK's first version. */
  readonly _meta: McpRequest['_meta'];
  /** The same as `mcpReq.notify`, under its name in the SDK's first version. */
  sendNotification(notification: OutgoingNotification): Promise<void>;
  /** The same as `mcpReq.send`, under its name in the SDK's first version. */
  sendRequest: McpRequest['send'];
}

/** What a handler knows of the HTTP request. */
export interface HttpContext {
  readonly req: { readonly headers: Headers };
  /** The same as `auth` of the context, under its place in the SDK's second version. */
  readonly authInfo?: AuthInfo | undefined;
  /**
   * Ends the event stream of the answer, but not the call: in a session the client comes back for the rest. Only there.
   *
   * @see MCP 2025-11-25, basic/transports
   */
  readonly closeSSE?: (() => void) | undefined;
}

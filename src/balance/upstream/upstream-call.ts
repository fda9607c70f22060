/** A request to a backend. What it holds is sent as it is. */
export interface UpstreamRequest {
  readonly method: 'POST' | 'GET' | 'DELETE';
  /** Path and query. */
  readonly path: string;
  /** Complete header lines, each with its CRLF; without Host, Connection, Content-Length and Transfer-Encoding. */
  readonly headerLines: string;
  /** Text is sent as UTF-8. A short one that is at hand as text costs least so. @default no body */
  readonly body?: Uint8Array | string | undefined;
}

/** The header fields of an answer; names in lower case, repeated ones joined by `, `. */
export interface UpstreamHeaders {
  /** What the receiver remembers of answers under this header block, the length apart: repeated blocks may share it. */
  memo?: unknown;
  get(name: string): string | undefined;
  /** As `get` has them, but each `set-cookie` by itself. */
  entries(): Iterable<readonly [name: string, value: string]>;
}

/** Gets an answer as it comes: `head` once, `data` in pieces, and one of `ended` and `failed` as the last. */
export interface UpstreamSink {
  head(status: number, headers: UpstreamHeaders): void;
  /** A piece of the body, transfer coding removed; not valid after the call returns. */
  data(chunk: Buffer): void;
  ended(): void;
  failed(error: UpstreamError): void;
}

/** A call on its way. */
export interface UpstreamCall {
  /** Reads no more of the answer for now: the receiver is slow. */
  pause(): void;
  resume(): void;
  /** Ends the call, and the connection with it unless the answer is complete. The sink hears nothing more. */
  abort(): void;
}

/** `UPSTREAM_UNAVAILABLE`: too many calls wait for a connection already. */
export type UpstreamErrorCode =
  | 'UPSTREAM_UNAVAILABLE'
  | 'UPSTREAM_CONNECT_FAILED'
  | 'UPSTREAM_CONNECTION_LOST'
  | 'UPSTREAM_TIMEOUT'
  | 'UPSTREAM_BAD_ANSWER'
  | 'UPSTREAM_CLOSED';

/** Why a call got no answer, or no complete one. */
export interface UpstreamError extends Error {
  readonly code: UpstreamErrorCode;
  /** Whether no byte of the request was sent: then it can be made again whatever it does. */
  readonly neverSent: boolean;
}

/** Connections to one address. */
export interface Upstream {
  send(request: UpstreamRequest, sink: UpstreamSink): UpstreamCall;
  /** Lets calls in flight finish, up to a deadline, and closes. */
  close(deadlineMs?: number): Promise<void>;
}

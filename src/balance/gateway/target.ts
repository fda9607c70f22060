import type { UpstreamCall, UpstreamHeaders } from '../upstream/upstream-call.ts';

/** One call of a client as the gateway makes it to a logical server. */
export interface TargetCall {
  readonly method: 'POST' | 'GET' | 'DELETE';
  /** What is asked for before the backend's own path; that path alone where this is absent. */
  readonly pathPrefix?: string;
  /** Complete header lines to pass on, each with its CRLF. */
  readonly headerLines: string;
  readonly body: Uint8Array | string | undefined;
  /** What the message asks for, as far as it is known: `tools/call`, and of which name. */
  readonly rpcMethod: string | undefined;
  readonly rpcName: string | undefined;
  /** The legacy session as the backend named it, and the backend that owns it. */
  readonly session: { readonly id: string; readonly backend: string } | undefined;
}

/** Why no answer came. */
export interface TargetFailure {
  /**
   * `unavailable` nobody could be asked, `overloaded` nobody took it (it was not executed), `lost` it may have been executed,
   * `timeout`, `session-gone` the session's owner is no more.
   */
  readonly reason: 'unavailable' | 'overloaded' | 'lost' | 'timeout' | 'session-gone';
  readonly message: string;
  readonly retryAfterSeconds: number | undefined;
}

/** Gets the answer: `head` once, `data` in pieces, and one of `ended` and `failed` as the last. */
export interface TargetSink {
  /** @param backend Who answers: the owner of a session that this answer opens. */
  head(status: number, headers: UpstreamHeaders, backend: string): void;
  data(chunk: Buffer): void;
  ended(): void;
  failed(failure: TargetFailure): void;
}

/** A logical server: replicas over HTTP, or children that speak over stdio. Retries, breakers and balancing are behind it. */
export interface Target {
  readonly name: string;
  send(call: TargetCall, sink: TargetSink): UpstreamCall;
  close(deadlineMs?: number): Promise<void>;
}

import type { HttpPoolError } from './http-errors.ts';

/** A body to send: nothing, something at hand that can be sent twice, or a stream that cannot. */
export type OutgoingBody = string | Uint8Array | AsyncIterable<Uint8Array> | null;

/** Header names in lower case to their values, several where a header was repeated. */
export type HeaderMap = Readonly<Record<string, string | string[] | undefined>>;

/** A request to one origin. */
export interface OutgoingRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: HeaderMap;
  readonly body: OutgoingBody;
}

/** The connection's side of a call under way. */
export interface CallControl {
  pause(): void;
  resume(): void;
  /** Ends the call and its connection; `failed` is called before this returns. */
  abort(reason: Error): void;
}

/** The caller's side of a call; `ended` or `failed` comes last, once for each dispatch. Its methods never throw. */
export interface CallSink {
  /** The request is being written to a connection. */
  started(control: CallControl): void;
  head(status: number, headers: HeaderMap): void;
  data(chunk: Uint8Array): void;
  ended(): void;
  /** @param again Whether sending the request once more can do no harm. */
  failed(error: HttpPoolError, again: boolean): void;
}

/** Connections to one origin. */
export interface OriginTransport {
  /** Open connections. */
  readonly connected: number;
  dispatch(request: OutgoingRequest, sink: CallSink): void;
  /** Ends every connection; calls under way fail with the reason. */
  destroy(reason: HttpPoolError): Promise<void>;
}

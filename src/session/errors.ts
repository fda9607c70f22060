import { PeregrineError, type PeregrineErrorOptions } from '../kernel/errors.ts';

/** Why a request of the server's own got no result from its client. */
export type ClientRequestCode =
  /** The client has not declared that it can do this. */
  | 'CLIENT_LACKS_CAPABILITY'
  /** There is no way to it: it takes no event stream for an answer. */
  | 'CLIENT_UNREACHABLE'
  /** It has as many requests open as it may, or all clients together have. */
  | 'CLIENT_BUSY'
  | 'CLIENT_TIMEOUT'
  /** It went away, or its session ended. */
  | 'CLIENT_LEFT'
  /** It answered with an error. */
  | 'CLIENT_REFUSED'
  /** Its answer does not fit what was asked for. */
  | 'CLIENT_ANSWER_INVALID';

/** A request to a client came to nothing. */
export class ClientRequestError extends PeregrineError {
  declare readonly code: ClientRequestCode;
  /** The JSON-RPC error of a client that refused. */
  readonly rpc: { readonly code: number; readonly data?: unknown } | undefined;

  constructor(
    code: ClientRequestCode,
    message: string,
    { rpc, ...options }: PeregrineErrorOptions & { readonly rpc?: ClientRequestError['rpc'] } = {},
  ) {
    super(code, message, options);
    this.rpc = rpc;
  }
}

/** `SESSIONS_FULL`: no further session can begin just now. */
export class SessionsFullError extends PeregrineError {
  constructor() {
    super('SESSIONS_FULL', 'too many sessions are open', { retryable: true });
  }
}

/** `SESSION_GONE`: the session ended while something was done for it. */
export class SessionGoneError extends PeregrineError {
  constructor() {
    super('SESSION_GONE', 'the session has ended');
  }
}

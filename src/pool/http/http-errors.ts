import { PeregrineError } from '../../kernel/errors.ts';

const CODES = {
  HTTP_TIMEOUT: [true, 'no answer in time'],
  HTTP_CONNECT: [true, 'no connection could be made'],
  HTTP_TLS: [false, 'the certificate or the TLS handshake was not accepted'],
  HTTP_CONNECTION_LOST: [true, 'the connection ended before the answer was complete'],
  HTTP_PROTOCOL: [false, 'the answer is not valid'],
  HTTP_ABORTED: [false, 'the call was cancelled'],
  HTTP_RESPONSE_TOO_LARGE: [false, 'the answer is larger than allowed'],
  HTTP_REDIRECT: [false, 'the redirection could not be followed'],
  HTTP_REQUEST_INVALID: [false, 'the request is not valid'],
  HTTP_POOL_QUEUE_FULL: [true, 'too many calls wait for a connection'],
  HTTP_POOL_CLOSED: [false, 'the HTTP pool is closed'],
  ADDRESS_REFUSED: [false, 'the URL does not lead to a public address'],
} as const;

/** Why a call through the HTTP pool failed. */
export type HttpErrorCode = keyof typeof CODES;

/** What is said beside the code. */
export interface HttpPoolErrorOptions {
  /** Details for the message; nothing secret, for clients may read it. */
  readonly detail?: string;
  readonly cause?: unknown;
  /** @default what the code says */
  readonly retryable?: boolean;
}

/**
 * A call through the HTTP pool that failed.
 *
 * The message names the origin only, never a path, a query or credentials, so that it can be shown to clients; `cause`
 * has the original error and is for operators. `HTTP_ABORTED` has the name `AbortError`, as with `fetch`.
 */
export class HttpPoolError extends PeregrineError {
  declare readonly code: HttpErrorCode;
  /** Scheme, host and port of the URL. */
  readonly origin: string;

  constructor(code: HttpErrorCode, origin: string, options: HttpPoolErrorOptions = {}) {
    const [retryable, meaning] = CODES[code];
    const detail = options.detail === undefined ? '' : `: ${options.detail}`;
    super(code, `${origin}: ${meaning}${detail}`, {
      cause: options.cause,
      retryable: options.retryable ?? retryable,
    });
    if (code === 'HTTP_ABORTED') this.name = 'AbortError';
    this.origin = origin;
  }
}

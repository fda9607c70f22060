import { type HttpErrorCode, HttpPoolError } from '../http/http-errors.ts';

const BY_CODE: Readonly<Record<string, HttpErrorCode>> = {
  UND_ERR_ABORTED: 'HTTP_ABORTED',
  UND_ERR_BODY_TIMEOUT: 'HTTP_TIMEOUT',
  UND_ERR_CLOSED: 'HTTP_POOL_CLOSED',
  UND_ERR_CONNECT_TIMEOUT: 'HTTP_CONNECT',
  UND_ERR_DESTROYED: 'HTTP_POOL_CLOSED',
  UND_ERR_HEADERS_OVERFLOW: 'HTTP_PROTOCOL',
  UND_ERR_HEADERS_TIMEOUT: 'HTTP_TIMEOUT',
  UND_ERR_INVALID_ARG: 'HTTP_REQUEST_INVALID',
  UND_ERR_NOT_SUPPORTED: 'HTTP_REQUEST_INVALID',
  UND_ERR_REQ_CONTENT_LENGTH_MISMATCH: 'HTTP_REQUEST_INVALID',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'HTTP_CONNECTION_LOST',
};
const TLS = /^(?:ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO_|UNABLE_TO_|SELF_SIGNED_|HOSTNAME_MISMATCH|EPROTO$)/;

/**
 * The project's error for one of undici's or of a socket.
 *
 * @param connected Whether there was a connection.
 * @param repeatable Whether the same call can be sent again should its connection be what failed.
 */
export function toHttpPoolError(
  error: unknown,
  origin: string,
  connected: boolean,
  repeatable: boolean,
): HttpPoolError {
  if (error instanceof HttpPoolError) return error;
  const kind = codeOf(error) ?? (connected ? 'HTTP_CONNECTION_LOST' : 'HTTP_CONNECT');
  return new HttpPoolError(kind, origin, {
    cause: error,
    ...(kind === 'HTTP_CONNECTION_LOST' ? { retryable: repeatable } : undefined),
  });
}

/** undici's parser errors have no code; one of them says that the connection ended within a chunked body. */
function codeOf(error: unknown): HttpErrorCode | undefined {
  const { name, message, code } = (error ?? {}) as { name?: unknown; message?: unknown; code?: unknown };
  if (name === 'HTTPParserError') return /EOF/.test(String(message)) ? 'HTTP_CONNECTION_LOST' : 'HTTP_PROTOCOL';
  return BY_CODE[String(code)] ?? (TLS.test(String(code)) ? 'HTTP_TLS' : undefined);
}

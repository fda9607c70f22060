import { CliError } from '../cli-error.ts';
import type { ConnectionOptions } from '../connection.ts';

export type Sdk = typeof import('@modelcontextprotocol/client');

const SOCKET_ERRORS: Readonly<Record<string, string>> = Object.freeze({
  ECONNREFUSED: 'connection refused; is the server running?',
  ECONNRESET: 'the connection was reset',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'the name of the host cannot be looked up',
  ETIMEDOUT: 'the connection timed out',
  EHOSTUNREACH: 'no route to the host',
  UND_ERR_CONNECT_TIMEOUT: 'the connection timed out',
  UND_ERR_SOCKET: 'the connection was closed',
});

/** Puts what the client, the HTTP layer or the socket said into one line. */
export function toCliError(sdk: Sdk, error: unknown, url: URL, options: ConnectionOptions): CliError {
  if (error instanceof CliError) return error;
  const causes = listCauses(error);
  for (const cause of causes) {
    const message = explain(sdk, cause, url, options);
    if (message !== undefined) return new CliError(message, { cause: error });
  }
  return new CliError(`cannot talk to ${url.href}: ${causes.at(-1)?.message ?? String(error)}`, { cause: error });
}

function explain(sdk: Sdk, cause: Error, url: URL, options: ConnectionOptions): string | undefined {
  if (sdk.UnsupportedProtocolVersionError.isInstance(cause)) {
    return `the server does not speak protocol revision ${cause.requested}; it speaks ${cause.supported.join(', ')}`;
  }
  if (sdk.ProtocolError.isInstance(cause)) return `the server refused: ${cause.message} (${cause.code})`;
  if (sdk.SdkHttpError.isInstance(cause)) return explainStatus(cause.status, url);
  const code = 'code' in cause ? String(cause.code) : '';
  if (code === sdk.SdkErrorCode.RequestTimeout)
    return `${url.href} did not answer within ${options.timeoutMs / 1_000} s`;
  if (/^ERR_(SSL|TLS)|CERT/.test(code)) return `cannot reach ${url.href}: no TLS connection (${code})`;
  return SOCKET_ERRORS[code] === undefined ? undefined : `cannot reach ${url.href}: ${SOCKET_ERRORS[code]}`;
}

function explainStatus(status: number, url: URL): string {
  if (status === 401 || status === 403) {
    return `${url.href} answered ${status}: it wants other credentials; give them with --header`;
  }
  if (status === 404 || status === 405) {
    return `${url.href} answered ${status}: no MCP server on this path; is it /mcp?`;
  }
  return `${url.href} answered with HTTP status ${status}`;
}

/** The error and what led to it; the client keeps a part of the causes in `data`. */
function listCauses(error: unknown): Error[] {
  const causes: Error[] = [];
  for (let cause = error; cause instanceof Error && causes.length < 10; ) {
    causes.push(cause);
    const data: unknown = 'data' in cause ? cause.data : undefined;
    cause =
      cause.cause ??
      (typeof data === 'object' && data !== null && 'cause' in data ? data.cause : undefined) ??
      (cause instanceof AggregateError ? cause.errors[0] : undefined);
  }
  return causes;
}

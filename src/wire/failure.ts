import { ErrorCode } from './jsonrpc.ts';

/** A request that is refused before it reaches a handler. */
export interface Failure {
  readonly status: number;
  readonly code: number;
  readonly message: string;
  readonly data?: unknown;
}

export function failure(status: number, code: number, message: string, data?: unknown): Failure {
  return data === undefined ? { status, code, message } : { status, code, message, data };
}

/** The HTTP status of an error that a modern handler answered. The legacy revisions answer them with 200, but for a refusal. */
export function statusOf(error: { readonly code: number }): number {
  switch (error.code) {
    case ErrorCode.MethodNotFound:
      return 404;
    case ErrorCode.HeaderMismatch:
    case ErrorCode.MissingClientCapability:
    case ErrorCode.UnsupportedProtocolVersion:
      return 400;
    case ErrorCode.Overloaded:
      return 503;
    default:
      return 200;
  }
}

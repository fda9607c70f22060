import type { CallOutcome } from '../call-gate.ts';
import type { HttpErrorCode, HttpPoolError } from './http-errors.ts';

const FAILURES: ReadonlySet<HttpErrorCode> = new Set([
  'HTTP_TIMEOUT',
  'HTTP_CONNECT',
  'HTTP_TLS',
  'HTTP_CONNECTION_LOST',
  'HTTP_PROTOCOL',
]);

/** What an error before the head of the answer says of an origin; all other ones are of the caller's or the pool's making. */
export function outcomeOf({ code }: HttpPoolError): CallOutcome {
  return FAILURES.has(code) ? 'failure' : 'unknown';
}

/** Bad gateway, unavailable, gateway time-out. Other 5xx come from a server that is there, often because of one request. */
export function isUnavailable(status: number): boolean {
  return status >= 502 && status <= 504;
}

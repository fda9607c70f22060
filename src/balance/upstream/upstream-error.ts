import { PeregrineError } from '../../kernel/errors.ts';
import type { UpstreamError, UpstreamErrorCode } from './upstream-call.ts';

const MEANINGS: { readonly [C in UpstreamErrorCode]: readonly [retryable: boolean, meaning: string] } = {
  UPSTREAM_UNAVAILABLE: [true, 'too many calls wait for a connection'],
  UPSTREAM_CONNECT_FAILED: [true, 'no connection could be made'],
  UPSTREAM_CONNECTION_LOST: [true, 'the connection ended before the answer was complete'],
  UPSTREAM_TIMEOUT: [true, 'no answer in time'],
  UPSTREAM_BAD_ANSWER: [false, 'the answer is not valid HTTP'],
  UPSTREAM_CLOSED: [false, 'the upstream is closed'],
};

/** Why a call got no answer, or no complete one. The message names the origin alone; `cause` is for operators. */
export class UpstreamCallError extends PeregrineError implements UpstreamError {
  declare readonly code: UpstreamErrorCode;
  readonly neverSent: boolean;

  constructor(
    code: UpstreamErrorCode,
    origin: string,
    neverSent: boolean,
    options: { readonly detail?: string | undefined; readonly cause?: unknown } = {},
  ) {
    const [retryable, meaning] = MEANINGS[code];
    const detail = options.detail === undefined ? '' : `: ${options.detail}`;
    super(code, `${origin}: ${meaning}${detail}`, { cause: options.cause, retryable });
    this.neverSent = neverSent;
  }
}

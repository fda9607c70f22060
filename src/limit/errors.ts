import { PeregrineError } from '../kernel/errors.ts';
import type { ShedReason } from '../signal/signal.ts';

const BECAUSE: { readonly [R in Exclude<ShedReason, 'rate'>]: string } = {
  delay: 'work is begun too late',
  'in-flight': 'too much is under way',
  'queue-full': 'the queue is full',
  deadline: 'it waited too long',
  memory: 'memory is short',
};

/** `OVERLOADED`: there was too much to do, and this work was not begun. Retryable. */
export class OverloadedError extends PeregrineError {
  readonly reason: Exclude<ShedReason, 'rate'>;
  /** When another try may help, in milliseconds from now. */
  readonly retryAfterMs: number;

  constructor(reason: Exclude<ShedReason, 'rate'>, retryAfterMs: number) {
    super('OVERLOADED', `overloaded, not executed: ${BECAUSE[reason]}`, { retryable: true });
    this.reason = reason;
    this.retryAfterMs = retryAfterMs;
  }
}

/** `RATE_LIMITED`: there were too many requests in a time, and this one was not begun. Retryable. */
export class RateLimitedError extends PeregrineError {
  /** When the next one is due, in milliseconds from now. */
  readonly retryAfterMs: number;

  constructor(retryAfterMs: number) {
    super('RATE_LIMITED', `too many requests, not executed: the next in ${retryAfterMs} ms`, { retryable: true });
    this.retryAfterMs = retryAfterMs;
  }
}

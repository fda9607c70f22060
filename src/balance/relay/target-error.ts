import { PeregrineError } from '../../kernel/errors.ts';
import type { TargetFailure } from '../gateway/target.ts';

/** `TARGET_FAILED`: a server could not be asked, or did not answer. */
export class TargetError extends PeregrineError {
  readonly failure: TargetFailure;

  constructor(failure: TargetFailure) {
    super('TARGET_FAILED', failure.message, { retryable: true });
    this.failure = failure;
  }
}

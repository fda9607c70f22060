import { PeregrineError } from '../kernel/errors.ts';

/** `STATE_STORE`: what is kept for sessions and tasks cannot be reached just now; the same call may succeed later. */
export class StateStoreError extends PeregrineError {
  constructor(message: string, cause?: unknown) {
    super('STATE_STORE', message, { retryable: true, cause });
  }
}

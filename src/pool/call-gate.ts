/** What a call says of the dependency that it was made to: nothing, for example, when it was cancelled. */
export type CallOutcome = 'success' | 'failure' | 'unknown';

/** Stands before the calls to one dependency, as a circuit breaker does. */
export interface CallGate {
  /** Lets a call begin. @returns What to hand to `leave`. @throws when none may be made now. */
  enter(): number;
  /** Tells, once, how it ended. */
  leave(entry: number, outcome: CallOutcome): void;
}

/** What a call says of the dependency that it was made to: nothing, for example, when it was cancelled. */
export type CallOutcome = 'success' | 'failure' | 'unknown';

/** Stands before the calls to one dependency, as a circuit breaker does. */
export interface CallGate {
  /** Lets a call begin. @returns What to hand to `leave`. @throws when none may be made now. */
  enter(): number;
  /** Tells, once, how it ended. */
  leave(entry: number, outcome: CallOutcome): void;
}

/** Makes a call through a gate, if there is one. */
export async function passGate<T>(
  gate: CallGate | undefined,
  toOutcome: (error: unknown) => CallOutcome,
  call: () => Promise<T>,
): Promise<T> {
  if (gate === undefined) return call();
  const entry = gate.enter();
  try {
    const result = await call();
    gate.leave(entry, 'success');
    return result;
  } catch (error) {
    gate.leave(entry, toOutcome(error));
    throw error;
  }
}

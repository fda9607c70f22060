import { PeregrineError } from '../kernel/errors.ts';

/** `CIRCUIT_OPEN`: the call was refused without being made, because the dependency failed too often. */
export class CircuitOpenError extends PeregrineError {
  /** The breaker's name. */
  readonly circuit: string;
  /** When a call can be tried again, in milliseconds from now; `Infinity` when the circuit is held open by hand. */
  readonly retryAfterMs: number;

  constructor(circuit: string, retryAfterMs: number) {
    const when =
      retryAfterMs === Number.POSITIVE_INFINITY ? 'until closed by hand' : `for ${Math.ceil(retryAfterMs)} ms`;
    super('CIRCUIT_OPEN', `circuit "${circuit}": no calls ${when}`, { retryable: true });
    this.circuit = circuit;
    this.retryAfterMs = retryAfterMs;
  }
}

/** `CIRCUIT_TIMEOUT`: the call did not settle in time. Whether the dependency carried it out is not known. */
export class CircuitTimeoutError extends PeregrineError {
  /** The breaker's name. */
  readonly circuit: string;
  readonly timeoutMs: number;

  constructor(circuit: string, timeoutMs: number) {
    super('CIRCUIT_TIMEOUT', `circuit "${circuit}": no result after ${timeoutMs} ms`, { retryable: true });
    this.circuit = circuit;
    this.timeoutMs = timeoutMs;
  }
}

/** The contract of `breaker/`: calls of a dependency that fails are refused until it works again. */
export { Circuit, type CircuitRunOptions, type CircuitStatistics } from './circuit.ts';
export { CircuitBreaker, type CircuitBreakerOptions } from './circuit-breaker.ts';
export { CircuitBreakers } from './circuit-breakers.ts';
export { CircuitOpenError, CircuitTimeoutError } from './errors.ts';
export type { BreakerCall } from './flight.ts';
export { type CircuitOptions, type ResolvedCircuitOptions, resolveCircuitOptions } from './options.ts';

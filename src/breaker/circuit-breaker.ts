import { OptionError } from '../kernel/errors.ts';
import { functionOption, objectOption } from '../kernel/options.ts';
import { Circuit, type CircuitRunOptions } from './circuit.ts';
import type { BreakerCall } from './flight.ts';
import { CIRCUIT_KEYS, type CircuitOptions } from './options.ts';

/** How a breaker around one call decides. */
export interface CircuitBreakerOptions<A extends unknown[], R> extends CircuitOptions {
  /** Whether a result, such as an answer with status 503, counts as a failure. The caller gets it all the same. */
  readonly isFailedResult?: (result: R) => boolean;
  /** Stands in for a call that failed or was refused; gets the error and the call's arguments. */
  readonly fallback?: (error: unknown, ...args: A) => R | PromiseLike<R>;
}

const BREAKER_KEYS = [...CIRCUIT_KEYS, 'isFailedResult', 'fallback'] as const;

/** A circuit around one call: {@link fire} makes the call unless the circuit is open. */
export class CircuitBreaker<A extends unknown[], R> extends Circuit {
  readonly #call: (this: BreakerCall, ...args: A) => R | PromiseLike<R>;
  readonly #isFailedResult: ((result: R) => boolean) | undefined;
  readonly #fallback: ((error: unknown, ...args: A) => R | PromiseLike<R>) | undefined;

  /**
   * @param call Gets the arguments of {@link fire} and nothing else; `this.signal` is aborted when its time is over.
   * @throws {OptionError} when the call is no function, or an option is unknown or not valid.
   */
  constructor(
    call: (this: BreakerCall, ...args: A) => R | PromiseLike<R>,
    options?: CircuitBreakerOptions<NoInfer<A>, NoInfer<R>>,
  ) {
    if (typeof call !== 'function') throw new OptionError('call', 'must be a function', call);
    objectOption('breaker', options, BREAKER_KEYS);
    const { isFailedResult, fallback, ...rest } = options ?? {};
    super(rest.name === undefined && call.name !== '' ? { ...rest, name: call.name } : rest);
    this.#call = call;
    this.#isFailedResult = functionOption('breaker.isFailedResult', isFailedResult, undefined);
    this.#fallback = functionOption('breaker.fallback', fallback, undefined);
  }

  /**
   * Makes the call.
   *
   * @throws {CircuitOpenError} `CIRCUIT_OPEN`: the call was not made.
   * @throws {CircuitTimeoutError} `CIRCUIT_TIMEOUT`: its signal has been aborted, and what it still brings is dropped.
   */
  fire(...args: A): Promise<R> {
    return this.#fire(undefined, args);
  }

  /** Makes the call for a caller that may cancel it; that counts neither as a failure nor as a success. */
  fireWith(caller: Pick<CircuitRunOptions<R>, 'signal'>, ...args: A): Promise<R> {
    return this.#fire(caller.signal, args);
  }

  #fire(signal: AbortSignal | undefined, args: A): Promise<R> {
    const fallback = this.#fallback;
    return this.guard((call) => this.#call.apply(call, args), {
      signal,
      isFailedResult: this.#isFailedResult,
      fallback: fallback === undefined ? undefined : (error) => fallback(error, ...args),
    });
  }
}

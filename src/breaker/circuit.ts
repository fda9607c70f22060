import { OptionError } from '../kernel/errors.ts';
import type { BreakerEvent, BreakerReason, BreakerState, Signal } from '../signal/signal.ts';
import { CircuitOpenError, CircuitTimeoutError } from './errors.ts';
import { Flight, type FlightBounds, type Start } from './flight.ts';
import { type CircuitOptions, type ResolvedCircuitOptions, resolveCircuitOptions } from './options.ts';

/** Settings of one call. */
export interface CircuitRunOptions<T> {
  /** Cancels the call, which then counts neither as a failure nor as a success. */
  readonly signal?: AbortSignal | undefined;
  /** Whether a result, such as an answer with status 503, counts as a failure. The caller gets it all the same. */
  readonly isFailedResult?: ((result: T) => boolean) | undefined;
  /** Stands in when the call fails or is refused; not when it is cancelled, nor for errors that are no failures. */
  readonly fallback?: ((error: unknown) => T | PromiseLike<T>) | undefined;
}

/** What a circuit has counted since it was made. */
export interface CircuitStatistics {
  readonly name: string;
  readonly state: BreakerState;
  /** When a call can be tried, in milliseconds from now; 0 while closed. */
  readonly retryAfterMs: number;
  readonly failuresInRow: number;
  /** All of them, refused ones included. */
  readonly calls: number;
  /** Calls that the dependency answered, if only with an error that is no failure. */
  readonly successes: number;
  /** Time-outs included. */
  readonly failures: number;
  readonly timeouts: number;
  /** Calls that were not made because the circuit was open. */
  readonly refused: number;
  /** Calls that tell nothing of the dependency, such as those that their caller cancelled. */
  readonly cancelled: number;
  /** Calls for which the fallback stood in. */
  readonly fallbacks: number;
  /** How often the circuit opened. */
  readonly opened: number;
}

type Counts = { -readonly [K in keyof Omit<CircuitStatistics, 'name' | 'state' | 'retryAfterMs'>]: number };

/**
 * Guards the calls of one dependency: after failures in a row it refuses further calls for a while, then lets one through
 * to find out whether the dependency works again.
 *
 * It sets no timer but those of calls with a time limit: an open circuit becomes half-open by the first call after the
 * reset timeout.
 */
export class Circuit {
  /** Tells every change of state. */
  readonly changed: Signal<BreakerEvent>;
  readonly #options: ResolvedCircuitOptions;
  readonly #counts: Counts = {
    failuresInRow: 0,
    calls: 0,
    successes: 0,
    failures: 0,
    timeouts: 0,
    refused: 0,
    cancelled: 0,
    fallbacks: 0,
    opened: 0,
  };
  readonly #toTimeoutError: () => Error;
  #state: BreakerState = 'closed';
  /** Grows with every change of state: outcomes of calls that began in an earlier one are counted and decide nothing. */
  #epoch = 0;
  /** When an open circuit lets a probe through, and when a half-open one that sets no time limit takes it for lost. */
  #retryAt = 0;
  #failedProbes = 0;
  #isProbeBounded = false;

  /** @throws {OptionError} when an option is unknown or not valid. */
  constructor(options?: CircuitOptions) {
    this.#options = resolveCircuitOptions(options);
    this.changed = this.#options.changed;
    const { name, timeout } = this.#options;
    this.#toTimeoutError = () => new CircuitTimeoutError(name, timeout);
  }

  get name(): string {
    return this.#options.name;
  }

  /** A circuit stays `open` until a call comes after the reset timeout. */
  get state(): BreakerState {
    return this.#state;
  }

  statistics(): CircuitStatistics {
    return { name: this.name, state: this.#state, retryAfterMs: this.#retryAfterMs(), ...this.#counts };
  }

  /**
   * Runs any work that depends on what this circuit guards.
   *
   * @throws {CircuitOpenError} `CIRCUIT_OPEN`: the work was not begun.
   * @throws {CircuitTimeoutError} `CIRCUIT_TIMEOUT`: its signal has been aborted, and what it still brings is dropped.
   */
  run<T>(work: (signal: AbortSignal) => T | PromiseLike<T>, options: CircuitRunOptions<T> = {}): Promise<T> {
    return this.guard((call) => work(call.signal), options);
  }

  /**
   * Lets a call begin whose outcome is told to {@link leave}: for calls that are no promise. Nothing limits its time.
   *
   * @returns What to hand to `leave`.
   * @throws {CircuitOpenError} `CIRCUIT_OPEN`: the call must not be made.
   */
  enter(): number {
    this.#counts.calls++;
    if (this.#state !== 'closed' && !this.#admitProbe(false)) throw this.#refused();
    return this.#epoch;
  }

  /** Tells, once, how a call ended: `unknown` where that shows nothing of the dependency. */
  leave(entry: number, outcome: 'success' | 'failure' | 'unknown'): void {
    if (outcome === 'unknown') this.#cancelled(entry);
    else this.#settled(entry, outcome === 'failure');
  }

  /**
   * Opens the circuit by hand; calls on their way are not disturbed.
   *
   * @param forMs How long calls are refused, in milliseconds; `Infinity` until {@link close}. @default the reset timeout
   */
  open(forMs: number = this.#resetTimeout()): void {
    if (!(forMs > 0)) throw new OptionError('forMs', 'must be a number greater than 0', forMs);
    this.#open('by-hand', forMs);
  }

  /** Closes the circuit by hand and forgets the failures in a row. */
  close(): void {
    this.#close('by-hand');
  }

  protected async guard<T>(start: Start<T>, { signal, isFailedResult, fallback }: CircuitRunOptions<T>): Promise<T> {
    this.#counts.calls++;
    if (signal?.aborted) {
      this.#counts.cancelled++;
      throw signal.reason;
    }
    if (this.#state !== 'closed' && !this.#admitProbe(this.#options.timeout > 0)) return this.#refuse(fallback);
    const epoch = this.#epoch;
    const flight = new Flight();
    let result: T;
    try {
      const isBounded = this.#options.timeout > 0 || signal !== undefined;
      result = await (isBounded ? flight.within(start, this.#bounds(signal)) : start(flight));
    } catch (error) {
      if (flight.cutShortBy === 'caller') this.#cancelled(epoch);
      else if (this.#failed(epoch, flight, error) && fallback !== undefined) return this.#fallBack(fallback, error);
      throw error;
    }
    if (isFailedResult === undefined) this.#settled(epoch, false);
    else this.#judge(epoch, (outcome: T) => Boolean(isFailedResult(outcome)), result);
    return result;
  }

  #bounds(signal: AbortSignal | undefined): FlightBounds {
    const { clock, timeout } = this.#options;
    return { clock, timeoutMs: timeout, toTimeoutError: this.#toTimeoutError, signal };
  }

  /** Lets one call through after the reset timeout. A probe without a time limit is lost once as much time has passed again. */
  #admitProbe(isBounded: boolean): boolean {
    const { clock, timeout, resetTimeout } = this.#options;
    const now = clock.now();
    if (now < this.#retryAt || (this.#state === 'half-open' && this.#isProbeBounded)) return false;
    this.#isProbeBounded = isBounded;
    this.#retryAt = now + (isBounded ? timeout : resetTimeout);
    this.#move('half-open', 'reset-timeout');
    return this.#state !== ('open' as BreakerState); // A listener may have opened it by hand.
  }

  #refuse<T>(fallback: CircuitRunOptions<T>['fallback']): T | PromiseLike<T> {
    const error = this.#refused();
    if (fallback === undefined) throw error;
    return this.#fallBack(fallback, error);
  }

  #refused(): CircuitOpenError {
    this.#counts.refused++;
    return new CircuitOpenError(this.name, this.#retryAfterMs());
  }

  #fallBack<T>(fallback: NonNullable<CircuitRunOptions<T>['fallback']>, error: unknown): T | PromiseLike<T> {
    this.#counts.fallbacks++;
    return fallback(error);
  }

  #cancelled(epoch: number): void {
    this.#counts.cancelled++;
    if (epoch === this.#epoch && this.#state === 'half-open') this.#open('probe-cancelled', 0);
  }

  #failed(epoch: number, flight: Flight, error: unknown): boolean {
    if (flight.cutShortBy !== 'timeout') return this.#judge(epoch, this.#options.isFailure, error);
    this.#counts.timeouts++;
    return this.#settled(epoch, true);
  }

  /** Counts an outcome as the author's filter sees it; a filter that throws has seen a failure. */
  #judge<T>(epoch: number, isFailure: (outcome: T) => boolean | undefined, outcome: T): boolean {
    let failed: boolean | undefined = true;
    try {
      failed = isFailure(outcome);
    } finally {
      if (failed === undefined) this.#cancelled(epoch);
      else this.#settled(epoch, failed);
    }
    return failed === true;
  }

  #settled(epoch: number, failed: boolean): boolean {
    const counts = this.#counts;
    if (failed) counts.failures++;
    else counts.successes++;
    if (epoch !== this.#epoch) return failed;
    if (!failed) {
      if (this.#state === 'closed') counts.failuresInRow = 0;
      else this.#close('probe-succeeded');
      return false;
    }
    counts.failuresInRow++;
    if (this.#state === 'half-open') {
      this.#failedProbes++;
      this.#open('probe-failed', this.#resetTimeout());
    } else if (counts.failuresInRow >= this.#options.threshold) this.#open('failures', this.#resetTimeout());
    return true;
  }

  #open(reason: BreakerReason, forMs: number): void {
    this.#retryAt = this.#options.clock.now() + forMs;
    if (this.#state === 'open') return;
    if (reason !== 'probe-cancelled') this.#counts.opened++;
    this.#move('open', reason);
  }

  #close(reason: BreakerReason): void {
    this.#counts.failuresInRow = 0;
    this.#failedProbes = 0;
    if (this.#state !== 'closed') this.#move('closed', reason);
  }

  #move(to: BreakerState, reason: BreakerReason): void {
    const from = this.#state;
    this.#state = to;
    this.#epoch++;
    if (from === to || !this.changed.active) return;
    this.changed.emit({ name: this.name, from, to, reason, failures: this.#counts.failuresInRow });
  }

  #resetTimeout(): number {
    const { resetTimeout, resetBackoff, maxResetTimeout, resetJitter, random } = this.#options;
    const waitMs = Math.min(maxResetTimeout, resetTimeout * resetBackoff ** this.#failedProbes);
    return resetJitter === 0 ? waitMs : waitMs * (1 + resetJitter * random());
  }

  #retryAfterMs(): number {
    return this.#state === 'closed' ? 0 : Math.max(0, this.#retryAt - this.#options.clock.now());
  }
}

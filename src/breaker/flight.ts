import type { Clock } from '../kernel/clock.ts';

/** What a call sees of its breaker: `this` of a call that is a function of its own. */
export interface BreakerCall {
  /** Aborted when the call has run out of time or its caller has cancelled it. Exists only once it is looked at. */
  readonly signal: AbortSignal;
}

/** What is run under a breaker. */
export type Start<T> = (call: BreakerCall) => T | PromiseLike<T>;

/** The bounds of one flight. */
export interface FlightBounds {
  readonly clock: Clock;
  /** 0 for no limit. */
  readonly timeoutMs: number;
  readonly toTimeoutError: () => Error;
  /** The caller's signal. */
  readonly signal: AbortSignal | undefined;
}

/** One call on its way. */
export class Flight implements BreakerCall {
  /** What ended the flight before its result came. */
  cutShortBy: 'timeout' | 'caller' | undefined;
  #controller: AbortController | undefined;
  #reason: unknown;

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.cutShortBy !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  /** Starts the call; rejects as soon as its time is over or its caller gives up. What comes later is dropped. */
  within<T>(start: Start<T>, { clock, timeoutMs, toTimeoutError, signal }: FlightBounds): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const cut = (by: 'timeout' | 'caller', reason: unknown): void => {
        release();
        this.cutShortBy = by;
        this.#reason = reason;
        reject(reason);
        this.#controller?.abort(reason);
      };
      const onAbort = (): void => cut('caller', signal?.reason);
      const cancelTimer = timeoutMs > 0 ? clock.after(timeoutMs, () => cut('timeout', toTimeoutError())) : undefined;
      const release = (): void => {
        cancelTimer?.();
        signal?.removeEventListener('abort', onAbort);
      };
      signal?.addEventListener('abort', onAbort);
      invoke(start, this).then(
        (result) => {
          release();
          resolve(result);
        },
        (error) => {
          release();
          reject(error);
        },
      );
    });
  }
}

/** Makes a rejection of what a call throws at once. */
async function invoke<T>(start: Start<T>, call: BreakerCall): Promise<T> {
  return start(call);
}

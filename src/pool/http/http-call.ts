import type { CancelTimer, Clock } from '../../kernel/clock.ts';
import type { CallOutcome } from '../call-gate.ts';
import { HttpPoolError } from './http-errors.ts';
import type { OriginPool, PooledCall } from './origin-pool.ts';
import { isUnavailable, outcomeOf } from './outcome.ts';
import type { CallControl, CallSink, HeaderMap, OutgoingRequest } from './transport.ts';

/** What a reader of an answer can do with the call. */
export interface AnswerSource {
  /** Lets more of the body come after `data` answered false. */
  resume(): void;
  /** Ends the call and its connection. @param error Why; by default nobody wants the rest. */
  cancel(error?: HttpPoolError): void;
}

/** What becomes of an answer; `ended` or `failed` comes last, once. Its methods never throw. */
export interface AnswerReader {
  head(status: number, headers: HeaderMap, source: AnswerSource): void;
  /** @returns Whether more may come at once. */
  data(chunk: Uint8Array): boolean;
  ended(): void;
  failed(error: HttpPoolError): void;
}

/** The bounds of one call. */
export interface CallLimits {
  readonly timeoutMs: number;
  readonly maxResponseBytes: number;
  readonly signal: AbortSignal | undefined;
  readonly clock: Clock;
}

/** How often a call whose kept-alive connection turns out to be dead is sent on another one. */
const MAX_REPEATS = 2;

/** One call to one origin, from its place in line to the end of the answer: its time, size, cancellation and repetition. */
export class HttpCall implements CallSink, PooledCall, AnswerSource {
  readonly #pool: OriginPool;
  readonly #request: OutgoingRequest;
  readonly #reader: AnswerReader;
  readonly #limits: CallLimits;
  readonly #startedAt: number;
  /** When something last happened that the time limit waits for. */
  #activeAt: number;
  #cancelTimer: CancelTimer | undefined;
  #control: CallControl | undefined;
  #isDispatched = false;
  #isSent = false;
  /** Nothing more goes to the reader. */
  #isOver = false;
  #bytes = 0;
  #repeats = 0;
  /** Its entry through the gate, until the gate knows how the call ended. */
  #entry: number | undefined;

  constructor(pool: OriginPool, request: OutgoingRequest, reader: AnswerReader, limits: CallLimits) {
    this.#pool = pool;
    this.#request = request;
    this.#reader = reader;
    this.#limits = limits;
    this.#startedAt = limits.clock.now();
    this.#activeAt = this.#startedAt;
  }

  /** @throws what the origin's gate throws. */
  begin(): void {
    const { signal, timeoutMs } = this.#limits;
    if (signal?.aborted) return this.#fail(this.#aborted());
    this.#entry = this.#pool.gate?.enter();
    signal?.addEventListener('abort', this.#onAbort);
    this.#setTimer(timeoutMs);
    try {
      this.#pool.enter(this);
    } catch (error) {
      this.#fail(error as HttpPoolError);
    }
  }

  dispatch(): void {
    this.#isDispatched = true;
    this.#pool.transport.dispatch(this.#request, this);
  }

  refuse(error: HttpPoolError): void {
    this.#fail(error);
  }

  started(control: CallControl): void {
    this.#control = control;
    this.#isSent = true;
    this.#pool.countSent(this.#limits.clock.now() - this.#startedAt);
    if (this.#isOver) control.abort(new Error('nobody waits for this call any more'));
  }

  head(status: number, headers: HeaderMap): void {
    if (this.#isOver) return;
    this.#activeAt = this.#limits.clock.now();
    this.#leave(isUnavailable(status) ? 'failure' : 'success');
    const announced = Number(headers['content-length'] ?? 0);
    if (announced > this.#limits.maxResponseBytes && this.#request.method !== 'HEAD') this.#fail(this.#tooLarge());
    else this.#reader.head(status, headers, this);
  }

  data(chunk: Uint8Array): void {
    if (this.#isOver) return;
    this.#activeAt = this.#limits.clock.now();
    this.#bytes += chunk.length;
    if (this.#bytes > this.#limits.maxResponseBytes) this.#fail(this.#tooLarge());
    else if (!this.#reader.data(chunk)) this.#control?.pause();
  }

  ended(): void {
    this.#pool.release(this.#isSent);
    if (this.#isOver) return;
    this.#finish();
    this.#reader.ended();
  }

  failed(error: HttpPoolError, again: boolean): void {
    if (again && !this.#isOver && this.#repeats < MAX_REPEATS) {
      this.#repeats++;
      if (this.#isSent) this.#pool.unsend();
      this.#isSent = false;
      this.#control = undefined;
      return this.dispatch();
    }
    this.#isDispatched = false;
    this.#pool.release(this.#isSent);
    if (this.#isOver) return;
    this.#leave(outcomeOf(error));
    this.#fail(error);
  }

  resume(): void {
    if (this.#isOver) return;
    this.#activeAt = this.#limits.clock.now();
    this.#control?.resume();
  }

  cancel(error?: HttpPoolError): void {
    if (!this.#isOver) this.#fail(error ?? this.#aborted());
  }

  #setTimer(ms: number): void {
    this.#cancelTimer = this.#limits.clock.after(ms, () => {
      const leftMs = this.#activeAt + this.#limits.timeoutMs - this.#limits.clock.now();
      if (leftMs > 0) return this.#setTimer(leftMs);
      const detail = `after ${this.#limits.timeoutMs} ms`;
      this.#fail(new HttpPoolError('HTTP_TIMEOUT', this.#pool.origin, { detail }));
    });
  }

  readonly #onAbort = (): void => this.#fail(this.#aborted());

  #aborted(): HttpPoolError {
    return new HttpPoolError('HTTP_ABORTED', this.#pool.origin, { cause: this.#limits.signal?.reason });
  }

  #tooLarge(): HttpPoolError {
    const detail = `more than ${this.#limits.maxResponseBytes} bytes`;
    return new HttpPoolError('HTTP_RESPONSE_TOO_LARGE', this.#pool.origin, { detail });
  }

  /** A call that waits for its connection keeps its place until the connection is there or fails: it is taken. */
  #fail(error: HttpPoolError): void {
    this.#finish();
    this.#leave(this.#isDispatched ? outcomeOf(error) : 'unknown');
    this.#pool.countFailure(error);
    this.#reader.failed(error);
    if (this.#isDispatched) this.#control?.abort(error);
    else this.#pool.withdraw(this);
  }

  /** Tells the gate what the call says of its origin: with the head of the answer, as its body may take long. */
  #leave(outcome: CallOutcome): void {
    if (this.#entry === undefined) return;
    this.#pool.gate?.leave(this.#entry, outcome);
    this.#entry = undefined;
  }

  #finish(): void {
    this.#isOver = true;
    this.#cancelTimer?.();
    this.#limits.signal?.removeEventListener('abort', this.#onAbort);
  }
}

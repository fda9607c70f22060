import type { UpstreamCall, UpstreamHeaders, UpstreamRequest } from '../upstream/upstream-call.ts';
import { Attempt, type AttemptOwner } from './attempt.ts';
import type { Backend } from './backend.ts';
import type { CallShared } from './call-shared.ts';
import type { Hedging } from './hedging.ts';
import type { TargetCall, TargetFailure, TargetSink } from './target.ts';

const MAX_ATTEMPTS = 2;
/** Clients mark their own further attempts. */
const ATTEMPT_LINE = /^peregrine-attempt:/im;
const LISTEN = 'subscriptions/listen';
const NO_BACKEND: TargetFailure = {
  reason: 'unavailable',
  message: 'No server can be asked now; the call was not made',
  retryAfterSeconds: 1,
};
const SESSION_GONE: TargetFailure = {
  reason: 'session-gone',
  message: 'Session not found: the server that had it is no more',
  retryAfterSeconds: undefined,
};

/**
 * One call to replicas: an attempt at one of them, and where that is allowed a second one at another.
 *
 * Once an attempt's answer has begun to be passed on, nothing is tried again.
 */
export class ReplicaCall implements UpstreamCall, AttemptOwner {
  readonly tool: string | undefined;
  readonly isOpenEnded: boolean;
  readonly #shared: CallShared;
  readonly #call: TargetCall;
  readonly #sink: TargetSink;
  readonly #isSafe: boolean;
  /** Attempts that go on; the second one while a hedge does. */
  #first: Attempt | undefined;
  #second: Attempt | undefined;
  #winner: Attempt | undefined;
  #attempts = 0;
  #tried: Set<string> | undefined;
  #startedAt = 0;
  #cancelHedge: (() => void) | undefined;

  constructor(shared: CallShared, call: TargetCall, sink: TargetSink) {
    this.#shared = shared;
    this.#call = call;
    this.#sink = sink;
    this.#isSafe = call.session === undefined && shared.safeCalls.isSafe(call.rpcMethod, call.rpcName);
    this.tool = call.rpcMethod === 'tools/call' ? call.rpcName : undefined;
    this.isOpenEnded = (call.method === 'GET' && call.pathPrefix === undefined) || call.rpcMethod === LISTEN;
  }

  start(): void {
    const { clock, budget, hedging } = this.#shared;
    this.#startedAt = clock.now();
    budget.request(this.#startedAt);
    if (this.#call.session !== undefined) this.#askOwner(this.#call.session);
    else if (!this.#begin(this.#startedAt)) this.#sink.failed(NO_BACKEND);
    else if (hedging !== undefined && this.#isSafe) this.#hedgeLater(hedging);
  }

  pause(): void {
    this.#winner?.pause();
  }

  resume(): void {
    this.#winner?.resume();
  }

  abort(): void {
    this.#cancelHedge?.();
    this.#first?.abort();
    this.#second?.abort();
    this.#forget();
  }

  mayReplace(attempt: Attempt, isHarmless: boolean): boolean {
    if (this.#winner !== undefined) return false;
    if (this.#other(attempt) !== undefined) return true;
    if (this.#attempts >= MAX_ATTEMPTS || this.#call.session !== undefined || this.#call.method !== 'POST')
      return false;
    return (isHarmless || this.#isSafe) && this.#shared.clock.now() - this.#startedAt < this.#shared.deadlineMs;
  }

  replace(attempt: Attempt): boolean {
    const { clock, budget, counts } = this.#shared;
    const now = clock.now();
    if (this.#other(attempt) === undefined) {
      if (!budget.take(now)) return false;
      this.#drop(attempt);
      if (!this.#begin(now)) {
        this.#first = attempt;
        return false;
      }
      counts.retries++;
    } else this.#drop(attempt);
    return true;
  }

  began(attempt: Attempt): void {
    this.#shared.waiting.delete(attempt);
  }

  head(attempt: Attempt, status: number, headers: UpstreamHeaders): void {
    const { hedging, clock, counts } = this.#shared;
    this.#cancelHedge?.();
    this.#winner = attempt;
    const loser = this.#other(attempt);
    if (loser !== undefined) {
      if (attempt === this.#second) counts.hedgesWon++;
      this.#shared.waiting.delete(loser);
      loser.abort();
    }
    if (hedging !== undefined && this.#isSafe) hedging.record(this.#call, clock.now() - this.#startedAt);
    this.#shared.reported(attempt.backend, headers);
    this.#sink.head(status, headers, attempt.backend.alias);
  }

  data(chunk: Buffer): void {
    this.#sink.data(chunk);
  }

  ended(): void {
    this.#forget();
    this.#sink.ended();
  }

  failed(attempt: Attempt, failure: TargetFailure): void {
    this.#cancelHedge?.();
    this.#drop(attempt);
    this.#forget();
    this.#sink.failed(failure);
  }

  /** Picks a backend that was not asked yet and whose circuits are closed, and asks it. */
  #begin(now: number): boolean {
    const { balancer, backends } = this.#shared;
    for (;;) {
      const chosen = balancer.pick(this.#tried === undefined ? undefined : { exclude: this.#tried });
      if (chosen === undefined) return false;
      const backend = backends.get(chosen.id);
      if (backend === undefined) {
        chosen.settle('unknown');
        this.#exclude(chosen.id);
        continue;
      }
      const attempt = new Attempt(this, backend, chosen, now);
      if (backend.circuits.enter(this.tool, attempt)) {
        this.#send(attempt, backend);
        return true;
      }
      chosen.settle('unknown');
      this.#exclude(chosen.id);
    }
  }

  /** Only the owner of a session can serve it, whether it is healthy or not. */
  #askOwner({ backend: alias, id }: NonNullable<TargetCall['session']>): void {
    const backend = this.#shared.owner(alias);
    const chosen = backend && this.#shared.balancer.take(backend.id);
    if (backend === undefined || chosen === undefined) {
      this.#sink.failed(SESSION_GONE);
      return;
    }
    const attempt = new Attempt(this, backend, chosen, this.#startedAt);
    if (backend.circuits.enter(this.tool, attempt)) {
      this.#send(attempt, backend, `Mcp-Session-Id: ${id}\r\n`);
      return;
    }
    chosen.settle('unknown');
    this.#sink.failed(NO_BACKEND);
  }

  #send(attempt: Attempt, backend: Backend, sessionLine = ''): void {
    const { method, pathPrefix, headerLines, body } = this.#call;
    this.#attempts++;
    if (this.#first === undefined) this.#first = attempt;
    else this.#second = attempt;
    if (method !== 'GET' || pathPrefix !== undefined) this.#shared.waiting.add(attempt);
    const isMarked = this.#attempts === 1 || ATTEMPT_LINE.test(headerLines);
    const attemptLine = isMarked ? '' : `Peregrine-Attempt: ${this.#attempts}\r\n`;
    const request: UpstreamRequest = {
      method,
      path: pathPrefix === undefined ? backend.path : pathPrefix + backend.path,
      headerLines: headerLines + sessionLine + attemptLine,
      body,
    };
    attempt.send(request);
  }

  /** HOT with hedging only: a timer for each safe call. */
  #hedgeLater(hedging: Hedging): void {
    const { clock, counts } = this.#shared;
    hedging.request(this.#startedAt);
    const delayMs = hedging.delayMs(this.#call);
    if (delayMs === undefined || this.#first === undefined || this.#winner !== undefined) return;
    this.#cancelHedge = clock.after(delayMs, () => {
      const first = this.#first;
      if (first === undefined || this.#winner !== undefined || this.#attempts > 1) return;
      const now = clock.now();
      if (!hedging.take(now)) return;
      this.#exclude(first.backend.id);
      if (this.#begin(now)) counts.hedges++;
    });
  }

  #other(attempt: Attempt): Attempt | undefined {
    return attempt === this.#first ? this.#second : this.#first;
  }

  /** Forgets an attempt that has ended, and does not ask its backend again. */
  #drop(attempt: Attempt): void {
    this.#exclude(attempt.backend.id);
    this.#shared.waiting.delete(attempt);
    if (attempt === this.#first) {
      this.#first = this.#second;
      this.#second = undefined;
    } else if (attempt === this.#second) this.#second = undefined;
  }

  #exclude(id: string): void {
    this.#tried ??= new Set();
    this.#tried.add(id);
  }

  #forget(): void {
    if (this.#first !== undefined) this.#shared.waiting.delete(this.#first);
    if (this.#second !== undefined) this.#shared.waiting.delete(this.#second);
    this.#first = undefined;
    this.#second = undefined;
  }
}

import { type ConnectionOwner, LoadConnection } from './load-connection.ts';
import type { LoadPlan, PreparedRequest } from './load-plan.ts';

/** What users ask of, and report to, the run that they belong to. */
export interface UserOwner {
  readonly plan: LoadPlan;
  /** It can send: for the first time, again after an answer, or over a new connection. */
  ready(user: LoadUser, nowMs: number): void;
  answered(user: LoadUser, connection: LoadConnection, nowMs: number): void;
  failed(user: LoadUser, reason: string, wasBusy: boolean): void;
  /** There is no use in going on. */
  abort(reason: string): void;
}

/** One of the users that a run imitates: a connection, and what it does with it. */
export class LoadUser implements ConnectionOwner {
  readonly index: number;
  /** The request under way, or the last one. */
  request: PreparedRequest | undefined;
  /** When it should have been sent. */
  intendedMs = 0;
  readonly #run: UserOwner;
  readonly #connection: LoadConnection;
  #isGreeted: boolean;

  constructor(run: UserOwner, index: number) {
    this.#run = run;
    this.index = index;
    this.#isGreeted = run.plan.greeter === undefined;
    this.#connection = new LoadConnection(this, run.plan.target, true, run.plan.clock);
  }

  get isBusy(): boolean {
    return this.#connection.isBusy && this.request !== undefined;
  }

  /** Connects, if it is not connected. */
  open(): void {
    this.#connection.open();
  }

  close(): void {
    this.#connection.close();
  }

  send(intendedMs: number, nowMs: number): void {
    this.intendedMs = intendedMs;
    this.request = this.#run.plan.next(this.index);
    this.#connection.send(this.request.wire, nowMs);
  }

  /** Gives up an answer that does not come. */
  sweep(nowMs: number): void {
    const { isBusy, sentMs } = this.#connection;
    if (isBusy && nowMs - sentMs > this.#run.plan.timeoutMs) this.#connection.abort('timeout');
  }

  connected(connection: LoadConnection): void {
    if (connection.isBusy) return; // It was replaced, and what was to be sent is on its way.
    const { greeter, clock } = this.#run.plan;
    if (this.#isGreeted || greeter === undefined) this.#run.ready(this, clock.now());
    else connection.send(greeter.begin(this.index), clock.now());
  }

  answered(connection: LoadConnection, nowMs: number): void {
    if (!this.#isGreeted) return this.#greet(connection, nowMs);
    this.#run.answered(this, connection, nowMs);
    this.#run.ready(this, nowMs);
  }

  failed(_connection: LoadConnection, reason: string, wasBusy: boolean): void {
    this.#run.failed(this, reason, wasBusy && this.request !== undefined);
    this.request = undefined;
  }

  #greet(connection: LoadConnection, nowMs: number): void {
    try {
      const further = this.#run.plan.greeter?.next(this.index, connection);
      if (further !== undefined) return connection.send(further, nowMs);
      this.#isGreeted = true;
      this.#run.ready(this, nowMs);
    } catch (error) {
      this.#run.abort(`the handshake failed: ${(error as Error).message}`);
    }
  }
}

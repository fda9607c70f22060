import type { UpstreamCall, UpstreamRequest, UpstreamSink } from './upstream-call.ts';
import type { UpstreamCallError } from './upstream-error.ts';

/** What carries a call: a connection. */
export interface CallCarrier {
  pause(): void;
  resume(): void;
  /** The call was aborted. */
  abandon(): void;
}

/** A call on its way: first without a connection, then with one. */
export class HttpCall implements UpstreamCall {
  readonly request: UpstreamRequest;
  readonly sink: UpstreamSink;
  /** The tick in which it was made. */
  readonly since: number;
  connection: CallCarrier | undefined = undefined;
  isPaused = false;
  /** Whether the sink has heard the last it will hear. */
  isOver = false;
  readonly #leave: (call: HttpCall) => void;

  /** @param leave Takes it out of the line when it is aborted before it has a connection. */
  constructor(request: UpstreamRequest, sink: UpstreamSink, since: number, leave: (call: HttpCall) => void) {
    this.request = request;
    this.sink = sink;
    this.since = since;
    this.#leave = leave;
  }

  pause(): void {
    if (this.isOver) return;
    this.isPaused = true;
    this.connection?.pause();
  }

  resume(): void {
    if (this.isOver || !this.isPaused) return;
    this.isPaused = false;
    this.connection?.resume();
  }

  abort(): void {
    if (this.isOver) return;
    this.isOver = true;
    if (this.connection === undefined) this.#leave(this);
    else this.connection.abandon();
  }

  fail(error: UpstreamCallError): void {
    if (this.isOver) return;
    this.isOver = true;
    this.sink.failed(error);
  }
}

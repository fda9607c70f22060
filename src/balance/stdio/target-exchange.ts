import type { CancelTimer, Clock } from '../../kernel/clock.ts';
import { type ExtraHeaders, FieldHead, type RequestHead, STREAM_HEADERS } from '../../transport/transport.ts';
import type { TargetCall, TargetFailure, TargetSink } from '../gateway/target.ts';
import type { FailingExchange } from '../relay/front-request.ts';
import type { UpstreamHeaders } from '../upstream/upstream-call.ts';

/** Pause between the comments that keep a stream open. */
const KEEP_ALIVE_MS = 15_000;

/** The header of a call to a target, read from its lines. */
class CallHead extends FieldHead {
  readonly #fields = new Map<string, string>();

  constructor(lines: string) {
    super();
    for (const line of lines.split('\r\n')) {
      const colon = line.indexOf(':');
      if (colon <= 0) continue;
      const name = line.slice(0, colon).toLowerCase();
      const value = line.slice(colon + 1).trim();
      const earlier = this.#fields.get(name);
      this.#fields.set(name, earlier === undefined ? value : `${earlier}, ${value}`);
    }
  }

  field(name: string): string | undefined {
    return this.#fields.get(name);
  }

  readonly path = undefined;

  each(visit: (name: string, value: string) => void): void {
    for (const [name, value] of this.#fields) visit(name, value);
  }

  all(): Headers {
    return new Headers([...this.#fields]);
  }

  protected entries(): Iterable<[string, string]> {
    return this.#fields;
  }
}

/** A gateway's call as an exchange: what is answered goes to the call's sink, as HTTP would carry it. */
export class TargetExchange implements FailingExchange {
  readonly head: RequestHead;
  closed = false;
  onClose: (() => void) | undefined = undefined;
  readonly canStream: boolean;
  readonly #sink: TargetSink;
  readonly #backend: string;
  readonly #clock: Clock;
  #state: 'waiting' | 'streaming' | 'done' = 'waiting';
  #cancelKeepAlive: CancelTimer | undefined;

  constructor(call: TargetCall, sink: TargetSink, backend: string, clock: Clock) {
    this.head = new CallHead(call.headerLines);
    const { accept } = this.head;
    this.canStream = accept === undefined || /text\/(?:event-stream|\*)|\*\/\*/.test(accept);
    this.#sink = sink;
    this.#backend = backend;
    this.#clock = clock;
  }

  notify(text: string): void {
    if (this.#state === 'done' || !this.canStream) return;
    if (this.#state === 'waiting') {
      this.#state = 'streaming';
      this.#sink.head(200, new AnswerHeaders(STREAM_HEADERS), this.#backend);
      const comment = Buffer.from(': keep-alive\n\n');
      this.#cancelKeepAlive = this.#clock.every(KEEP_ALIVE_MS, () => this.#sink.data(comment));
    }
    this.#sink.data(Buffer.from(`event: message\ndata: ${text}\n\n`));
  }

  respond(status: number, text: string, bytes: Uint8Array = EMPTY, headers: ExtraHeaders = []): void {
    const wasStreaming = this.#state === 'streaming';
    if (!this.#finish()) return;
    const body = Buffer.concat([Buffer.from(text), bytes]);
    if (wasStreaming) {
      this.#sink.data(Buffer.concat([Buffer.from('event: message\ndata: '), body, Buffer.from('\n\n')]));
    } else {
      const type = body.length > 0 ? [['Content-Type', 'application/json'] as const] : [];
      this.#sink.head(status, new AnswerHeaders([...type, ...headers]), this.#backend);
      if (body.length > 0) this.#sink.data(body);
    }
    this.#sink.ended();
  }

  /** No answer will come; nothing happens when one has. */
  fail(failure: TargetFailure): void {
    if (this.#finish()) this.#sink.failed(failure);
  }

  /** The client has gone. */
  disconnect(): void {
    this.closed = true;
    if (this.#finish()) this.onClose?.();
  }

  #finish(): boolean {
    if (this.#state === 'done') return false;
    this.#state = 'done';
    this.#cancelKeepAlive?.();
    return true;
  }
}

const EMPTY = new Uint8Array(0);

class AnswerHeaders implements UpstreamHeaders {
  readonly #fields: ReadonlyMap<string, string>;

  constructor(fields: ExtraHeaders) {
    this.#fields = new Map(fields.map(([name, value]) => [name.toLowerCase(), value]));
  }

  get(name: string): string | undefined {
    return this.#fields.get(name.toLowerCase());
  }

  entries(): Iterable<readonly [string, string]> {
    return this.#fields;
  }
}

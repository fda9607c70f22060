import type { Clock } from '../../kernel/clock.ts';
import {
  type ExtraHeaders,
  FieldHead,
  HttpExchange,
  resolveTransportLimits,
  STREAM_HEADERS,
} from '../../transport/transport.ts';
import type { TargetCall, TargetFailure, TargetSink } from '../gateway/target.ts';
import type { FailingExchange } from '../relay/front-request.ts';
import type { UpstreamHeaders } from '../upstream/upstream-call.ts';

const LIMITS = resolveTransportLimits();

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

  all(): Headers {
    return new Headers([...this.#fields]);
  }

  protected entries(): Iterable<[string, string]> {
    return this.#fields;
  }
}

/** A gateway's call as an exchange: what is answered goes to the call's sink, as HTTP would carry it. */
export class TargetExchange extends HttpExchange implements FailingExchange {
  readonly #sink: TargetSink;
  readonly #backend: string;
  #isOver = false;

  constructor(call: TargetCall, sink: TargetSink, backend: string, clock: Clock) {
    super(new CallHead(call.headerLines), { clock, limits: LIMITS });
    this.#sink = sink;
    this.#backend = backend;
  }

  /** No answer will come; nothing happens when one has. */
  fail(failure: TargetFailure): void {
    if (this.#isOver || this.closed) return;
    this.disconnected();
    this.#isOver = true;
    this.#sink.failed(failure);
  }

  protected writeAnswer(
    status: number,
    text: string,
    bytes: Uint8Array | undefined,
    headers: ExtraHeaders | undefined,
  ): void {
    const body = bytes === undefined ? Buffer.from(text) : Buffer.concat([Buffer.from(text), bytes]);
    const type = body.length > 0 ? [['Content-Type', 'application/json'] as const] : [];
    this.#sink.head(status, new AnswerHeaders([...type, ...(headers ?? [])]), this.#backend);
    if (body.length > 0) this.#sink.data(body);
    this.endStream();
  }

  protected openStream(): void {
    this.#sink.head(200, new AnswerHeaders(STREAM_HEADERS), this.#backend);
  }

  /** The receiver's back-pressure is its own affair: nothing waits here. */
  protected writeChunk(text: string, bytes?: Uint8Array): number {
    if (this.#isOver) return 0;
    this.#sink.data(Buffer.from(text));
    if (bytes !== undefined) this.#sink.data(Buffer.from(bytes));
    return 0;
  }

  protected endStream(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#sink.ended();
  }

  protected destroy(): void {
    this.disconnected();
  }
}

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

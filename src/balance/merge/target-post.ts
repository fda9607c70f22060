import { EventStreamReader, isObject, ProtocolError, parseMessage } from '../../wire/wire.ts';
import type { Target, TargetCall, TargetFailure } from '../gateway/target.ts';
import { ANSWER_BOUNDS } from '../relay/peer.ts';
import type { UpstreamCall, UpstreamHeaders } from '../upstream/upstream-call.ts';

/** What is sent to a target, and as what. */
export interface TargetMessage {
  readonly method: 'POST' | 'GET' | 'DELETE';
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly text?: string | undefined;
  readonly rpcMethod?: string;
  readonly rpcName?: string | undefined;
  readonly session?: TargetCall['session'];
}

/** Gets an answer as messages, then one of `ended` and `failed`. */
export interface TargetMessageSink {
  head?(status: number, headers: UpstreamHeaders, backend: string): void;
  message(message: unknown): void;
  ended(status: number): void;
  failed(failure: TargetFailure): void;
}

const COMMON: TargetMessage['headers'] = [
  ['Content-Type', 'application/json'],
  ['Accept', 'application/json, text/event-stream'],
];

/**
 * Sends a message to a target and reads what comes back, be it one message or a stream of them.
 *
 * @returns What ends the call.
 */
export function exchangeMessages(
  target: Target,
  message: TargetMessage,
  maxBytes: number,
  sink: TargetMessageSink,
): () => void {
  const reading = new Reading(maxBytes, sink);
  const { method, text, rpcMethod, rpcName, session } = message;
  const headers = method === 'POST' ? [...COMMON, ...message.headers] : message.headers;
  const call = {
    method,
    headerLines: headers.map(([name, value]) => `${name}: ${value}\r\n`).join(''),
    body: text,
    rpcMethod,
    rpcName,
    session,
  };
  reading.begun(target.send(call, reading));
  return () => reading.abort();
}

/** Reads one answer. */
class Reading {
  readonly #maxBytes: number;
  readonly #sink: TargetMessageSink;
  #call: UpstreamCall | undefined;
  #stream: EventStreamReader | undefined;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #status = 0;
  #over = false;

  constructor(maxBytes: number, sink: TargetMessageSink) {
    this.#maxBytes = maxBytes;
    this.#sink = sink;
  }

  begun(call: UpstreamCall): void {
    this.#call = call;
    if (this.#over) call.abort();
  }

  abort(): void {
    this.#over = true;
    this.#call?.abort();
  }

  head(status: number, headers: UpstreamHeaders, backend: string): void {
    this.#status = status;
    if (headers.get('content-type')?.startsWith('text/event-stream'))
      this.#stream = new EventStreamReader(this.#maxBytes, {
        data: (text) => this.#deliver(text),
        tooLong: () => this.#tooLong(),
      });
    this.#sink.head?.(status, headers, backend);
  }

  data(chunk: Buffer): void {
    if (this.#over) return;
    if (this.#stream !== undefined) {
      this.#stream.push(chunk);
      return;
    }
    this.#bytes += chunk.length;
    if (this.#bytes > this.#maxBytes) this.#tooLong();
    else this.#chunks.push(Buffer.from(chunk));
  }

  ended(): void {
    if (this.#over) return;
    if (this.#bytes > 0) this.#deliver(Buffer.concat(this.#chunks).toString('utf8'));
    if (this.#over) return;
    this.#over = true;
    this.#sink.ended(this.#status);
  }

  failed(failure: TargetFailure): void {
    if (this.#over) return;
    this.#over = true;
    this.#sink.failed(failure);
  }

  #tooLong(): void {
    const message = `the answer exceeds ${this.#maxBytes} bytes`;
    this.failed({ reason: 'lost', message, retryAfterSeconds: undefined });
    this.#call?.abort();
  }

  #deliver(text: string): void {
    const message = parseMessage(text, ANSWER_BOUNDS);
    if (message instanceof ProtocolError) return; // Such as the HTML page of something in between: the status says enough.
    for (const one of Array.isArray(message) ? message : [message])
      if (isObject(one) && !this.#over) this.#sink.message(one);
  }
}

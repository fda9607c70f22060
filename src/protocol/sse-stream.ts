import type { CancelTimer, Clock } from '../kernel/clock.ts';
import {
  type Exchange,
  type MessageSink,
  type Relay,
  type RequestHead,
  STREAM_HEADERS,
  type TransportLimits,
} from '../transport/transport.ts';

const HEADER_LINES = STREAM_HEADERS.map(([name, value]) => `${name}: ${value}\r\n`).join('');
const COMMENT = ': keep-alive\n\n';

export interface SseStreamParts {
  readonly limits: TransportLimits;
  readonly clock: Clock;
  /** Runs with each comment that keeps it open. */
  readonly ticked: () => void;
  /** Runs when it is over, whoever ended it. */
  readonly gone: () => void;
}

/** One event stream that carries a connection's messages to its client. A client that does not read is cut off. */
export class SseStream implements MessageSink {
  readonly head: RequestHead | undefined;
  readonly #relay: Relay;
  readonly #maxWaitingBytes: number;
  readonly #cancelKeepAlive: CancelTimer;
  readonly #gone: () => void;
  #isSlow = false;
  #waitingBytes = 0;

  private constructor(exchange: Exchange, relay: Relay, { limits, clock, ticked, gone }: SseStreamParts) {
    this.head = exchange.head;
    this.#gone = gone;
    this.#relay = relay;
    this.#maxWaitingBytes = limits.maxStreamBufferBytes;
    relay.onDrain = () => {
      this.#isSlow = false;
      this.#waitingBytes = 0;
    };
    this.#cancelKeepAlive = clock.every(limits.streamKeepAliveMs, () => {
      this.#write(COMMENT);
      ticked();
    });
  }

  /**
   * Begins a stream, whose first event names the URL to post to.
   *
   * @returns Nothing where the client has gone already.
   */
  static begin(exchange: Exchange, url: string, parts: SseStreamParts): SseStream | undefined {
    const relay = exchange.relay?.(200, HEADER_LINES, undefined);
    if (relay === undefined) return undefined;
    const stream = new SseStream(exchange, relay, parts);
    exchange.onClose = () => stream.#over();
    stream.#write(`event: endpoint\ndata: ${url}\n\n`);
    return stream;
  }

  send(text: string, bytes?: Uint8Array): void {
    this.#write(`event: message\ndata: ${bytes === undefined ? text : text + Buffer.from(bytes).toString()}\n\n`);
  }

  /** Ends it in an orderly way. */
  end(): void {
    this.#relay.end();
    this.#over();
  }

  #over(): void {
    this.#cancelKeepAlive();
    this.#gone();
  }

  #write(text: string): void {
    const piece = Buffer.from(text);
    if (!this.#relay.write(piece)) this.#isSlow = true;
    if (!this.#isSlow) return;
    this.#waitingBytes += piece.length;
    if (this.#waitingBytes > this.#maxWaitingBytes) this.#relay.cut();
  }
}

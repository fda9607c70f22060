import type { CancelTimer, Clock } from '../../kernel/clock.ts';
import type { Exchange, ExtraHeaders, Relay, RequestHead } from '../exchange.ts';
import type { TransportLimits } from '../limits.ts';

/** What all HTTP exchanges of one server share. */
export interface HttpExchangeShared {
  readonly clock: Clock;
  readonly limits: TransportLimits;
}

/** The header fields of an event stream, beyond those of the connection. */
export const STREAM_HEADERS: ExtraHeaders = Object.freeze([
  ['Content-Type', 'text/event-stream'],
  ['Cache-Control', 'no-cache, no-transform'],
  ['X-Accel-Buffering', 'no'],
] as const);

/**
 * The life of one HTTP request, whatever carries it: waiting, streaming or done.
 *
 * Subclasses write; this class decides what is written, and when nothing may be.
 */
export abstract class HttpExchange implements Exchange, Relay {
  readonly head: RequestHead;
  closed = false;
  onClose: (() => void) | undefined = undefined;
  onDrain: (() => void) | undefined = undefined;
  protected readonly shared: HttpExchangeShared;
  #state: 'waiting' | 'streaming' | 'done' = 'waiting';
  #cancelKeepAlive: CancelTimer | undefined;

  constructor(head: RequestHead, shared: HttpExchangeShared) {
    this.head = head;
    this.shared = shared;
  }

  /** Writes a whole answer with its header. */
  protected abstract writeAnswer(
    status: number,
    text: string,
    bytes: Uint8Array | undefined,
    headers: ExtraHeaders | undefined,
  ): void;
  /** Writes the header of an event stream. */
  protected abstract openStream(): void;
  /** Writes the header of an answer that comes in pieces. */
  protected abstract openRelay(status: number, headerLines: string, length: number | undefined): void;
  /** Writes a piece of it; answers false when no more should come for now. */
  protected abstract relayPiece(piece: Buffer): boolean;
  /** Ends it. */
  protected abstract endRelay(): void;
  /** Writes a piece of the stream, and says how many bytes wait to be read by the client. */
  protected abstract writeChunk(text: string, bytes?: Uint8Array): number;
  /** Ends the stream in an orderly way. */
  protected abstract endStream(): void;
  /** Ends the connection at once: its reader is too slow. */
  protected abstract destroy(): void;

  get done(): boolean {
    return this.#state === 'done';
  }

  get canStream(): boolean {
    const { accept } = this.head;
    return (
      accept === undefined ||
      accept.includes('text/event-stream') ||
      accept.includes('*/*') ||
      accept.includes('text/*')
    );
  }

  notify(text: string, eventId?: string): void {
    if (!this.#stream()) return;
    const id = eventId === undefined ? '' : `id: ${eventId}\n`;
    this.#chunk(`${id}event: message\ndata: ${text}\n\n`);
  }

  open(eventId: string | undefined, retryMs: number): void {
    if (!this.#stream()) return;
    this.#chunk(eventId === undefined ? `retry: ${retryMs}\n\n` : `id: ${eventId}\nretry: ${retryMs}\ndata: \n\n`);
  }

  finish(): void {
    if (this.closed || this.#state !== 'streaming') return;
    this.#state = 'done';
    this.#cancelKeepAlive?.();
    this.endStream();
  }

  /** Whether the answer is an event stream now. */
  #stream(): boolean {
    if (this.closed || this.#state === 'done') return false;
    if (this.#state === 'streaming') return true;
    if (!this.canStream) return false;
    this.#state = 'streaming';
    this.openStream();
    this.#cancelKeepAlive = this.shared.clock.every(this.shared.limits.streamKeepAliveMs, () =>
      this.#chunk(': keep-alive\n\n'),
    );
    return true;
  }

  respond(status: number, text: string, bytes?: Uint8Array, headers?: ExtraHeaders): void {
    if (this.closed || this.#state === 'done') return;
    const streaming = this.#state === 'streaming';
    this.#state = 'done';
    if (!streaming) {
      this.writeAnswer(status, text, bytes, headers);
      return;
    }
    this.#cancelKeepAlive?.();
    this.writeChunk(`event: message\ndata: ${text}`, bytes);
    this.writeChunk('\n\n');
    this.endStream();
  }

  relay(status: number, headerLines: string, length: number | undefined): Relay | undefined {
    if (this.closed || this.#state !== 'waiting') return undefined;
    this.#state = 'streaming';
    this.openRelay(status, headerLines, length);
    return this;
  }

  write(piece: Buffer): boolean {
    return this.closed || this.#state === 'done' || this.relayPiece(piece);
  }

  end(): void {
    if (this.closed || this.#state === 'done') return;
    this.#state = 'done';
    this.endRelay();
  }

  cut(): void {
    if (!this.closed && this.#state !== 'done') this.destroy();
  }

  /** To be called once when the client has gone. */
  disconnected(): void {
    if (this.closed) return;
    this.closed = true;
    this.#cancelKeepAlive?.();
    if (this.#state === 'done') return;
    this.#state = 'done';
    this.onClose?.();
  }

  #chunk(text: string): void {
    if (this.writeChunk(text) > this.shared.limits.maxStreamBufferBytes) this.destroy();
  }
}

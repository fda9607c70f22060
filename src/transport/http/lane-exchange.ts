import { isAscii } from 'node:buffer';
import { latin1 } from '../body.ts';
import type { ExtraHeaders } from '../exchange.ts';
import { corsHeaders } from './cors.ts';
import { HttpExchange, type HttpExchangeShared, STREAM_HEADERS } from './http-exchange.ts';
import type { LaneHead } from './lane-head.ts';

/** What an exchange needs of the connection that carries it. */
export interface LaneCarrier {
  readonly remoteAddress: string | undefined;
  /** Whether so much waits to be sent that no more should come for now. */
  readonly isSlow: boolean;
  /** The header lines that every response has, `Content-Length` not among them; ends with CRLF. */
  commonHeaders(): string;
  /** All that comes before the length in the answer to nearly every request. */
  okHead(): string;
  /** Writes one piece of a response; answers the bytes that wait to be sent. Plain ASCII is written faster. */
  write(text: string, bytes?: Uint8Array, isAscii?: boolean): number;
  /** The response is complete: the next request may be read. */
  finished(): void;
  /** Ends the connection at once. */
  destroy(): void;
}

const REASONS: { readonly [status: number]: string } = {
  200: 'OK',
  202: 'Accepted',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  409: 'Conflict',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};

const END_OF_HEAD = '\r\n\r\n';

/** A request that the lane read; its answer is written as one piece. */
export class LaneExchange extends HttpExchange {
  declare readonly head: LaneHead;
  readonly #carrier: LaneCarrier;
  #isChunked = false;

  constructor(head: LaneHead, shared: HttpExchangeShared, carrier: LaneCarrier) {
    super(head, shared);
    this.#carrier = carrier;
  }

  get remoteAddress(): string | undefined {
    return this.#carrier.remoteAddress;
  }

  /** HOT: header and body leave in one string, hence one system call; guarded by `npm run bench`. */
  protected writeAnswer(
    status: number,
    text: string,
    bytes: Uint8Array | undefined,
    headers: ExtraHeaders | undefined,
  ): void {
    const textBytes = Buffer.byteLength(text);
    const length = textBytes + (bytes === undefined ? 0 : bytes.byteLength);
    const isUsual = status === 200 && length > 0 && headers === undefined && this.head.origin === undefined;
    const head = isUsual ? this.#carrier.okHead() : this.#headFor(status, length > 0, headers);
    this.#carrier.write(head + length + END_OF_HEAD + text, bytes, textBytes === text.length);
    this.#carrier.finished();
  }

  #headFor(status: number, hasBody: boolean, headers: ExtraHeaders | undefined): string {
    const type = hasBody ? 'Content-Type: application/json\r\n' : '';
    return `HTTP/1.1 ${status} ${REASONS[status] ?? 'Status'}\r\n${type}${headerLines(headers ?? [])}${this.#commonHeaders()}Content-Length: `;
  }

  /** An origin that the lane serves is an allowed one. */
  #commonHeaders(): string {
    const { origin } = this.head;
    return (origin === undefined ? '' : headerLines(corsHeaders(origin))) + this.#carrier.commonHeaders();
  }

  protected openStream(): void {
    this.#carrier.write(
      `HTTP/1.1 200 OK\r\n${headerLines(STREAM_HEADERS)}${this.#commonHeaders()}Transfer-Encoding: chunked\r\n\r\n`,
    );
  }

  protected openRelay(status: number, headerLines: string, length: number | undefined): void {
    this.#isChunked = length === undefined;
    const framing = length === undefined ? 'Transfer-Encoding: chunked' : `Content-Length: ${length}`;
    const head = `HTTP/1.1 ${status} ${REASONS[status] ?? 'Status'}\r\n${headerLines}${this.#commonHeaders()}`;
    this.#carrier.write(`${head}${framing}${END_OF_HEAD}`, undefined, true);
  }

  /** Plain ASCII is gathered with what else there is to send; other bytes are copied, for their buffer is used again. */
  protected relayPiece(piece: Buffer): boolean {
    const before = this.#isChunked ? `${piece.length.toString(16)}\r\n` : '';
    const after = this.#isChunked ? '\r\n' : '';
    if (isAscii(piece)) this.#carrier.write(before + latin1(piece, 0, piece.length) + after, undefined, true);
    else {
      this.#carrier.write(before, Buffer.from(piece), true);
      if (after !== '') this.#carrier.write(after, undefined, true);
    }
    return !this.#carrier.isSlow;
  }

  protected endRelay(): void {
    if (this.#isChunked) this.#carrier.write('0\r\n\r\n', undefined, true);
    this.#carrier.finished();
  }

  protected writeChunk(text: string, bytes?: Uint8Array): number {
    const size = Buffer.byteLength(text) + (bytes?.byteLength ?? 0);
    if (bytes === undefined) return this.#carrier.write(`${size.toString(16)}\r\n${text}\r\n`);
    this.#carrier.write(`${size.toString(16)}\r\n${text}`, bytes);
    return this.#carrier.write('\r\n');
  }

  protected endStream(): void {
    this.#carrier.write('0\r\n\r\n');
    this.#carrier.finished();
  }

  protected destroy(): void {
    this.#carrier.destroy();
  }
}

function headerLines(headers: ExtraHeaders): string {
  return headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
}

import { ChunkedBody } from './chunked-body.ts';
import { parseResponseHead, ResponseFormatError, type ResponseHead } from './response-head.ts';

const MAX_HEAD_BYTES = 32_768;

const HEAD = 0;
const SIZED = 1;
const CHUNKED = 2;
const DONE = 3;

/**
 * Reads one answer after another from a kept-alive connection without pipelining.
 *
 * HOT: runs once per answer; a head that arrives whole is parsed in place and nothing is allocated.
 */
export class ResponseReader {
  readonly head: ResponseHead = { status: 0, contentLength: -1, chunked: false, close: false };
  /** Bytes of the decoded body so far. */
  bodyBytes = 0;
  readonly #chunked = new ChunkedBody();
  readonly #sink: (bytes: Uint8Array, from: number, to: number) => void;
  #state = HEAD;
  #remaining = 0;
  #carry: Buffer | undefined;
  #parts: Buffer[] = [];

  /** @param keepBody Keep the body's bytes for `body()`, instead of only counting them. */
  constructor(keepBody = false) {
    this.#sink = (bytes, from, to) => {
      this.bodyBytes += to - from;
      if (keepBody) this.#parts.push(Buffer.from(bytes.subarray(from, to)));
    };
  }

  /** Forgets the finished answer and expects the next. */
  next(): void {
    this.bodyBytes = 0;
    this.#state = HEAD;
    this.#carry = undefined;
    if (this.#parts.length > 0) this.#parts = [];
  }

  /** The body as text, when it was kept. */
  body(): string {
    return this.#parts.length === 1 ? (this.#parts[0] as Buffer).toString() : Buffer.concat(this.#parts).toString();
  }

  /**
   * Takes the first `length` bytes of a chunk from the connection.
   *
   * @returns Whether the answer is complete.
   * @throws {ResponseFormatError} Not strict HTTP/1.1, or bytes follow the answer.
   */
  feed(chunk: Uint8Array, length: number): boolean {
    let bytes = chunk;
    let end = length;
    let at = 0;
    if (this.#state === HEAD) {
      if (this.#carry !== undefined) {
        bytes = Buffer.concat([this.#carry, chunk.subarray(0, length)]);
        end = bytes.length;
        this.#carry = undefined;
      }
      at = this.#readHead(bytes, end);
      if (at < 0) return false;
    }
    if (this.#state === SIZED) {
      const to = Math.min(end, at + this.#remaining);
      this.#sink(bytes, at, to);
      this.#remaining -= to - at;
      at = to;
      if (this.#remaining === 0) this.#state = DONE;
    } else if (this.#state === CHUNKED) {
      at = this.#chunked.consume(bytes, at, end, this.#sink);
      if (this.#chunked.done) this.#state = DONE;
    }
    if (at < end) throw new ResponseFormatError(`${end - at} bytes after the end of the answer`);
    return this.#state === DONE;
  }

  /** Parses the head, passing over interim (1xx) ones; -1 when more bytes are needed. */
  #readHead(bytes: Uint8Array, end: number): number {
    let at = 0;
    for (;;) {
      const after = parseResponseHead(bytes, at, end, this.head);
      if (after < 0) {
        if (end - at > MAX_HEAD_BYTES) throw new ResponseFormatError(`head over ${MAX_HEAD_BYTES} bytes`);
        this.#carry = Buffer.from(bytes.subarray(at, end));
        return -1;
      }
      at = after;
      if (this.head.status === 101) throw new ResponseFormatError('101: the connection left HTTP');
      if (this.head.status >= 200) break;
    }
    this.#expectBody();
    return at;
  }

  #expectBody(): void {
    const { status, chunked, contentLength } = this.head;
    if (status === 204 || status === 304) {
      this.#state = DONE;
    } else if (chunked) {
      this.#chunked.reset();
      this.#state = CHUNKED;
    } else if (contentLength >= 0) {
      this.#remaining = contentLength;
      this.#state = contentLength === 0 ? DONE : SIZED;
    } else {
      throw new ResponseFormatError('neither Content-Length nor chunked: the answer ends with the connection');
    }
  }
}

import { ResponseFormatError } from './response-head.ts';

const CR = 13;
const LF = 10;
/** Hexadecimal digits of a chunk's size: at most 2^32 - 1 bytes a chunk. */
const MAX_SIZE_DIGITS = 8;
const MAX_LINE_BYTES = 4_096;

const SIZE = 0;
const EXTENSION = 1;
const SIZE_LF = 2;
const DATA = 3;
const DATA_CR = 4;
const DATA_LF = 5;
const TRAILER_START = 6;
const TRAILER = 7;
const TRAILER_LF = 8;
const END_LF = 9;

/** Receives the bytes `from`..`to` of a chunk's data. */
export type DataSink = (bytes: Uint8Array, from: number, to: number) => void;

function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const lower = byte | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}

/** Incremental decoder of one chunked body; `reset` before each. */
export class ChunkedBody {
  #state = SIZE;
  #size = 0;
  #digits = 0;
  #line = 0;
  #done = false;

  get done(): boolean {
    return this.#done;
  }

  reset(): void {
    this.#state = SIZE;
    this.#size = 0;
    this.#digits = 0;
    this.#line = 0;
    this.#done = false;
  }

  /**
   * @returns The offset after the last byte that belongs to the body: `end` unless the body ended before.
   * @throws {ResponseFormatError} Malformed framing.
   */
  consume(bytes: Uint8Array, start: number, end: number, sink: DataSink): number {
    let at = start;
    while (at < end && !this.#done) {
      if (this.#state === DATA) {
        const to = Math.min(end, at + this.#size);
        sink(bytes, at, to);
        this.#size -= to - at;
        at = to;
        if (this.#size === 0) this.#state = DATA_CR;
      } else {
        this.#framing(bytes[at] as number);
        at++;
      }
    }
    return at;
  }

  #framing(byte: number): void {
    switch (this.#state) {
      case SIZE:
        return this.#sizeByte(byte);
      case EXTENSION:
        return this.#lineByte(byte, SIZE_LF);
      case SIZE_LF:
        return this.#expect(byte, LF, this.#size === 0 ? TRAILER_START : DATA);
      case DATA_CR:
        return this.#expect(byte, CR, DATA_LF);
      case DATA_LF:
        this.#digits = 0;
        return this.#expect(byte, LF, SIZE);
      case TRAILER_START:
        if (byte === CR) this.#state = END_LF;
        else {
          this.#line = 0;
          this.#state = TRAILER;
          this.#lineByte(byte, TRAILER_LF);
        }
        return;
      case TRAILER:
        return this.#lineByte(byte, TRAILER_LF);
      case TRAILER_LF:
        return this.#expect(byte, LF, TRAILER_START);
      default:
        this.#expect(byte, LF, SIZE);
        this.#done = true;
    }
  }

  #sizeByte(byte: number): void {
    const digit = hexDigit(byte);
    if (digit >= 0) {
      if (++this.#digits > MAX_SIZE_DIGITS) throw new ResponseFormatError('chunk size too long');
      this.#size = this.#size * 16 + digit;
      return;
    }
    if (this.#digits === 0) throw new ResponseFormatError('chunk without a size');
    if (byte === CR) this.#state = SIZE_LF;
    else if (byte === 59) {
      this.#line = 0;
      this.#state = EXTENSION;
    } else throw new ResponseFormatError(`byte ${byte} in a chunk size`);
  }

  #lineByte(byte: number, afterCr: number): void {
    if (byte === CR) this.#state = afterCr;
    else if (byte === LF) throw new ResponseFormatError('LF without CR in chunked framing');
    else if (++this.#line > MAX_LINE_BYTES) throw new ResponseFormatError('chunk extension or trailer too long');
  }

  #expect(byte: number, expected: number, next: number): void {
    if (byte !== expected) throw new ResponseFormatError(`byte ${byte} where ${expected} ends a chunk's line`);
    this.#state = next;
  }
}

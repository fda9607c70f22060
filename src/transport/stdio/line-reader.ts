import { decodeBody } from '../body.ts';

/** What a {@link LineReader} tells. */
export interface LineEvents {
  /** One line without its end, never empty. */
  line(text: string): void;
  /** A line exceeded the limit; its rest is passed over. */
  tooLong(): void;
}

const LF = 0x0a;
const CR = 0x0d;
/** Some programs begin what they write with it; it belongs to no message. */
const BYTE_ORDER_MARK = '\ufeff';

/** Cuts a byte stream into lines, bounded in length. Pieces of a long line are joined once, when its end arrives. */
export class LineReader {
  readonly #maxBytes: number;
  readonly #events: LineEvents;
  #pieces: Buffer[] = [];
  #bytes = 0;
  #skipping = false;
  #isFirst = true;

  constructor(maxBytes: number, events: LineEvents) {
    this.#maxBytes = maxBytes;
    this.#events = events;
  }

  push(chunk: Buffer): void {
    let from = 0;
    for (let end = chunk.indexOf(LF); end !== -1; end = chunk.indexOf(LF, from)) {
      this.#add(chunk.subarray(from, end));
      this.#finish();
      from = end + 1;
    }
    if (from < chunk.length) this.#add(chunk.subarray(from));
  }

  /** The stream is over: what came after the last line's end is a line, too. */
  end(): void {
    this.#finish();
  }

  #add(piece: Buffer): void {
    if (this.#skipping) return;
    this.#bytes += piece.length;
    if (this.#bytes <= this.#maxBytes) {
      this.#pieces.push(piece);
      return;
    }
    this.#pieces = [];
    this.#skipping = true;
    this.#events.tooLong();
  }

  #finish(): void {
    const line = this.#pieces.length === 1 ? (this.#pieces[0] as Buffer) : Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#bytes = 0;
    this.#skipping = false;
    const length = line.at(-1) === CR ? line.length - 1 : line.length;
    if (length === 0) return;
    const text = decodeBody(line, 0, length);
    this.#events.line(this.#isFirst && text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text);
    this.#isFirst = false;
  }
}

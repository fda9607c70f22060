const LENGTH_FIELD = /\r\ncontent-length:[ \t]*(\d+)(?=[ \t]*(?:\r\n|$))/i;
const EMPTY = Buffer.alloc(0);
const ZERO = 0x30;
const MAX_DIGITS = 10;
/** Up to so many bytes are compared one by one. */
const MAX_LOOPED = 64;

/**
 * Remembers the last header block of a connection. Clients repeat theirs, and servers do, only the length of the body
 * changes: a block equal to the last but for these digits has an equal head, and a head keeps no state of its message.
 *
 * HOT: this comparison stands for the search of the block's end and for its parsing, and makes no string; guarded by
 * `npm run bench`.
 */
export class HeadMemo<H extends { readonly contentLength: number }> {
  #before: Buffer = EMPTY;
  /** What follows the digits, the empty line included. */
  #after: Buffer = EMPTY;
  #head: H | undefined;
  /** Of the block that matched last: where its body starts, and how long that is; -1 where the block has no length. */
  bodyStart = 0;
  bodyLength = 0;

  /** Remembers a block that was accepted; `text` is all of it but its final empty line. */
  remember(text: string, head: H): void {
    const field = LENGTH_FIELD.exec(text);
    const digits = field?.[1] ?? '';
    this.#head = undefined;
    if (field === null ? head.contentLength >= 0 : Number(digits) !== head.contentLength) return;
    const end = field === null ? text.length : field.index + field[0].length;
    this.#before = Buffer.from(text.slice(0, end - digits.length), 'latin1');
    this.#after = Buffer.from(`${text.slice(end)}\r\n\r\n`, 'latin1');
    this.#head = head;
  }

  /** The remembered head, when the buffer starts with the same block. */
  match(buffer: Buffer): H | undefined {
    const [before, after] = [this.#before, this.#after];
    if (this.#head === undefined || !startsAt(buffer, 0, before)) return undefined;
    const from = before.length;
    if (this.#head.contentLength < 0)
      return startsAt(buffer, from, after) ? this.#found(from + after.length, -1) : undefined;
    let at = from;
    let length = 0;
    for (; at < buffer.length && at - from <= MAX_DIGITS; at++) {
      const digit = (buffer[at] as number) - ZERO;
      if (digit < 0 || digit > 9) break;
      length = length * 10 + digit;
    }
    const digits = at - from;
    if (digits === 0 || digits > MAX_DIGITS || (digits > 1 && buffer[from] === ZERO)) return undefined;
    if (!startsAt(buffer, at, after)) return undefined;
    return this.#found(at + after.length, length);
  }

  #found(bodyStart: number, bodyLength: number): H | undefined {
    this.bodyStart = bodyStart;
    this.bodyLength = bodyLength;
    return this.#head;
  }
}

/** HOT: a few bytes, as mostly follow the length, are compared sooner than the call of a buffer's method has begun. */
function startsAt(buffer: Buffer, at: number, bytes: Buffer): boolean {
  const { length } = bytes;
  if (at + length > buffer.length) return false;
  if (length > MAX_LOOPED) return buffer.compare(bytes, 0, length, at, at + length) === 0;
  for (let index = 0; index < length; index++) if (buffer[at + index] !== bytes[index]) return false;
  return true;
}

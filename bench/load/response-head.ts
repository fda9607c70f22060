/** The server's answer is not strict HTTP/1.1, or not of a kind that a closed loop can read. */
export class ResponseFormatError extends Error {
  override readonly name = 'ResponseFormatError';
}

/** What the reader needs from a response head. Reused from answer to answer. */
export interface ResponseHead {
  status: number;
  /** -1 without Content-Length. */
  contentLength: number;
  chunked: boolean;
  /** The server closes the connection after this answer. */
  close: boolean;
}

const CR = 13;
const LF = 10;
const SPACE = 32;
const TAB = 9;
const COLON = 58;
const ZERO = 48;
/** Enough for any body; keeps the number exact. */
const MAX_LENGTH_DIGITS = 15;

const NAME_BYTES = tableOf("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
const VALUE_BYTES = valueTable();
const HTTP_1_1 = Buffer.from('HTTP/1.1 ');

function tableOf(characters: string): Uint8Array {
  const table = new Uint8Array(256);
  for (const byte of Buffer.from(characters, 'latin1')) table[byte] = 1;
  return table;
}

function valueTable(): Uint8Array {
  const table = new Uint8Array(256).fill(1, SPACE);
  table[TAB] = 1;
  table[127] = 0;
  return table;
}

/** Whether the bytes from `start` are `lower`, without regard to case. */
function isName(bytes: Uint8Array, start: number, lower: string): boolean {
  for (let i = 0; i < lower.length; i++) {
    if (((bytes[start + i] as number) | 32) !== lower.charCodeAt(i)) return false;
  }
  return true;
}

/** Where the value's bytes end (at a CR), or -1 when the chunk ends before. */
function skipValue(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && VALUE_BYTES[bytes[at] as number] === 1) at++;
  if (at === end) return -1;
  if (bytes[at] !== CR) throw new ResponseFormatError(`byte ${bytes[at]} in a header value`);
  return at;
}

function parseStatus(bytes: Uint8Array, start: number, end: number, head: ResponseHead): number {
  const length = Math.min(HTTP_1_1.length, end - start);
  for (let i = 0; i < length; i++) {
    if (bytes[start + i] !== HTTP_1_1[i]) throw new ResponseFormatError('status line does not start with HTTP/1.1');
  }
  if (end - start < 13) return -1;
  const at = start + HTTP_1_1.length;
  let status = 0;
  for (let i = 0; i < 3; i++) {
    const digit = (bytes[at + i] as number) - ZERO;
    if (digit < 0 || digit > 9) throw new ResponseFormatError('status is not three digits');
    status = status * 10 + digit;
  }
  if (status < 100 || bytes[at + 3] !== SPACE) throw new ResponseFormatError('malformed status line');
  head.status = status;
  return skipValue(bytes, at + 4, end);
}

function parseLength(bytes: Uint8Array, start: number, end: number): number {
  if (end === start || end - start > MAX_LENGTH_DIGITS) throw new ResponseFormatError('malformed Content-Length');
  let length = 0;
  for (let at = start; at < end; at++) {
    const digit = (bytes[at] as number) - ZERO;
    if (digit < 0 || digit > 9) throw new ResponseFormatError('malformed Content-Length');
    length = length * 10 + digit;
  }
  return length;
}

/** Keeps what matters of one header; `from`..`to` is its value without surrounding blanks. */
function applyHeader(
  bytes: Uint8Array,
  name: number,
  nameLength: number,
  from: number,
  to: number,
  head: ResponseHead,
): void {
  if (nameLength === 14 && isName(bytes, name, 'content-length')) {
    if (head.contentLength >= 0) throw new ResponseFormatError('Content-Length twice');
    head.contentLength = parseLength(bytes, from, to);
  } else if (nameLength === 17 && isName(bytes, name, 'transfer-encoding')) {
    if (head.chunked || to - from !== 7 || !isName(bytes, from, 'chunked')) {
      throw new ResponseFormatError('Transfer-Encoding is not exactly "chunked"');
    }
    head.chunked = true;
  } else if (nameLength === 10 && isName(bytes, name, 'connection')) {
    if (to - from === 10 && isName(bytes, from, 'keep-alive')) return;
    const tokens = Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from)
      .toString('latin1')
      .toLowerCase();
    if (tokens.split(',').some((token) => token.trim() === 'close')) head.close = true;
  }
}

/**
 * Parses one response head that starts at `start`.
 *
 * @returns The offset of the first byte after it, or -1 when `bytes` ends before the head does.
 * @throws {ResponseFormatError} The bytes cannot become a valid head.
 */
export function parseResponseHead(bytes: Uint8Array, start: number, end: number, head: ResponseHead): number {
  head.contentLength = -1;
  head.chunked = false;
  head.close = false;
  let at = parseStatus(bytes, start, end, head);
  for (;;) {
    // `at` is the CR that ends a line.
    if (at < 0 || at + 1 >= end) return -1;
    if (bytes[at + 1] !== LF) throw new ResponseFormatError('CR without LF');
    const name = at + 2;
    at = name;
    if (at >= end) return -1;
    if (bytes[at] === CR) {
      if (at + 1 >= end) return -1;
      if (bytes[at + 1] !== LF) throw new ResponseFormatError('CR without LF');
      if (head.chunked && head.contentLength >= 0) throw new ResponseFormatError('Content-Length beside chunked');
      return at + 2;
    }
    while (at < end && NAME_BYTES[bytes[at] as number] === 1) at++;
    if (at === end) return -1;
    if (bytes[at] !== COLON || at === name) throw new ResponseFormatError('malformed header name');
    const nameLength = at - name;
    let from = at + 1;
    at = skipValue(bytes, from, end);
    if (at < 0) return -1;
    let to = at;
    while (from < to && (bytes[from] === SPACE || bytes[from] === TAB)) from++;
    while (to > from && (bytes[to - 1] === SPACE || bytes[to - 1] === TAB)) to--;
    applyHeader(bytes, name, nameLength, from, to, head);
  }
}

import type { Random } from './random.ts';

/** Bytes of an answer as they come, and how the connection goes on. */
export interface AnswerInput {
  readonly bytes: Buffer;
  readonly cuts: readonly number[];
  /** Whether the server ends the connection after them. */
  readonly ends: boolean;
  /** The body, where the answer is one that any reader must take. */
  readonly body: Buffer | undefined;
}

const NAMES = [
  'X-A',
  'x-b',
  'Content-Type',
  'DATE',
  'Mcp-Session-Id',
  'Server',
  'Set-Cookie',
  'Keep-Alive',
  'Connection',
];
const VALUES = [
  'a',
  '',
  'application/json',
  'timeout=5, max=10',
  'keep-alive',
  'close',
  'a, b',
  '"quoted; x"',
  'caf\xe9',
  '\t x ',
];
const REASONS = [' OK', ' ', '', ' Not at all', ' caf\xe9'];
const EXTENSIONS = ['', '', '', ';a', ';a=b', ';a="b c"', ';a;b=c;d="e"'];
/** What decides where an answer ends, in right ways and wrong. */
const FRAMINGS = [
  'Content-Length: 5',
  'content-length: 3',
  'Content-Length:0',
  'Content-Length: +3',
  'Content-Length: 0x3',
  'Content-Length: 3, 3',
  'Content-Length: 3 3',
  'Content-Length: 03',
  'Content-Length: -1',
  'Content-Length:',
  'Content-Length : 3',
  'Content-Length: 99999999999999999999999',
  'Transfer-Encoding: chunked',
  'transfer-encoding: Chunked ',
  'Transfer-Encoding: gzip',
  'Transfer-Encoding: gzip, chunked',
  'Transfer-Encoding: chunked, gzip',
  'Transfer-Encoding: chunked, chunked',
  'Transfer-Encoding: identity',
  'Transfer-Encoding: xchunked',
  'Transfer-Encoding:\tchunked',
  'Transfer-Encoding : chunked',
  'Transfer-Encoding: "chunked"',
  ' folded',
  'Upgrade: x',
  'Trailer: X-Sum',
];
const LINES_OF_CHUNKS = [
  '0',
  '5',
  '3;a',
  '3 ',
  ' 3',
  '0x3',
  '-1',
  '+3',
  'fffffffffffffffff',
  '3;a="',
  '3;a=\x01',
  '3;',
  '',
  'g',
  '03',
  'A',
];
const INTERESTING = [
  0x00, 0x09, 0x0a, 0x0d, 0x20, 0x22, 0x2c, 0x30, 0x33, 0x3a, 0x3b, 0x43, 0x54, 0x61, 0x7f, 0x80, 0xff,
];

/** An answer: right, or changed in one to three places. */
export function generateAnswer(random: Random): AnswerInput {
  const version = random.oneIn(8) ? '1.0' : '1.1';
  const status = random.oneIn(5) ? random.pick([204, 304, 201, 404, 500, 999]) : 200;
  const body = Buffer.from(random.text(random.int(40), 'ab\r\n0:;'), 'latin1');
  const kind = random.int(version === '1.0' ? 2 : 3);
  const isBare = status === 204 || status === 304;
  const fields = Array.from({ length: random.int(4) }, () => `${random.pick(NAMES)}: ${random.pick(VALUES)}`);
  if (!isBare && kind === 0) fields.splice(random.int(fields.length + 1), 0, `Content-Length: ${body.length}`);
  if (!isBare && kind === 2) fields.splice(random.int(fields.length + 1), 0, 'Transfer-Encoding: chunked');
  const isChanged = random.oneIn(2);
  if (isChanged && random.oneIn(2)) fields.splice(random.int(fields.length + 1), random.int(2), random.pick(FRAMINGS));
  const interim = random.oneIn(8) ? `HTTP/1.1 ${random.pick([100, 102, 103])} Wait\r\nLink: </a>\r\n\r\n` : '';
  const content = isBare ? '' : kind === 2 ? chunks(random, body, isChanged) : body.toString('latin1');
  const head = `HTTP/${version} ${status}${random.pick(REASONS)}\r\n${fields.map((field) => `${field}\r\n`).join('')}\r\n`;
  let bytes = Buffer.from(`${interim}${head}${content}`, 'latin1');
  if (isChanged) for (let count = random.int(3); count > 0; count--) bytes = changed(random, bytes);
  if (isChanged && random.oneIn(6))
    bytes = Buffer.concat([bytes, Buffer.from(random.text(5, 'HTP/1. \r\n'), 'latin1')]);
  return {
    bytes,
    cuts: Array.from({ length: random.int(5) }, () => random.int(bytes.length + 1)).sort((a, b) => a - b),
    ends: (!isBare && kind === 1) || random.oneIn(4),
    body: isChanged ? undefined : isBare ? Buffer.alloc(0) : body,
  };
}

function chunks(random: Random, body: Buffer, isChanged: boolean): string {
  let text = '';
  let at = 0;
  while (at < body.length) {
    const size = 1 + random.int(body.length - at);
    const line = isChanged && random.oneIn(6) ? random.pick(LINES_OF_CHUNKS) : size.toString(16);
    text += `${line}${random.pick(EXTENSIONS)}\r\n${body.toString('latin1', at, at + size)}\r\n`;
    at += size;
  }
  const trailer = random.oneIn(4) ? random.pick(['X-Sum: 1\r\n', 'A: b\r\nC: d\r\n', 'E:\r\n']) : '';
  const wrong = isChanged && random.oneIn(4) ? `${random.pick(FRAMINGS)}\r\n` : '';
  return `${text}${random.pick(['0', '000'])}${random.pick(EXTENSIONS)}\r\n${trailer}${wrong}\r\n`;
}

/** The same with one byte taken away, added or replaced, or cut off. */
export function changed(random: Random, bytes: Buffer<ArrayBuffer>): Buffer<ArrayBuffer> {
  const at = random.int(bytes.length + 1);
  const byte = Buffer.of(random.oneIn(4) ? random.int(256) : random.pick(INTERESTING));
  const kind = random.int(4);
  if (kind === 0) return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]);
  if (kind === 1) return Buffer.concat([bytes.subarray(0, at), byte, bytes.subarray(at)]);
  if (kind === 2) return Buffer.concat([bytes.subarray(0, at), byte, bytes.subarray(at + 1)]);
  return Buffer.from(bytes.subarray(0, at));
}

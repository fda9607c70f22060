import { describe, expect, it } from 'vitest';
import { ResponseReader } from '../../bench/load/response-reader.ts';

const SIZED = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5\r\n\r\nhello';
const CHUNKED =
  'HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n5;a=b\r\nhello\r\nA\r\n, 01234567\r\n0\r\nx-end: 1\r\n\r\n';

/** Feeds the text in pieces of `size` bytes; whether it was complete exactly at its end. */
function read(reader: ResponseReader, text: string, size = text.length): boolean {
  const bytes = Buffer.from(text, 'latin1');
  let complete = false;
  for (let at = 0; at < bytes.length; at += size) {
    if (complete) throw new Error('complete before the last piece');
    const piece = bytes.subarray(at, at + size);
    complete = reader.feed(piece, piece.length);
  }
  return complete;
}

function readAll(text: string, size?: number): { status: number; body: string; bodyBytes: number; close: boolean } {
  const reader = new ResponseReader(true);
  if (!read(reader, text, size)) throw new Error('incomplete');
  return { status: reader.head.status, body: reader.body(), bodyBytes: reader.bodyBytes, close: reader.head.close };
}

describe('ResponseReader', () => {
  it.each([1, 2, 3, 7, 1_000])('reads a sized answer in pieces of %i bytes', (size) => {
    expect(readAll(SIZED, size)).toEqual({ status: 200, body: 'hello', bodyBytes: 5, close: false });
  });

  it.each([1, 2, 3, 7, 1_000])('reads a chunked answer in pieces of %i bytes', (size) => {
    expect(readAll(CHUNKED, size)).toEqual({ status: 200, body: 'hello, 01234567', bodyBytes: 15, close: false });
  });

  it('reads one answer after another', () => {
    const reader = new ResponseReader(true);
    for (const text of [SIZED, CHUNKED, SIZED]) {
      expect(read(reader, text, 10)).toBe(true);
      reader.next();
    }
    expect(read(reader, 'HTTP/1.1 404 \r\ncontent-length:0\r\n\r\n')).toBe(true);
    expect(reader.head.status).toBe(404);
    expect(reader.body()).toBe('');
  });

  it('reads only the given length of a chunk', () => {
    const reader = new ResponseReader();
    const bytes = Buffer.from(`${SIZED}left over from an earlier read`);
    expect(reader.feed(bytes, SIZED.length)).toBe(true);
    expect(reader.bodyBytes).toBe(5);
  });

  it('passes over interim answers', () => {
    expect(readAll(`HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n${SIZED}`, 9).status).toBe(200);
  });

  it('knows answers without a body', () => {
    expect(readAll('HTTP/1.1 204 No Content\r\n\r\n').bodyBytes).toBe(0);
    expect(readAll('HTTP/1.1 202 Accepted\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n', 1).bodyBytes).toBe(0);
  });

  it.each([
    ['keep-alive', false],
    ['Keep-Alive', false],
    ['close', true],
    ['Close', true],
    ['keep-alive, CLOSE', true],
    ['upgrade', false],
  ])('understands Connection: %s', (value, close) => {
    expect(readAll(`HTTP/1.1 200 OK\r\nCONNECTION: \t${value} \r\ncontent-length: 0\r\n\r\n`).close).toBe(close);
  });

  it.each([
    ['another protocol', 'HTTP/1.0 200 OK\r\n\r\n'],
    ['a status of letters', 'HTTP/1.1 2x0 OK\r\n\r\n'],
    ['a status below 100', 'HTTP/1.1 099 OK\r\n\r\n'],
    ['no blank after the status', 'HTTP/1.1 200\r\n\r\n'],
    ['LF alone', 'HTTP/1.1 200 OK\ncontent-length: 0\n\n'],
    ['CR without LF', 'HTTP/1.1 200 OK\rcontent-length: 0\r\n\r\n'],
    ['a folded header', 'HTTP/1.1 200 OK\r\na: b\r\n c\r\ncontent-length: 0\r\n\r\n'],
    ['a blank before the colon', 'HTTP/1.1 200 OK\r\ncontent-length : 0\r\n\r\n'],
    ['an empty name', 'HTTP/1.1 200 OK\r\n: 0\r\n\r\n'],
    ['NUL in a value', 'HTTP/1.1 200 OK\r\na: \0\r\ncontent-length: 0\r\n\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\ncontent-length: 0\r\n\r\n'],
    ['a signed length', 'HTTP/1.1 200 OK\r\ncontent-length: +1\r\n\r\n'],
    ['an empty length', 'HTTP/1.1 200 OK\r\ncontent-length:\r\n\r\n'],
    ['a length and chunks', 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n'],
    ['another coding', 'HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n'],
    ['no framing', 'HTTP/1.1 200 OK\r\n\r\n'],
    ['switching protocols', 'HTTP/1.1 101 Switching Protocols\r\n\r\n'],
    ['bytes after the end', `${SIZED}!`],
    ['a chunk without a size', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n\r\n'],
    [
      'a chunk size that is no number',
      'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n',
    ],
    ['a chunk longer than its size', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhello\r\n0\r\n\r\n'],
    ['a chunk size too long', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n000000001\r\nx\r\n0\r\n\r\n'],
    ['LF alone in a trailer', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\na: b\n\r\n'],
    ['an endless head', `HTTP/1.1 200 OK\r\na: ${'b'.repeat(40_000)}`],
  ])('refuses %s', (_name, text) => {
    expect(() => read(new ResponseReader(), text)).toThrow(expect.objectContaining({ name: 'ResponseFormatError' }));
  });

  it('fails at the same place however the bytes are cut', () => {
    for (let size = 1; size < 30; size++) {
      expect(() => read(new ResponseReader(), 'HTTP/1.1 200 OK\r\nbad header: 1\r\n\r\n', size)).toThrow(/header name/);
    }
  });
});

import type { Socket } from 'node:net';
import { PeregrineError } from '../../kernel/errors.ts';
import type { UpstreamRequest } from './upstream-call.ts';

/** A body up to this is copied behind the head, so that both leave in one piece. */
const MAX_COPIED = 16_384;
const NOT_LATIN1 = /[^\0-\xff]/;

/**
 * Writes a request: head and body in one piece where the body is small, in one system call otherwise.
 *
 * HOT: plain ASCII, as JSON mostly is, goes as one string, without a buffer; guarded by `npm run bench -- scale`.
 *
 * @param hostLine The `Host` field with its CRLF.
 */
export function writeRequest(socket: Socket, hostLine: string, request: UpstreamRequest): void {
  const { method, path, headerLines, body } = request;
  const start = `${method} ${path} HTTP/1.1\r\n${hostLine}${headerLines}`;
  if (typeof body === 'string') {
    const length = Buffer.byteLength(body);
    const head = `${start}Content-Length: ${length}\r\n\r\n`;
    if (length === body.length) socket.write(head + body, 'latin1');
    else writePieces(socket, head, Buffer.from(body));
  } else if (body !== undefined) writePieces(socket, `${start}Content-Length: ${body.byteLength}\r\n\r\n`, body);
  else socket.write(`${start}${method === 'POST' ? 'Content-Length: 0\r\n' : ''}\r\n`, 'latin1');
}

function writePieces(socket: Socket, head: string, body: Uint8Array): void {
  if (body.byteLength <= MAX_COPIED) {
    const whole = Buffer.allocUnsafe(head.length + body.byteLength);
    whole.write(head, 'latin1');
    whole.set(body, head.length);
    socket.write(whole);
    return;
  }
  socket.cork();
  socket.write(head, 'latin1');
  socket.write(body);
  socket.uncork();
}

/**
 * Refuses text that cannot be sent byte by byte: cut to eight bits, `U+010A` would be a line break.
 *
 * @throws {PeregrineError} `UPSTREAM_REQUEST_INVALID`.
 */
export function checkRequest({ path, headerLines }: UpstreamRequest): void {
  // What is as long in UTF-8 is ASCII, and that is told fast.
  if (Buffer.byteLength(headerLines) === headerLines.length && Buffer.byteLength(path) === path.length) return;
  if (NOT_LATIN1.test(headerLines) || NOT_LATIN1.test(path))
    throw new PeregrineError('UPSTREAM_REQUEST_INVALID', 'a path or header holds characters beyond Latin-1');
}

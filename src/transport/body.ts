import { isUtf8 } from 'node:buffer';

/** Buffers' own decoders, which `toString` calls after working out the encoding: half a microsecond a request. */
interface Sliceable {
  latin1Slice?(from: number, to: number): string;
  utf8Slice?(from: number, to: number): string;
}
const methods = Buffer.prototype as Buffer & Sliceable;

/** Decodes bytes one to one. */
export const latin1: (buffer: Buffer, from: number, to: number) => string =
  typeof methods.latin1Slice === 'function'
    ? (buffer, from, to) => (buffer as Buffer & Required<Sliceable>).latin1Slice(from, Math.min(to, buffer.length))
    : (buffer, from, to) => buffer.toString('latin1', from, to);

const utf8: (buffer: Buffer, from: number, to: number) => string =
  typeof methods.utf8Slice === 'function'
    ? (buffer, from, to) => (buffer as Buffer & Required<Sliceable>).utf8Slice(from, to)
    : (buffer, from, to) => buffer.toString('utf8', from, to);

/**
 * Decodes some bytes of a buffer as a body.
 *
 * Bytes that are not UTF-8 become a text that is not JSON either, so that the request fails as one that cannot be parsed
 * rather than with characters replaced in silence.
 */
export function decodeBody(buffer: Buffer, from: number, to: number): string {
  const text = utf8(buffer, from, to);
  return text.includes('\ufffd') && !isUtf8(buffer.subarray(from, to)) ? '\ufffd' : text;
}

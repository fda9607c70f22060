import { isUtf8 } from 'node:buffer';

/**
 * Decodes the first bytes of a buffer as a body.
 *
 * Bytes that are not UTF-8 become a text that is not JSON either, so that the request fails as one that cannot be parsed
 * rather than with characters replaced in silence.
 */
export function decodeBody(buffer: Buffer, length: number): string {
  const text = buffer.toString('utf8', 0, length);
  return text.includes('\ufffd') && !isUtf8(buffer.subarray(0, length)) ? '\ufffd' : text;
}

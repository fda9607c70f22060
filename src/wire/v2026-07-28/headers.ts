/** Which member of `params` the `Mcp-Name` header repeats, by method. */
export const NAME_SOURCE: ReadonlyMap<string, string> = new Map([
  ['tools/call', 'name'],
  ['prompts/get', 'name'],
  ['resources/read', 'uri'],
  ['tasks/get', 'taskId'],
  ['tasks/update', 'taskId'],
  ['tasks/cancel', 'taskId'],
]);

const PREFIX = '=?base64?';
const SUFFIX = '?=';
/** What a header can carry as it is: visible ASCII with spaces inside. */
const PLAIN = /^(?:[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)$/;
const CANONICAL_BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/**
 * Decodes a mirrored header's value: `=?base64?...?=` holds UTF-8, anything else stands for itself.
 *
 * @returns Nothing when the Base64 or the UTF-8 in it is not valid.
 */
export function decodeHeaderValue(value: string): string | undefined {
  if (value.length < PREFIX.length + SUFFIX.length || !value.startsWith(PREFIX) || !value.endsWith(SUFFIX))
    return value;
  const base64 = value.slice(PREFIX.length, -SUFFIX.length);
  if (!CANONICAL_BASE64.test(base64)) return undefined;
  try {
    const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Writes a value so that {@link decodeHeaderValue} gives it back. */
export function encodeHeaderValue(value: string): string {
  if (PLAIN.test(value) && !value.startsWith(PREFIX)) return value;
  const bytes = new TextEncoder().encode(value);
  return `${PREFIX}${btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))}${SUFFIX}`;
}

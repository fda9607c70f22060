const SHORT: { readonly [char: string]: string } = { '\r': '\\r', '\n': '\\n', '\t': '\\t', '\\': '\\\\', "'": "\\'" };

/** Bytes as a string literal of JavaScript: one character a byte. */
export function escapeBytes(bytes: Buffer): string {
  const text = bytes.toString('latin1').replaceAll(/[^ -&(-[\]-~]/g, (char) => {
    return SHORT[char] ?? `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
  return `'${text}'`;
}

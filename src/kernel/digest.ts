import { createHash } from 'node:crypto';

/** Half of a SHA-256 in hexadecimal digits: two texts share it by chance never. */
export function digestOf(text: string): string {
  const exact = text.isWellFormed() ? text : JSON.stringify(text); // UTF-8 has one form for all lone surrogates.
  return createHash('sha256').update(exact, 'utf8').digest('hex').slice(0, 32);
}

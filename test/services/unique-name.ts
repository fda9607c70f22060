import { randomBytes } from 'node:crypto';

/**
 * A name that no other test uses, for a prefix of keys, a table or a database of a service that tests share. It needs
 * no quotes in SQL when the prefix does not.
 */
export function uniqueName(prefix: string): string {
  return `${prefix}_${randomBytes(6).toString('hex')}`;
}

import { OptionError } from '../../kernel/errors.ts';

/**
 * So many placeholders, for a list: `` `... WHERE id IN (${placeholders(ids.length)})` ``.
 *
 * @throws {OptionError} for none, because `IN ()` is no SQL.
 */
export function placeholders(count: number): string {
  if (!Number.isInteger(count) || count < 1 || count > 32_000)
    throw new OptionError('count', 'must be an integer from 1 to 32000', count);
  return Array<string>(count).fill('?').join(', ');
}

import { OptionError, toMessage } from '../kernel/errors.ts';
import { objectOption } from '../kernel/options.ts';
import { isObject } from '../wire/wire.ts';

type Check = readonly [test: (value: unknown) => boolean, expectation: string];

const TEXT: Check = [(value) => typeof value === 'string', 'must be a text'];
const OBJECT: Check = [isObject, 'must be an object'];
const ICONS: Check = [
  (value) => Array.isArray(value) && value.every((icon) => isObject(icon) && typeof icon['src'] === 'string'),
  'must be a list of objects with src',
];
const SIZE: Check = [
  (value) => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0,
  'must be a number of bytes',
];

/** What clients are shown of an entry as it is, and what each member must be. */
const SHOWN: { readonly [member: string]: Check } = {
  title: TEXT,
  description: TEXT,
  mimeType: TEXT,
  size: SIZE,
  icons: ICONS,
  annotations: OBJECT,
  _meta: OBJECT,
};

/**
 * Refuses a definition that has members which it does not know, or that clients could not read: one bad entry would spoil
 * the whole list for them.
 *
 * @throws {OptionError} naming the entry and the member.
 */
export function checkDefinition(option: string, definition: unknown, known: readonly string[]): void {
  const given: { readonly [member: string]: unknown } = objectOption(option, definition ?? null, [
    ...known,
    'scopeChallenge',
  ]);
  if (given['scopeChallenge'] !== undefined) {
    throw new OptionError(
      `${option}.scopeChallenge`,
      'is not known here: name the scopes in "scopes"',
      given['scopeChallenge'],
    );
  }
  for (const [member, [test, expectation]] of Object.entries(SHOWN)) {
    if (given[member] !== undefined && !test(given[member]))
      throw new OptionError(`${option}.${member}`, expectation, given[member]);
  }
}

/** Refuses what JSON cannot express. @throws {OptionError} */
export function checkJson(option: string, shown: Record<string, unknown>): void {
  try {
    JSON.stringify(shown);
  } catch (error) {
    throw new OptionError(option, `must be expressible as JSON (${toMessage(error)})`, shown);
  }
}

import { OptionError } from '../kernel/errors.ts';
import { isObject } from '../wire/wire.ts';

/** What registration and its handles do to the registry. */
export interface EntryOwner<E> {
  /** An entry's definition changed: list answers of its kind are out of date. */
  changed(): void;
  /** @throws {OptionError} when the new key is taken. */
  rename(entry: E, from: string, to: string): void;
  remove(key: string): void;
}

/** Checks a registered name: not empty, at most 128 characters, no control characters. @throws {OptionError} */
export function checkName(kind: string, name: unknown): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (typeof name !== 'string' || name.length === 0 || name.length > 128 || /[\u0000-\u001f\u007f]/.test(name)) {
    throw new OptionError(`${kind} name`, 'must have 1 to 128 characters, none of them a control character', name);
  }
  return name;
}

/** Checks that a handler is a function. @throws {OptionError} */
export function checkHandler(option: string, handler: unknown): void {
  if (typeof handler !== 'function') throw new OptionError(option, 'must be a function', handler);
}

/** Members of a definition that are set, in the order of the keys. */
export function pick<K extends string>(source: { readonly [P in K]?: unknown }, keys: readonly K[]): Record<string, unknown> {
  const picked: Record<string, unknown> = {};
  for (const key of keys) if (source[key] !== undefined) picked[key] = source[key];
  return picked;
}

/** The updates that are not `undefined`: an absent member leaves what is there. */
export function definedOf<T extends object>(updates: T): Partial<T> {
  return Object.fromEntries(Object.entries(updates).filter(([, value]) => value !== undefined)) as Partial<T>;
}

/** Refuses members that a definition does not know, for a mistyped one would be without effect. @throws {OptionError} */
export function checkConfig(option: string, config: unknown): asserts config is Record<string, unknown> {
  if (!isObject(config)) throw new OptionError(option, 'must be an object', config);
  if (config['scopeChallenge'] !== undefined) {
    throw new OptionError(`${option}.scopeChallenge`, 'needs authorization, which this version does not have', config['scopeChallenge']);
  }
}

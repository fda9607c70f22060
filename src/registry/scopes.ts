import { OptionError } from '../kernel/errors.ts';
import { stringListOption } from '../kernel/options.ts';
import { isScope } from '../wire/wire.ts';

/** The scopes that using an entry needs, each once; nothing where it needs none. @throws {OptionError} */
export function checkScopes(option: string, value: unknown): readonly string[] | undefined {
  if (value === undefined) return undefined;
  const scopes = stringListOption(`${option}.scopes`, value, []);
  const wrong = scopes.find((scope) => !isScope(scope));
  if (wrong !== undefined) throw new OptionError(`${option}.scopes`, 'must hold OAuth scopes', wrong);
  return scopes.length === 0 ? undefined : Object.freeze([...new Set(scopes)]);
}

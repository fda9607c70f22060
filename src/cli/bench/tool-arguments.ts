import type { MixPart } from '../../load/load.ts';
import { CliError } from '../cli-error.ts';
import { readJson } from './json-file.ts';

type Arguments = Record<string, unknown>;

/**
 * The arguments that calls are made with: an object, a list of them, or an object with a list for each tool, given as JSON or as
 * `@file`. A single object or list is for the one tool of the mix.
 *
 * @throws {CliError}
 */
export function readArguments(
  text: string | undefined,
  mix: readonly MixPart[],
): ReadonlyMap<string, readonly Arguments[]> {
  if (text === undefined) return new Map();
  const value = text.startsWith('@') ? readJson(text.slice(1), isAny, '') : parse(text);
  const tools = mix.map(({ name }) => name);
  if (isObject(value)) {
    const entries = Object.entries(value);
    if (entries.length > 0 && entries.every(([name, list]) => tools.includes(name) && isArgumentList(list)))
      return new Map(entries as [string, Arguments[]][]);
  }
  const list = isObject(value) ? [value] : value;
  if (!isArgumentList(list))
    throw new CliError('the arguments must be a JSON object, a list of objects, or a list of objects for each tool');
  const called = tools.filter((name) => !name.includes('/') && name !== 'ping');
  if (called.length !== 1)
    throw new CliError(`arguments for ${called.length} tools must say for which: {"${called[0] ?? 'tool'}": [...]}`);
  return new Map([[called[0] as string, list]]);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CliError(`the arguments are not JSON: ${(error as Error).message}`, { cause: error });
  }
}

function isAny(_value: unknown): _value is unknown {
  return true;
}

function isObject(value: unknown): value is Arguments {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isArgumentList(value: unknown): value is readonly Arguments[] {
  return Array.isArray(value) && value.length > 0 && value.every(isObject);
}

import { OptionError } from './errors.ts';

/** The bounds of a numeric option, both inclusive. */
export interface NumberRange {
  readonly min: number;
  readonly max: number;
}

/** An integer option: the default when absent. @throws {OptionError} when it is not an integer within the range. */
export function integerOption(name: string, value: unknown, fallback: number, range: NumberRange): number {
  const chosen = value ?? fallback;
  if (typeof chosen !== 'number' || !Number.isInteger(chosen) || chosen < range.min || chosen > range.max) {
    throw new OptionError(name, `must be an integer from ${range.min} to ${range.max}`, value);
  }
  return chosen;
}

/** A number option, fractions allowed: the default when absent. @throws {OptionError} when it is not within the range. */
export function numberOption(name: string, value: unknown, fallback: number, range: NumberRange): number {
  const chosen = value ?? fallback;
  if (typeof chosen !== 'number' || !(chosen >= range.min && chosen <= range.max)) {
    throw new OptionError(name, `must be a number from ${range.min} to ${range.max}`, value);
  }
  return chosen;
}

/** A boolean option: the default when absent. */
export function booleanOption(name: string, value: unknown, fallback: boolean): boolean {
  const chosen = value ?? fallback;
  if (typeof chosen !== 'boolean') throw new OptionError(name, 'must be true or false', value);
  return chosen;
}

/** A string option that may not be empty; without a fallback it is required. */
export function stringOption(name: string, value: unknown, fallback?: string): string {
  const chosen = value ?? fallback;
  if (typeof chosen !== 'string' || chosen.length === 0)
    throw new OptionError(name, 'must be a non-empty string', value);
  return chosen;
}

/** A function option: the fallback when absent. */
export function functionOption<F>(name: string, value: unknown, fallback: F): F {
  if (value === undefined) return fallback;
  if (typeof value !== 'function') throw new OptionError(name, 'must be a function', value);
  return value as F;
}

/** A list of non-empty strings: the default when absent. */
export function stringListOption(name: string, value: unknown, fallback: readonly string[]): readonly string[] {
  const chosen = value ?? fallback;
  if (!Array.isArray(chosen) || !chosen.every((item) => typeof item === 'string' && item.length > 0)) {
    throw new OptionError(name, 'must be a list of non-empty strings', value);
  }
  return Object.freeze([...(chosen as string[])]);
}

/** A plain object holding only known keys; `config` is the name of a whole configuration, whose keys stand alone. @throws {OptionError} naming the unknown key and the nearest known one. */
export function objectOption<K extends string>(
  name: string,
  value: unknown,
  keys: readonly K[],
): { readonly [P in K]?: unknown } {
  if (value === undefined) return {};
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new OptionError(name, 'must be an object', value);
  }
  for (const key of Object.keys(value)) {
    if ((keys as readonly string[]).includes(key)) continue;
    const full = name === '' || name === 'config' ? key : `${name}.${key}`;
    const near = nearest(key, keys);
    throw new OptionError(
      full,
      near === undefined ? 'is not known' : `is not known (did you mean "${near}"?)`,
      (value as Record<string, unknown>)[key],
    );
  }
  return value as { readonly [P in K]?: unknown };
}

/** The known word nearest to a mistyped one, if any is near. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const candidate of known) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substitution, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

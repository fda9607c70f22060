import { isObject } from '../wire/wire.ts';

/** Whether a value is valid and would be returned as it is. A `false` says nothing: then the library itself is to judge. */
export type PlainCheck = (value: unknown) => boolean;

/** What zod 4 shows of a schema, or of one of its checks: its definition, by names that it documents for library authors. */
interface Described {
  readonly _zod?: {
    readonly def?: Definition;
    readonly version?: { readonly major?: number };
    /** The names of the classes that it is of. */
    readonly traits?: ReadonlySet<string>;
    readonly bag?: { readonly fallbackRun?: unknown };
  };
}

interface Definition {
  readonly [member: string]: unknown;
}

/**
 * The check of a zod schema that only looks: objects of strings, numbers, booleans, enums, literals and arrays, with bounds.
 * Nothing for any other schema, since transforms, defaults and refinements must keep the library's own meaning.
 *
 * HOT: zod builds a new object and a list of issues for each value, 0.5 to 1 µs for the arguments of a call; this takes a
 * fifth of it (decision 0008; guarded by `npm run bench`). It accepts a part of what zod accepts, and returns nothing new;
 * whatever it does not accept, zod judges, and words the issues. A definition with a member unknown here is no plain one.
 *
 * @see https://zod.dev/library-authors
 */
export function plainCheckOf(schema: object): PlainCheck | undefined {
  const zod = (schema as Described)._zod;
  return zod?.version?.major === 4 ? checkOf(schema, new Set()) : undefined;
}

/** `around` holds the schemas that this one is part of: one that is part of itself is no plain one. */
function checkOf(schema: unknown, around: ReadonlySet<unknown>): PlainCheck | undefined {
  const def = definitionOf(schema);
  if (def === undefined || def['coerce'] === true || around.has(schema)) return undefined;
  const make = MAKERS.get(def['type'] as string);
  const checks = ((def['checks'] ?? []) as unknown[]).map(definitionOf);
  if (make === undefined || !Object.keys(def).every((key) => SCHEMA_MEMBERS.has(key))) return undefined;
  const value = make(def, new Set([...around, schema]));
  const bounds = def['check'] === undefined ? checks : [def, ...checks];
  const all = [value, ...bounds.map((bound) => boundOf(bound))];
  if (!all.every((one) => one !== undefined)) return undefined;
  const [first, second, third] = all;
  if (first === undefined || second === undefined) return first;
  if (third === undefined) return (it) => first(it) && second(it);
  return all.length === 3
    ? (it) => first(it) && second(it) && third(it)
    : (it) => {
        for (const one of all) if (!one(it)) return false;
        return true;
      };
}

/** The classes whose behaviour is known here: others of the same definition may parse in their own way. */
const KNOWN_TRAIT =
  /^[$_]?Zod(?:Mini)?(?:Type|String|Number|NumberFormat|Boolean|Enum|Literal|Array|Nullable|Optional|ExactOptional|Object|ObjectJIT|Check(?:LessThan|GreaterThan|NumberFormat|MinLength|MaxLength|LengthEquals)?)$/;

/** The definition of a schema or a check that is zod's own, and does not go through a parser that was put in its place. */
function definitionOf(described: unknown): Definition | undefined {
  const { def, traits, bag } = (described as Described | undefined)?._zod ?? {};
  if (traits === undefined || traits.size === 0 || bag?.fallbackRun !== undefined) return undefined;
  for (const trait of traits) if (!KNOWN_TRAIT.test(trait)) return undefined;
  return def;
}

const SCHEMA_MEMBERS = new Set([
  ...['type', 'checks', 'error', 'abort', 'coerce', 'check', 'format'],
  ...['shape', 'element', 'entries', 'values', 'innerType', 'catchall'],
]);
const BOUND_MEMBERS = new Set([
  ...['type', 'checks', 'error', 'abort', 'coerce', 'check', 'format'],
  ...['minimum', 'maximum', 'length', 'value', 'inclusive', 'when'],
]);
const OPTIONAL_MEMBERS = new Set(['type', 'innerType', 'error']);
/** The condition that zod itself puts on checks of length: that there is one. */
const USUAL_WHEN = '_whenHasLength';

type Maker = (def: Definition, around: ReadonlySet<unknown>) => PlainCheck | undefined;

const MAKERS: ReadonlyMap<string, Maker> = new Map<string, Maker>([
  ['string', ({ format }) => (format === undefined ? (it) => typeof it === 'string' : undefined)],
  ['number', () => Number.isFinite],
  ['boolean', () => (it) => typeof it === 'boolean'],
  ['enum', ({ entries }) => oneOf(enumValues(entries as Record<string, unknown>))],
  ['literal', ({ values }) => oneOf(values as unknown[])],
  ['array', ({ element }, around) => arrayOf(checkOf(element, around))],
  ['nullable', ({ innerType }, around) => orNull(checkOf(innerType, around))],
  ['object', ({ shape, catchall }, around) => objectOf(shape as Record<string, unknown>, catchall, around)],
]);

/** The values of an enum; TypeScript's numeric ones also hold the names by their values. */
function enumValues(entries: Record<string, unknown>): unknown[] {
  const numbers = new Set(Object.values(entries).filter((value) => typeof value === 'number'));
  return Object.entries(entries)
    .filter(([key]) => !numbers.has(Number(key)))
    .map(([, value]) => value);
}

function oneOf(values: readonly unknown[]): PlainCheck | undefined {
  if (!values.every((one) => typeof one === 'string' || typeof one === 'boolean' || Number.isFinite(one)))
    return undefined;
  const known = new Set(values);
  return (it) => known.has(it);
}

function orNull(check: PlainCheck | undefined): PlainCheck | undefined {
  return check && ((it) => it === null || check(it));
}

function arrayOf(check: PlainCheck | undefined): PlainCheck | undefined {
  return (
    check &&
    ((it) => {
      if (!Array.isArray(it) || Object.getPrototypeOf(it) !== Array.prototype) return false;
      for (let index = 0; index < it.length; index++) if (!check(it[index])) return false;
      return true;
    })
  );
}

interface Field {
  readonly key: string;
  readonly check: PlainCheck;
  readonly isOptional: boolean;
}

/**
 * Objects that hold known members alone: of others zod makes a copy without the rest, or refuses them. Those with a
 * prototype of their own may inherit members, or write themselves in their own way, which a copy would not.
 */
function objectOf(
  shape: Record<string, unknown>,
  catchall: unknown,
  around: ReadonlySet<unknown>,
): PlainCheck | undefined {
  if (Object.getOwnPropertySymbols(shape).length > 0) return undefined;
  const fields = Object.entries(shape).map(([key, schema]) => fieldOf(key, schema, around));
  if (!fields.every((field) => field !== undefined)) return undefined;
  if (catchall !== undefined && (catchall as Described)._zod?.def?.['type'] !== 'never') return undefined;
  return (it) => {
    if (!isObject(it) || Object.getPrototypeOf(it) !== Object.prototype) return false;
    let present = 0;
    for (const { key, check, isOptional } of fields) {
      const value = it[key];
      if (value !== undefined) {
        if (!check(value)) return false;
        present++;
      } else if (!isOptional) {
        return false;
      }
    }
    for (const _ in it) present--;
    return present === 0;
  };
}

function fieldOf(key: string, schema: unknown, around: ReadonlySet<unknown>): Field | undefined {
  if (key in Object.prototype) return undefined;
  const isOptional = (schema as Described)._zod?.def?.['type'] === 'optional';
  const check = isOptional ? checkOf(bareInnerOf(schema), around) : checkOf(schema, around);
  return check && { key, check, isOptional };
}

/** What an optional schema wraps, if it does nothing else: checks of its own are for the whole. */
function bareInnerOf(schema: unknown): unknown {
  const def = definitionOf(schema);
  return def !== undefined && Object.keys(def).every((key) => OPTIONAL_MEMBERS.has(key)) ? def['innerType'] : undefined;
}

/** One bound of zod's, such as a least length. */
function boundOf(def: Definition | undefined): PlainCheck | undefined {
  if (def === undefined || !Object.keys(def).every((key) => BOUND_MEMBERS.has(key))) return undefined;
  if (def['when'] !== undefined && (def['when'] as { name?: unknown }).name !== USUAL_WHEN) return undefined;
  const { minimum, maximum, length, value, inclusive, format } = def as { [member: string]: number };
  switch (def['check']) {
    case 'min_length':
      return typeof minimum === 'number' ? (it) => isAtLeast(it, minimum) : undefined;
    case 'max_length':
      return typeof maximum === 'number' ? (it) => lengthOf(it) <= maximum : undefined;
    case 'length_equals':
      return typeof length === 'number' ? (it) => lengthOf(it) === length && isAtLeast(it, length) : undefined;
    case 'greater_than':
      if (typeof value !== 'number') return undefined;
      return inclusive ? (it) => (it as number) >= value : (it) => (it as number) > value;
    case 'less_than':
      if (typeof value !== 'number') return undefined;
      return inclusive ? (it) => (it as number) <= value : (it) => (it as number) < value;
    case 'number_format':
      return (format as unknown) === 'safeint' ? Number.isSafeInteger : undefined;
    default:
      return undefined;
  }
}

/** What has no length has none that is within bounds: zod passes it over. */
function lengthOf(value: unknown): number {
  if (typeof value === 'string') return value.length;
  return (value as { readonly length: number } | null)?.length ?? Number.NaN;
}

/**
 * Whether a length is at least so much. Newer versions of zod count the characters of a string, older ones its code units,
 * of which a character has one or two: it must be enough either way.
 */
function isAtLeast(value: unknown, least: number): boolean {
  const length = lengthOf(value);
  if (typeof value !== 'string' || length >= least * 2) return length >= least;
  return charactersOf(value) >= least;
}

function charactersOf(text: string): number {
  let pairs = 0;
  for (let at = 0; at < text.length; at++) if ((text.codePointAt(at) as number) > 0xffff) pairs++;
  return text.length - pairs;
}

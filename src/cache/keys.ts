import { digestOf } from '../kernel/digest.ts';

/** Deeper values than this make no key. */
const MAX_DEPTH = 100;

/**
 * Writes a JSON value so that equal values read alike: members in the order of their names, no white space, numbers and
 * strings as JSON.stringify has them (RFC 8785 but for the order of names beyond ASCII, which is that of UTF-16 code units
 * there too).
 *
 * @returns The text, or nothing for what JSON cannot tell apart from something else, such as a Map, a function or NaN.
 */
export function canonicalJson(value: unknown): string | undefined {
  return write(value, 0);
}

function write(value: unknown, depth: number): string | undefined {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return JSON.stringify(value);
    case 'number':
      return Number.isFinite(value) ? JSON.stringify(value) : undefined;
    case 'object':
      if (value === null) return 'null';
      if (depth >= MAX_DEPTH) return undefined;
      return Array.isArray(value) ? writeArray(value, depth) : writeObject(value, depth);
    default:
      return undefined;
  }
}

function writeArray(values: readonly unknown[], depth: number): string | undefined {
  let text = '[';
  for (let index = 0; index < values.length; index++) {
    const item = write(values[index], depth + 1);
    if (item === undefined) return undefined;
    text += index === 0 ? item : `,${item}`;
  }
  return `${text}]`;
}

function writeObject(value: object, depth: number): string | undefined {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    // No JSON reads like this, so a date is never taken for an object that imitates one.
    return value instanceof Date && !Number.isNaN(value.getTime()) ? `date(${value.getTime()})` : undefined;
  }
  const members = value as Record<string, unknown>;
  let text = '{';
  for (const key of Object.keys(members).sort()) {
    const member = members[key];
    if (member === undefined) continue;
    const written = write(member, depth + 1);
    if (written === undefined) return undefined;
    text += `${text.length === 1 ? '' : ','}${JSON.stringify(key)}:${written}`;
  }
  return `${text}}`;
}

/** What an answer's key is made of besides its arguments; the same for all calls of one tool by one principal. */
export interface KeyScope {
  /** `tool`, `resource` or `list`. */
  readonly kind: string;
  /** The registered name. */
  readonly name: string;
  /** Of the server and of the definition: answers of another version are other answers. */
  readonly version: string;
  /** Which form the answer has, such as `modern` or `legacy`. */
  readonly form: string;
  /** Whose answer it is; nothing for one that everybody may have. */
  readonly principal: string | undefined;
}

/**
 * The beginning of the keys of one scope, up to the canonical arguments; {@link endOfKey} follows them.
 *
 * The whole reads `tool:search:["1.0.0","modern","alice",{"query":"amber"}]`, and is no secret place: it stays in memory.
 */
export function startOfKey({ kind, name, version, form, principal }: KeyScope): string {
  return `${kind}:${name}:${JSON.stringify([version, form, principal ?? null]).slice(0, -1)},`;
}

/** What ends a key that {@link startOfKey} began. */
export const END_OF_KEY = ']';

/** The keys of the author's own values are apart from those of answers. */
export const APPLICATION_PREFIX = 'app:';

/** The name under which the second tier keeps a key: readable as far as it is no secret, and of bounded length. */
export function secondTierKey(prefix: string, key: string): string {
  const [kind = '', name = ''] = key.split(':', 2);
  const readable = kind === APPLICATION_PREFIX.slice(0, -1) ? '' : `${name.replace(/[^\w.-]/g, '_').slice(0, 64)}:`;
  return `${prefix}:${kind}:${readable}${digestOf(key)}`;
}

/** Whether a key fits a pattern, in which `*` stands for any characters. Takes linear time for each `*`. */
export function fitsPattern(key: string, pattern: string): boolean {
  const parts = pattern.split('*');
  const first = parts[0] as string;
  if (parts.length === 1) return key === pattern;
  const last = parts.at(-1) as string;
  if (key.length < first.length + last.length || !key.startsWith(first) || !key.endsWith(last)) return false;
  const end = key.length - last.length;
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = key.indexOf(part, at);
    if (found === -1 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}

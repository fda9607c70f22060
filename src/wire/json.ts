/** Bounds of a JSON text, checked before it is parsed. */
export interface JsonBounds {
  /** Deepest nesting of arrays and objects. @default 64 */
  readonly maxDepth: number;
  /** Most values in all arrays and objects together. @default 100_000 */
  readonly maxElements: number;
}

export const JSON_BOUNDS: JsonBounds = Object.freeze({ maxDepth: 64, maxElements: 100_000 });

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/**
 * Says what exceeds the bounds, or nothing.
 *
 * HOT: a text with fewer openers than the depth allows cannot be too deep, and a short one cannot hold too many
 * elements; only the others are read character by character. Guarded by `npm run bench`.
 */
export function findExcess(text: string, bounds: JsonBounds): 'depth' | 'elements' | undefined {
  const canBeTooMany = text.length > bounds.maxElements;
  if (!canBeTooMany && !hasOpeners(text, bounds.maxDepth + 1)) return undefined;
  return scan(text, bounds);
}

/** A search by the engine's own `indexOf` costs an eighth of a loop over the characters. */
function hasOpeners(text: string, wanted: number): boolean {
  let found = 0;
  for (let at = text.indexOf('{'); at !== -1; at = text.indexOf('{', at + 1)) if (++found >= wanted) return true;
  for (let at = text.indexOf('['); at !== -1; at = text.indexOf('[', at + 1)) if (++found >= wanted) return true;
  return false;
}

function scan(text: string, bounds: JsonBounds): 'depth' | 'elements' | undefined {
  let depth = 0;
  let elements = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      at = endOfString(text, at + 1);
    } else if (code === OPEN_OBJECT || code === OPEN_ARRAY) {
      if (++depth > bounds.maxDepth) return 'depth';
      if (++elements > bounds.maxElements) return 'elements';
    } else if (code === CLOSE_OBJECT || code === CLOSE_ARRAY) {
      depth--;
    } else if (code === COMMA && ++elements > bounds.maxElements) {
      return 'elements';
    }
  }
  return undefined;
}

/** The index of the quote that ends a string, or the end of the text. */
function endOfString(text: string, from: number): number {
  let at = from;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) return at;
    at += code === BACKSLASH ? 2 : 1;
  }
  return at;
}

/** Whether a value is an object that is not an array. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A copy of a JSON value that shares nothing with it. */
export function copyJson<T>(value: T): T {
  if (Array.isArray(value)) return value.map(copyJson) as T;
  if (!isObject(value)) return value;
  const copy: Record<string, unknown> = { ...value };
  for (const key in copy) {
    const member = copy[key];
    if (typeof member === 'object' && member !== null) copy[key] = copyJson(member);
  }
  return copy as T;
}

/** What a result with its own `toJSON` wants to be; any other is itself. @throws {TypeError} when that is no object. */
export function toPlainResult(result: Record<string, unknown>): Record<string, unknown> {
  if (typeof result['toJSON'] !== 'function') return result;
  const value: unknown = result['toJSON']();
  if (!isObject(value)) throw new TypeError('a result must be an object');
  return value;
}

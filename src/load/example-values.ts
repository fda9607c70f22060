import type { Random } from '../kernel/random.ts';

type Schema = { readonly [keyword: string]: unknown };

const MAX_DEPTH = 6;
const WORDS = ['alder', 'birch', 'cedar', 'elm', 'fir', 'hazel', 'larch', 'maple', 'oak', 'pine', 'rowan', 'willow'];
const FORMATS: { readonly [format: string]: (random: Random) => string } = {
  date: (random) => isoTime(random).slice(0, 10),
  'date-time': isoTime,
  time: (random) => isoTime(random).slice(11),
  email: (random) => `${wordOf(random)}@example.com`,
  uri: (random) => `https://example.com/${wordOf(random)}`,
  url: (random) => `https://example.com/${wordOf(random)}`,
  uuid: (random) => `${hex(random, 8)}-${hex(random, 4)}-4${hex(random, 3)}-8${hex(random, 3)}-${hex(random, 12)}`,
  hostname: (random) => `${wordOf(random)}.example.com`,
  ipv4: (random) => `192.0.2.${integerBetween(1, 254, random)}`,
};

/**
 * Makes a value that a JSON Schema most likely accepts: examples, defaults and constants first, then its type and bounds.
 * Patterns and combinations of schemas are beyond it: for these, arguments are given in a file.
 */
export function exampleOf(schema: unknown, random: Random): unknown {
  return madeFor(schema, schema, random, 0);
}

function madeFor(node: unknown, root: unknown, random: Random, depth: number): unknown {
  const schema = resolve(node, root);
  if (schema === undefined) return wordOf(random);
  const { examples, enum: choices, type } = schema;
  if (schema['const'] !== undefined) return schema['const'];
  if (Array.isArray(choices) && choices.length > 0) return oneOf(choices, random);
  if (Array.isArray(examples) && examples.length > 0) return oneOf(examples, random);
  if (schema['default'] !== undefined) return schema['default'];
  for (const keyword of ['anyOf', 'oneOf', 'allOf']) {
    const parts = schema[keyword];
    if (Array.isArray(parts) && parts.length > 0) return madeFor(parts.find(isNoNull) ?? parts[0], root, random, depth);
  }
  switch (Array.isArray(type) ? type.find((one) => one !== 'null') : type) {
    case 'integer':
    case 'number':
      return numberOf(schema, random);
    case 'boolean':
      return random() < 0.5;
    case 'null':
      return null;
    case 'array':
      return arrayOf(schema, root, random, depth);
    case 'string':
      return stringOf(schema, random);
    default:
      return schema['properties'] === undefined && type === undefined
        ? wordOf(random)
        : objectOf(schema, root, random, depth);
  }
}

function resolve(node: unknown, root: unknown): Schema | undefined {
  let found = node;
  for (let hops = 0; hops < MAX_DEPTH; hops++) {
    if (typeof found !== 'object' || found === null || Array.isArray(found)) return undefined;
    const ref = (found as Schema)['$ref'];
    if (typeof ref !== 'string' || !ref.startsWith('#')) return found as Schema;
    found = ref
      .slice(1)
      .split('/')
      .filter((part) => part !== '')
      .reduce<unknown>(
        (at, part) => (at as Schema | undefined)?.[part.replaceAll('~1', '/').replaceAll('~0', '~')],
        root,
      );
  }
  return undefined;
}

function objectOf(schema: Schema, root: unknown, random: Random, depth: number): Record<string, unknown> {
  const properties = (schema['properties'] ?? {}) as Schema;
  const required = new Set(Array.isArray(schema['required']) ? schema['required'] : []);
  const made: [string, unknown][] = [];
  for (const [name, part] of Object.entries(properties)) {
    if (!required.has(name) && (depth >= MAX_DEPTH || random() < 0.5)) continue;
    made.push([name, madeFor(part, root, random, depth + 1)]);
  }
  return Object.fromEntries(made);
}

function arrayOf(schema: Schema, root: unknown, random: Random, depth: number): unknown[] {
  const least = Number(schema['minItems'] ?? 1);
  const most = Math.max(least, Math.min(Number(schema['maxItems'] ?? 3), least + 3));
  if (depth >= MAX_DEPTH) return [];
  return Array.from({ length: integerBetween(least, most, random) }, () =>
    madeFor(schema['items'] ?? {}, root, random, depth + 1),
  );
}

function numberOf(schema: Schema, random: Random): number {
  const isWhole = schema['type'] !== 'number';
  const step = Number(schema['multipleOf'] ?? 1);
  const low = Number(
    schema['minimum'] ?? (schema['exclusiveMinimum'] === undefined ? 1 : Number(schema['exclusiveMinimum']) + step),
  );
  const high = Number(
    schema['maximum'] ??
      (schema['exclusiveMaximum'] === undefined ? low + 99 * step : Number(schema['exclusiveMaximum']) - step),
  );
  if (!isWhole && schema['multipleOf'] === undefined) return Math.round((low + random() * (high - low)) * 100) / 100;
  return Math.ceil(low / step) * step + integerBetween(0, Math.max(0, Math.floor((high - low) / step)), random) * step;
}

function stringOf(schema: Schema, random: Random): string {
  const format = FORMATS[String(schema['format'])];
  const text = format === undefined ? `${wordOf(random)} ${integerBetween(1, 999, random)}` : format(random);
  const least = Number(schema['minLength'] ?? 0);
  const most = Number(schema['maxLength'] ?? Number.POSITIVE_INFINITY);
  return text.padEnd(Math.min(least, most), 'x').slice(0, most);
}

function isNoNull(part: unknown): boolean {
  return (part as Schema | null)?.['type'] !== 'null';
}

function oneOf(values: readonly unknown[], random: Random): unknown {
  return values[integerBetween(0, values.length - 1, random)];
}

function wordOf(random: Random): string {
  return oneOf(WORDS, random) as string;
}

function integerBetween(low: number, high: number, random: Random): number {
  return low + Math.floor(random() * (high - low + 1));
}

function hex(random: Random, digits: number): string {
  return Array.from({ length: digits }, () => integerBetween(0, 15, random).toString(16)).join('');
}

function isoTime(random: Random): string {
  return new Date(Date.UTC(2026, 0, 1) + integerBetween(0, 31_535_999, random) * 1_000)
    .toISOString()
    .replace('.000', '');
}

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import * as mini from 'zod/mini';
import { plainCheckOf } from '../../../src/registry/plain-schema.ts';
import { compileSchema } from '../../../src/registry/schema.ts';
import { schemaAndValues } from '../support/zod-schemas.ts';

type Row = readonly [what: string, schema: z.core.$ZodType, value: unknown];

/** Whether the check says that a value is valid; a schema without a check says nothing. */
function accepts(schema: object, value: unknown): boolean {
  return plainCheckOf(schema)?.(value) ?? false;
}

const COLOURS = { 0: 'Red', 1: 'Green', Red: 0, Green: 1 } as const; // What TypeScript makes of a numeric enum.
const SYMBOL = Symbol('key');
class Shown {
  a = 'x';
  toJSON(): unknown {
    return { secret: true };
  }
}
class Computed {
  extra = 1;
  get a(): string {
    return 'x';
  }
}
const ofA = z.object({ a: z.string() });
/** A class of zod's way for library authors: its definition is that of a string, its behaviour is not. */
const Shouting: z.core.$constructor<z.ZodString> = z.core.$constructor('AcmeString', (inst, def) => {
  (z.ZodString as { init(...of: unknown[]): void }).init(inst, def);
  inst._zod.parse = (payload) => ({ ...payload, value: String(payload.value).toUpperCase() });
});

describe('the check of a plain schema', () => {
  const plain: readonly Row[] = [
    [
      'the six usual fields',
      z.object({
        a: z.string().min(1).max(9),
        b: z.int().min(0),
        c: z.boolean(),
        d: z.enum(['x']),
        e: z.array(z.number()).max(3),
        f: z.literal([1, 'one']).optional(),
      }),
      { a: 'a', b: 1, c: true, d: 'x', e: [0.5], f: 'one' },
    ],
    ['an absent optional', z.object({ a: z.string().optional() }), {}],
    ['an absent exact optional', z.object({ a: z.exactOptional(z.string()) }), {}],
    ['null', z.object({ a: z.string().nullable() }), { a: null }],
    ['a nullish that is null', z.object({ a: z.string().nullish() }), { a: null }],
    ['a strict object', z.strictObject({ a: z.string() }), { a: '' }],
    ['a branded string', z.string().brand('B'), 'b'],
    ['metadata', z.string().meta({ title: 'T' }).describe('d'), 's'],
    ['a safe integer', z.number().int(), -0],
    ['a numeric enum', z.enum(COLOURS), 1],
    [
      'zod mini',
      mini.object({ a: mini.optional(mini.string().check(mini.minLength(2))), n: mini.int() }),
      { a: 'xy', n: 1 },
    ],
    ['an error message of its own', z.string({ error: 'no' }).min(1, { error: 'short', abort: true }), 'a'],
  ];

  it.each(plain)('accepts %s', (_what, schema, value) => {
    expect(accepts(schema, value)).toBe(true);
    expect(z.safeParse(schema, value)).toEqual({ success: true, data: value });
  });

  const refused: readonly Row[] = [
    [
      'a refined optional',
      z.object({
        a: z
          .string()
          .optional()
          .refine((a) => a !== 'x'),
      }),
      { a: 'x' },
    ],
    ['a bound around an optional', z.object({ a: z.optional(z.string()).check(z.minLength(5) as never) }), { a: 'x' }],
    [
      'a refined nullable',
      z.object({
        a: z
          .string()
          .nullable()
          .refine((a) => a !== 'x'),
      }),
      { a: 'x' },
    ],
    ['an overwrite around an optional', z.object({ a: z.optional(z.string()).check(z.trim() as never) }), { a: ' x ' }],
    ['the name of a numeric enum', z.enum(COLOURS), 'Red'],
    ['too few characters in enough code units', z.string().min(3), '😀😀'],
    ['too few characters for an exact length', z.string().length(4), '😀😀'],
    ['an explicit undefined for an exact optional', z.object({ a: z.exactOptional(z.string()) }), { a: undefined }],
    ['an explicit undefined', z.object({ a: z.string().optional() }), { a: undefined }],
    ['unknown members', ofA, { a: 'x', b: 1 }],
    ['an own __proto__', ofA, JSON.parse('{"a":"x","__proto__":{}}')],
    [
      'a missing member in place of which there is another',
      z.object({ a: z.string(), b: z.string().optional() }),
      { b: 'x', c: 'y' },
    ],
    ['a member by symbol that is missing', z.object({ a: z.string(), [SYMBOL]: z.string() } as never), { a: 'x' }],
    ['an object that writes itself in its own way', ofA, new Shown()],
    ['an object that inherits a member', ofA, new Computed()],
    ['an object that inherits all', ofA, Object.create({ a: 'x' })],
    ['an array for an object', z.object({}), []],
    ['an array of a class of its own', z.array(z.string()), new (class extends Array<string> {})()],
    ['an array with holes', z.array(z.string()), Array(1)],
    ['NaN', z.number(), Number.NaN],
    ['infinity', z.number(), Number.POSITIVE_INFINITY],
    ['an integer that is not safe', z.int(), 2 ** 53],
    ['an object for a string', z.string(), new String('x')],
    ['a string by a class of its own', new Shouting({ type: 'string' }), 'x'],
    ['a string by a parser of its own', z.withParser(z.string(), (value) => `${value}!`), 'x'],
    ['a coerced string', z.coerce.string(), 'x'],
    ['a coerced member', z.object({ a: z.coerce.number() }), { a: 1 }],
    ['a check by a function', z.string().check(() => {}), 'x'],
    ['a bound under a condition', z.string().check(z.maxLength(0, { when: () => true } as object)), 'x'],
    ['a key of every object', z.object({ toString: z.string().optional() }), {}],
    ['an int32', z.int32(), 1],
    ['a multiple', z.number().multipleOf(2), 2],
    ['an email', z.email(), 'a@b.co'],
    ['a date in a text', z.iso.date(), '2026-01-01'],
    ['a regular expression', z.string().regex(/x/), 'x'],
    ['a default', z.object({ a: z.string().default('d') }), { a: 'x' }],
    ['a catch', z.string().catch('c'), 'x'],
    ['a readonly', z.array(z.string()).readonly(), ['x']],
    ['a transform', z.string().transform((it) => it), 'x'],
    ['a preprocess', z.preprocess((it) => it, z.string()), 'x'],
    ['a union', z.union([z.string(), z.number()]), 'x'],
    ['a discriminated union', z.discriminatedUnion('a', [ofA.extend({ a: z.literal('x') })]), { a: 'x' }],
    ['a loose object', z.looseObject({ a: z.string() }), { a: 'x' }],
    ['a record', z.record(z.string(), z.string()), { a: 'x' }],
    ['a literal null', z.literal(null), null],
  ];

  it.each(refused)('leaves to zod %s', (_what, schema, value) => {
    expect(accepts(schema, value)).toBe(false);
  });

  it('leaves null to zod where a nullable has bounds around it, rather than failing', () => {
    const schema = z.nullable(z.string()).check(z.minLength(2) as never);
    expect(accepts(schema, null)).toBe(false);
    expect(accepts(schema, 'xy')).toBe(true);
    expect(z.safeParse(schema, null).success).toBe(true);
  });

  it('is none for a schema that is part of itself', () => {
    const node = z.object({
      name: z.string(),
      get next() {
        return node.optional();
      },
    });
    expect(plainCheckOf(node)).toBe(undefined);
  });
});

it('fails by name where a schema cannot be looked at', () => {
  const inner = z.object({
    get a(): z.ZodString {
      throw new Error('not yet');
    },
  });
  const broken = z.object({ inner });
  expect(() => compileSchema('tool "t" inputSchema', broken, 'input')).toThrow(
    expect.objectContaining({ code: 'OPTION_INVALID', option: 'tool "t" inputSchema' }),
  );
});

describe('whatever the schema and the value', () => {
  it('accepts only what zod accepts and would return as it is', () => {
    let [accepted, valid] = [0, 0];
    fc.assert(
      fc.property(schemaAndValues, ({ schema, isPlain, values }) => {
        const check = plainCheckOf(schema);
        for (const value of values) {
          const result = z.safeParse(schema, value);
          const isUnchanged = result.success && JSON.stringify(sorted(result.data)) === JSON.stringify(sorted(value));
          const isAccepted = check?.(value) ?? false;
          if (isAccepted) {
            expect(result.success).toBe(true);
            expect(result.data).toStrictEqual(value);
          }
          if (!isPlain || !isUnchanged) continue;
          valid++;
          if (isAccepted) accepted++;
        }
      }),
      { numRuns: 2_000 },
    );
    expect(valid).toBeGreaterThan(2_000);
    expect(accepted / valid).toBeGreaterThan(0.9);
  });
});

/** A value with its keys in order: zod returns members in the order of the schema. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, each]) => [key, sorted(each)]);
}

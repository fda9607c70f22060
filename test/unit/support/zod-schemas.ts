import fc from 'fast-check';
import * as z from 'zod';

/** A schema, whether it is made of plain kinds alone, and values that it takes. */
interface Made {
  readonly schema: z.ZodType;
  readonly isPlain: boolean;
  readonly valid: fc.Arbitrary<unknown>;
}

const KEYS = ['a', 'b', 'name', 'ключ', '0', '__proto__', 'toString'] as const;
const characters = fc.string({ unit: fc.constantFrom('a', 'é', '😀', '\ud800', ' '), maxLength: 8 });
const anything = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  characters,
  fc.constantFrom(
    undefined,
    null,
    -0,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    2 ** 53,
    2 ** 31,
    '',
    '5',
    [],
    {},
    new Date(0),
  ),
);

function made(schema: z.ZodType, valid: fc.Arbitrary<unknown>, isPlain = true): Made {
  return { schema, valid, isPlain };
}

const bound = fc.integer({ min: 0, max: 5 });
const plainLeaf: fc.Arbitrary<Made> = fc.oneof(
  fc.tuple(fc.option(bound, { nil: undefined }), fc.option(bound, { nil: undefined })).map(([least, most]) => {
    let schema = z.string();
    if (least !== undefined) schema = schema.min(least);
    if (most !== undefined) schema = schema.max((least ?? 0) + most);
    return made(schema, characters);
  }),
  bound.map((length) => made(z.string().length(length), fc.string({ minLength: length, maxLength: length }))),
  bound.map((value) => made(z.number().gt(-value).lte(value), fc.double({ min: -5, max: 5, noNaN: true }))),
  fc.constant(made(z.int(), fc.maxSafeInteger())),
  fc.constant(made(z.number().int().nonnegative(), fc.nat())),
  fc.constant(made(z.number(), fc.double({ noNaN: true, noDefaultInfinity: true }))),
  fc.constant(made(z.boolean(), fc.boolean())),
  fc.constant(made(z.enum(['a', 'b', '0']), fc.constantFrom('a', 'b', '0'))),
  fc.constant(made(z.enum({ 0: 'a', a: 0, b: 'c' }), fc.constantFrom(0, 'c', 'a', '0'))),
  fc.constant(made(z.literal(['a', 1, true]), fc.constantFrom('a', 1, true))),
);
const OTHERS: readonly (readonly [z.ZodType, fc.Arbitrary<unknown>])[] = [
  [z.coerce.string(), characters],
  [z.coerce.number(), fc.integer()],
  [z.string().trim(), characters],
  [z.string().toUpperCase(), characters],
  [z.string().normalize(), characters],
  [z.string().regex(/^a/), characters],
  [z.string().startsWith('a'), characters],
  [z.string().includes('é'), characters],
  [z.string().refine((text) => text.length !== 2), characters],
  [z.string().superRefine((text, context) => void (text === 'a' && context.addIssue('no'))), characters],
  [
    z
      .string()
      .check(
        ({ value, issues }) => void (value === 'a' && issues.push({ code: 'custom', input: value, message: 'no' })),
      ),
    characters,
  ],
  [z.string().max(1, { when: ({ value }: { value: unknown }) => value === 'aa' } as object), characters],
  [z.string().default('d'), characters],
  [z.string().prefault('d'), characters],
  [z.string().catch('c'), characters],
  [z.string().transform((text) => text.length), characters],
  [z.string().pipe(z.string().min(2)), characters],
  [z.preprocess((text) => `${String(text)}!`, z.string()), characters],
  [z.string().readonly(), characters],
  [z.string().brand('B').min(1), characters],
  [z.int32(), fc.integer()],
  [z.uint32(), fc.integer()],
  [z.float32(), fc.double({ noNaN: true })],
  [z.number().multipleOf(2), fc.integer()],
  [z.email(), fc.emailAddress()],
  [z.uuid(), fc.uuid()],
  [z.url(), fc.webUrl()],
  [z.iso.datetime(), fc.date({ noInvalidDate: true }).map((date) => date.toISOString())],
  [z.stringbool(), fc.constantFrom('true', 'no', 'yes')],
  [z.templateLiteral(['a', z.int()]), fc.nat().map((n) => `a${n}`)],
  [z.union([z.string(), z.int()]), fc.oneof(characters, fc.integer())],
  [
    z.discriminatedUnion('k', [z.object({ k: z.literal('a') }), z.object({ k: z.literal('b') })]),
    fc.constantFrom({ k: 'a' }, { k: 'b' }),
  ],
  [z.intersection(z.object({ a: z.string() }), z.looseObject({})), fc.constant({ a: 'x', b: 1 })],
  [z.record(z.string(), z.int()), fc.dictionary(fc.string(), fc.integer(), { noNullPrototype: true })],
  [z.tuple([z.string()]).rest(z.int()), fc.constantFrom(['a'], ['a', 1])],
  [z.null(), fc.constant(null)],
  [z.literal([null, 'a']), fc.constantFrom(null, 'a')],
  [z.unknown(), anything],
  [z.lazy(() => z.string()), characters],
  [
    z
      .string()
      .nullable()
      .refine((text) => text !== 'a'),
    fc.option(characters),
  ],
  [z.nullable(z.string()).check(z.minLength(2) as never), fc.option(characters)],
];
const otherLeaf = fc.constantFrom(...OTHERS).map(([schema, valid]) => made(schema, valid, false));

type Wrap = (inner: Made) => Made;
const wraps: readonly Wrap[] = [
  ({ schema, valid, isPlain }) => made(z.array(schema), fc.array(valid, { maxLength: 3 }), isPlain),
  ({ schema, valid, isPlain }) => made(z.array(schema).min(1).max(2), fc.array(valid, { maxLength: 3 }), isPlain),
  ({ schema, valid, isPlain }) => made(schema.nullable(), fc.option(valid), isPlain),
  ({ schema, valid, isPlain }) => made(schema.meta({ title: 'T' }), valid, isPlain),
  ({ schema, valid }) =>
    made(
      schema.refine((value) => value !== null),
      fc.option(valid),
      false,
    ),
];

type FieldKind = 'required' | 'optional' | 'exact' | 'refined optional' | 'nullish' | 'default' | 'nonoptional';
const fieldKind = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom<FieldKind[]>('required', 'optional', 'exact', 'nullish') },
  fc.constantFrom<FieldKind[]>('refined optional', 'default', 'nonoptional'),
);
const OPTIONAL: ReadonlySet<FieldKind> = new Set(['optional', 'exact', 'nullish', 'refined optional', 'default']);

function field(kind: FieldKind, { schema, isPlain, valid }: Made): Made {
  switch (kind) {
    case 'required':
      return made(schema, valid, isPlain);
    case 'optional':
      return made(schema.optional(), valid, isPlain);
    case 'exact':
      return made(z.exactOptional(schema) as unknown as z.ZodType, valid, isPlain);
    case 'nullish':
      return made(schema.nullish(), fc.option(valid), isPlain);
    case 'refined optional':
      return made(
        schema.optional().refine((value) => JSON.stringify(value)?.length !== 3),
        valid,
        false,
      );
    case 'default':
      return made(schema.default('filled' as never), valid, false);
    case 'nonoptional':
      return made(z.nonoptional(schema.optional()), valid, false);
  }
}

const MANNERS = ['usual', 'usual', 'strict', 'loose', 'catchall', 'refined'] as const;

function object(
  fields: readonly (readonly [key: string, kind: FieldKind, made: Made])[],
  manner: (typeof MANNERS)[number],
): Made {
  const parts = new Map(fields.map(([key, kind, inner]) => [key, { kind, ...field(kind, inner) }]));
  const shape = Object.fromEntries([...parts].map(([key, { schema }]) => [key, schema]));
  const hasUsualKeys = ![...parts.keys()].some((key) => key in Object.prototype);
  const isPlain = hasUsualKeys && [...parts.values()].every((part) => part.isPlain);
  const members = [...parts].map(([key, { kind, valid }]) =>
    fc.tuple(fc.constant(key), OPTIONAL.has(kind) ? fc.option(valid, { nil: ABSENT, freq: 3 }) : valid),
  );
  const valid = fc
    .tuple(...members)
    .chain((entries) => fc.shuffledSubarray(entries, { minLength: entries.length }))
    .map((entries) => Object.fromEntries(entries.filter(([, value]) => value !== ABSENT)));
  const schema = z.object(shape);
  switch (manner) {
    case 'usual':
      return made(schema, valid, isPlain);
    case 'strict':
      return made(schema.strict(), valid, isPlain);
    case 'loose':
      return made(schema.loose(), valid, false);
    case 'catchall':
      return made(schema.catchall(z.int()), valid, false);
    case 'refined':
      return made(
        schema.refine((value) => Object.keys(value).length !== 1),
        valid,
        false,
      );
  }
}
const ABSENT = Symbol('absent');

const anyMade = fc.letrec<{ any: Made }>((tie) => ({
  any: fc.oneof(
    { depthSize: 'small' },
    { weight: 4, arbitrary: plainLeaf },
    { weight: 1, arbitrary: otherLeaf },
    { weight: 2, arbitrary: fc.tuple(fc.constantFrom(...wraps), tie('any')).map(([wrap, inner]) => wrap(inner)) },
    {
      weight: 4,
      arbitrary: fc
        .tuple(
          fc.array(fc.tuple(fc.constantFrom(...KEYS), fieldKind, tie('any')), { maxLength: 4 }),
          fc.constantFrom(...MANNERS),
        )
        .map(([fields, manner]) => object(fields, manner)),
    },
  ),
})).any;

/** A value with one small fault, where it has members: another member, one less, or something else in its place. */
function nearly(value: unknown, key: string, other: unknown, how: number): unknown {
  if (typeof value !== 'object' || value === null) return how === 0 ? value : other;
  if (Array.isArray(value))
    return how === 0
      ? [...value, other]
      : value.map((each, index) => (index === 0 ? nearly(each, key, other, how) : each));
  const keys = Object.keys(value);
  const copy: Record<string, unknown> = { ...value };
  const own = keys[how % Math.max(1, keys.length)];
  if (how === 0 || own === undefined)
    Object.defineProperty(copy, key, { value: other, enumerable: true, configurable: true, writable: true });
  else if (how === 1) delete copy[own];
  else copy[own] = nearly(copy[own], key, other, how - 1);
  return copy;
}

/** A schema and values for it: valid ones, nearly valid ones and others. */
export const schemaAndValues: fc.Arbitrary<{
  readonly schema: z.ZodType;
  readonly isPlain: boolean;
  readonly values: readonly unknown[];
}> = anyMade.chain(({ schema, isPlain, valid }) => {
  const near = fc.tuple(valid, fc.constantFrom('extra', ...KEYS), anything, fc.nat(3)).map((all) => nearly(...all));
  return fc
    .array(fc.oneof({ weight: 3, arbitrary: valid }, { weight: 3, arbitrary: near }, anything), {
      minLength: 4,
      maxLength: 8,
    })
    .map((values) => ({ schema, isPlain, values }));
});

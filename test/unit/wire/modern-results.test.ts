import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MetaKey, ModernResultWriter } from '../../../src/wire/wire.ts';

const SERVER = { name: 'unit "quoted"', version: '1.0.0', title: 'Ünit', description: '</script>\u2028' };
const HINT = { ttlMs: 60_000, cacheScope: 'public' } as const;
const writer = new ModernResultWriter(SERVER);

const key = fc.string().filter((name) => name !== '__proto__' && name !== 'toJSON');
const members = fc.dictionary(key, fc.option(fc.jsonValue(), { nil: undefined }), { maxKeys: 5 });
const meta = fc.dictionary(key, fc.option(fc.jsonValue(), { nil: undefined }), { maxKeys: 3 });
const owned = fc.record(
  {
    _meta: fc.option(meta, { nil: undefined }),
    resultType: fc.constantFrom('complete', 'input_required', 'other', undefined),
    ttlMs: fc.option(fc.nat(), { nil: undefined }),
    cacheScope: fc.constantFrom('public', 'private', undefined),
  },
  { requiredKeys: [] },
);
const result = fc.tuple(members, owned).map(([some, others]): Record<string, unknown> => ({ ...some, ...others }));

/** The plain way to the same text: merge, then write. */
function merged(given: Record<string, unknown>, over: Record<string, unknown>): unknown {
  const _meta = { ...(given._meta as object | undefined), [MetaKey.serverInfo]: SERVER };
  return JSON.parse(JSON.stringify({ ...given, ...over, _meta }));
}

/** Parses a text, and holds it to having each key once. */
function parsed(text: string): unknown {
  const value: unknown = JSON.parse(text);
  expect(JSON.stringify(value).length).toBe(text.length);
  return value;
}

describe('ModernResultWriter', () => {
  it('writes a complete result as if it had been merged', () => {
    fc.assert(
      fc.property(result, (given) => {
        expect(parsed(writer.complete(given))).toEqual(merged(given, { resultType: 'complete' }));
      }),
      { numRuns: 500, examples: [[{}], [{ a: undefined }], [{ _meta: undefined }], [{ resultType: undefined }]] },
    );
  });

  it('writes a result that clients may cache with what it says itself, and the hint for the rest', () => {
    fc.assert(
      fc.property(result, (given) => {
        const hints = { ttlMs: given.ttlMs ?? HINT.ttlMs, cacheScope: given.cacheScope ?? HINT.cacheScope };
        expect(parsed(writer.cacheable(given, HINT))).toEqual(merged(given, { ...hints, resultType: 'complete' }));
      }),
    );
  });

  it('writes a hint of 0 rather than leaving it out', () => {
    const text = writer.cacheable({}, { ttlMs: 0, cacheScope: 'private' });
    expect(JSON.parse(text)).toMatchObject({ ttlMs: 0, cacheScope: 'private' });
    expect(JSON.parse(writer.cacheable({ ttlMs: 0 }, HINT))).toMatchObject({ ttlMs: 0, cacheScope: 'public' });
  });

  it('writes a request for input without the members of caching', () => {
    const given = { inputRequests: { a: { method: 'roots/list' } }, ttlMs: 5, cacheScope: 'public', _meta: { own: 1 } };
    expect(parsed(writer.inputRequired(given))).toEqual({
      inputRequests: { a: { method: 'roots/list' } },
      resultType: 'input_required',
      _meta: { own: 1, [MetaKey.serverInfo]: SERVER },
    });
  });

  it("keeps the author's _meta, but not a serverInfo of the author's", () => {
    const given = { _meta: { own: [1], [MetaKey.serverInfo]: { name: 'another', version: '0' } } };
    expect(JSON.parse(writer.complete(given))).toHaveProperty('_meta', { own: [1], [MetaKey.serverInfo]: SERVER });
  });

  it('merges nothing into the prototype', () => {
    const given = JSON.parse('{"__proto__":{"polluted":1},"_meta":{"__proto__":{"polluted":1}}}') as Record<
      string,
      unknown
    >;
    expect(writer.complete(given)).toContain('"__proto__":{"polluted":1}');
    expect(({} as Record<string, unknown>).polluted).toBe(undefined);
  });

  it('takes what toJSON says for the result', () => {
    const given = { toJSON: () => ({ a: 1, resultType: 'other', _meta: { own: 1 } }) };
    expect(parsed(writer.complete(given as never))).toEqual({
      a: 1,
      resultType: 'complete',
      _meta: { own: 1, [MetaKey.serverInfo]: SERVER },
    });
  });

  it.each([
    ['a big integer', { a: 1n }],
    [
      'toJSON that throws',
      {
        toJSON: () => {
          throw new Error('no');
        },
      },
    ],
    ['toJSON that answers nothing', { toJSON: () => undefined }],
    ['toJSON that answers a list', { toJSON: () => [1] }],
    ['toJSON that answers text', { toJSON: () => 'text' }],
    ['toJSON that answers null', { toJSON: () => null }],
  ])('throws a TypeError or what the result threw, and writes nothing: %s', (_what, given) => {
    expect(() => writer.complete(given as never)).toThrow(Error);
  });

  it('throws on a result that holds itself', () => {
    const cyclic: Record<string, unknown> = {};
    cyclic.self = cyclic;
    expect(() => writer.complete(cyclic)).toThrow(TypeError);
  });

  it('writes a deep result whole, or throws: it depends on the runtime', () => {
    let deep: Record<string, unknown> = {};
    for (let level = 0; level < 10_000; level++) deep = { deep };
    let written: string | undefined;
    try {
      written = writer.complete(deep);
    } catch (error) {
      expect(error).toBeInstanceOf(RangeError);
    }
    expect(written ?? '{"deep":'.repeat(10_000)).toContain('{"deep":'.repeat(10_000));
  });
});

/** A result of a shape near the usual one, with what JavaScript can do to it. */
interface Shape {
  readonly item: [key: string, value: unknown][];
  readonly result: [key: string, value: unknown][];
  readonly count: number;
  readonly itemManner: Manner;
  readonly resultManner: Manner;
  readonly contentManner: 'usual' | 'subclass' | 'extra member' | 'toJSON' | 'frozen';
}
type Manner = 'usual' | 'frozen' | 'getters' | 'class' | 'inherited' | 'hidden' | 'null' | 'toJSON' | 'hidden toJSON';

class Held {}
class Items extends Array<unknown> {}
const MANNERS: readonly Manner[] = [
  'usual',
  'frozen',
  'getters',
  'class',
  'inherited',
  'hidden',
  'null',
  'toJSON',
  'hidden toJSON',
];
const CONTENT_MANNERS = ['usual', 'usual', 'subclass', 'extra member', 'toJSON', 'frozen'] as const;
const mannerOf = fc.oneof({ weight: 2, arbitrary: fc.constant<Manner>('usual') }, fc.constantFrom(...MANNERS));
const texts = fc.oneof(fc.string({ unit: 'binary', maxLength: 12 }), fc.constantFrom('"', '\\', '\ud800', '\u2028'));
const entry = (key: fc.Arbitrary<string>, value: fc.Arbitrary<unknown>) => fc.tuple(key, value);
const near: fc.Arbitrary<Shape> = fc.record({
  item: fc
    .tuple(
      entry(fc.constant('type'), fc.oneof({ weight: 6, arbitrary: fc.constant('text') }, fc.constant('image'))),
      entry(fc.constant('text'), fc.oneof({ weight: 6, arbitrary: texts }, fc.constantFrom(7, null, undefined, {}))),
      fc.array(entry(fc.constantFrom('annotations', '_meta', 'data'), fc.constantFrom(undefined, 1, {})), {
        maxLength: 1,
      }),
      fc.boolean(),
    )
    .map(([type, text, more, isFlipped]) => (isFlipped ? [text, type, ...more] : [type, text, ...more])),
  result: fc.array(
    entry(
      fc.constantFrom('isError', '_meta', 'resultType', 'structuredContent', 'own'),
      fc.constantFrom(undefined, true, {}),
    ),
    { maxLength: 1 },
  ),
  count: fc.oneof({ weight: 6, arbitrary: fc.constant(1) }, fc.constantFrom(0, 2)),
  itemManner: mannerOf,
  resultManner: mannerOf,
  contentManner: fc.constantFrom(...CONTENT_MANNERS),
}) as fc.Arbitrary<Shape>;

function inManner(entries: readonly [key: string, value: unknown][], manner: Manner): Record<string, unknown> {
  const plain = Object.fromEntries(entries);
  const as = (more: PropertyDescriptor): PropertyDescriptorMap =>
    Object.fromEntries(entries.map(([key, value]) => [key, { value, configurable: true, ...more }]));
  switch (manner) {
    case 'usual':
      return plain;
    case 'frozen':
      return Object.freeze(plain);
    case 'getters': {
      const getters = entries.map(([key, value]) => [key, { get: () => value, enumerable: true }] as const);
      return Object.defineProperties({}, Object.fromEntries(getters));
    }
    case 'class':
      return Object.assign(new Held(), plain) as Record<string, unknown>;
    case 'inherited':
      return Object.create(plain) as Record<string, unknown>;
    case 'hidden':
      return Object.defineProperties({}, as({ enumerable: false }));
    case 'null':
      return Object.assign(Object.create(null), plain) as Record<string, unknown>;
    case 'toJSON':
      return { ...plain, toJSON: () => ({ written: 'otherwise' }) };
    case 'hidden toJSON':
      return Object.defineProperty(plain, 'toJSON', { value: () => ({ written: 'otherwise' }) });
  }
}

function build({ item, result: more, count, itemManner, resultManner, contentManner }: Shape): Record<string, unknown> {
  const items = Array.from({ length: count }, () => inManner(item, itemManner));
  const content: unknown[] = contentManner === 'subclass' ? Items.from(items) : items;
  if (contentManner === 'extra member') Object.assign(content, { more: 1 });
  if (contentManner === 'toJSON') Object.assign(content, { toJSON: () => ['otherwise'] });
  if (contentManner === 'frozen') Object.freeze(content);
  return inManner([['content', content], ...more], resultManner);
}

/** What a result that wants to be something else is. */
function plainOf(given: Record<string, unknown>): Record<string, unknown> {
  return typeof given.toJSON === 'function' ? (given.toJSON() as Record<string, unknown>) : given;
}

describe('a result of nothing but one text', () => {
  it('is written as any other would be', () => {
    let usual = 0;
    fc.assert(
      fc.property(near, (shape) => {
        const written = writer.complete(build(shape));
        expect(parsed(written)).toEqual(merged(plainOf(build(shape)), { resultType: 'complete' }));
        if (written.startsWith('{"content":[{"type":"text","text":')) usual++;
      }),
      { numRuns: 3_000 },
    );
    expect(usual).toBeGreaterThan(300);
  });

  it('is read once: a text that changes between two looks is one of its values', () => {
    let looks = 0;
    const item = {
      type: 'text',
      get text(): unknown {
        return looks++ === 0 ? 'first' : undefined;
      },
    };
    expect(JSON.parse(writer.complete({ content: [item] }))).toMatchObject({ content: [{ text: 'first' }] });
  });
});

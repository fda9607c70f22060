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

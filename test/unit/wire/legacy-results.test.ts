import { createRequire } from 'node:module';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { legacyOutputSchema, legacyResultText, legacyToolResult, wrapsOutput } from '../../../src/wire/wire.ts';

interface Validator {
  compile(schema: object): (value: unknown) => boolean;
}
const Ajv2020 = (createRequire(import.meta.url)('ajv/dist/2020') as { default: new (options: object) => Validator })
  .default;
const fits = (schema: object, value: unknown): boolean => new Ajv2020({ strict: false }).compile(schema)(value);

describe('legacyResultText', () => {
  const later = fc.record({ resultType: fc.string(), ttlMs: fc.nat(), cacheScope: fc.string() }, { requiredKeys: [] });
  const own = fc.dictionary(
    fc.string().filter((key) => key !== '__proto__' && key !== 'toJSON'),
    fc.jsonValue(),
  );

  it('leaves out what later revisions added, and nothing else', () => {
    fc.assert(
      fc.property(own, later, (members, added) => {
        const { resultType: _r, ttlMs: _t, cacheScope: _c, ...kept } = members;
        expect(legacyResultText({ ...members, ...added })).toBe(JSON.stringify(kept));
      }),
    );
  });

  it('looks at the top alone', () => {
    const result = { structuredContent: { ttlMs: 1, resultType: 'x' }, _meta: { cacheScope: 'y' } };
    expect(JSON.parse(legacyResultText(result))).toEqual(result);
  });
});

describe('legacyToolResult', () => {
  it.each([
    ['no structured output', { content: [] }, false, undefined],
    ['an object', { structuredContent: { a: 1 } }, false, { a: 1 }],
    ['an object under a schema of something else', { structuredContent: { a: 1 } }, true, { result: { a: 1 } }],
    ['a list', { structuredContent: [1] }, false, { result: [1] }],
    ['text', { structuredContent: '' }, true, { result: '' }],
    ['0', { structuredContent: 0 }, true, { result: 0 }],
    ['false', { structuredContent: false }, false, { result: false }],
    ['null', { structuredContent: null }, true, { result: null }],
  ])('gives legacy clients an object: %s', (_what, result: Record<string, unknown>, wraps, expected) => {
    const before = structuredClone(result);
    expect(legacyToolResult(result, wraps).structuredContent).toEqual(expected);
    expect(result).toEqual(before);
  });
});

describe('legacyOutputSchema', () => {
  it('leaves the schema of an object as it is', () => {
    const schema = { type: 'object', properties: { a: { $ref: '#' } } };
    expect(legacyOutputSchema(schema)).toBe(schema);
    expect(wrapsOutput(schema)).toBe(false);
    expect(wrapsOutput(undefined)).toBe(false);
  });

  it.each([
    ['a list', { type: 'array', items: { type: 'number' } }, [1, 2], ['x']],
    ['a choice', { anyOf: [{ type: 'string' }, { type: 'object' }] }, {}, 5],
    ['several types', { type: ['object', 'null'] }, null, 5],
    ['anything', {}, 5, undefined],
    ['definitions', { $ref: '#/$defs/n', $defs: { n: { type: 'number' } } }, 1, 'x'],
    ['older definitions', { $ref: '#/definitions/n', definitions: { n: { type: 'number' } } }, 1, 'x'],
    ['itself', { type: 'array', items: { $ref: '#' } }, [[], [[]]], [5]],
    [
      'a part of itself',
      { type: 'array', prefixItems: [{ type: 'number' }], items: { $ref: '#/prefixItems/0' } },
      [1, 2],
      [1, 'x'],
    ],
    [
      'a definition that means itself',
      { anyOf: [{ $ref: '#/$defs/t' }], $defs: { t: { type: 'array', items: { $ref: '#/$defs/t' } } } },
      [[]],
      [5],
    ],
  ])('describes what legacyToolResult answers: %s', (_what, schema: Record<string, unknown>, good, bad) => {
    const wrapped = legacyOutputSchema(schema);
    expect(wrapped.type).toBe('object');
    const answer = legacyToolResult({ structuredContent: good }, wrapsOutput(schema)).structuredContent;
    expect(fits(schema, good)).toBe(true);
    expect(fits(wrapped, answer)).toBe(true);
    expect(fits(wrapped, { result: bad })).toBe(false);
    expect(fits(wrapped, {})).toBe(false);
  });

  it('names its dialect once, at its root, and leaves text alone that looks like a reference', () => {
    const $schema = 'https://json-schema.org/draft/2020-12/schema';
    const inner = { type: 'array', items: { type: 'number' }, description: '#/no reference' };
    expect(legacyOutputSchema({ $schema, ...inner })).toEqual({
      $schema,
      type: 'object',
      properties: { result: inner },
      required: ['result'],
    });
    expect(legacyOutputSchema(inner)).not.toHaveProperty('$schema');
  });
});

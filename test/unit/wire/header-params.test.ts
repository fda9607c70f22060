import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { findHeaderMismatch, findHeaderParams, type HeaderParam } from '../../../src/wire/wire.ts';
import { serverWith, text } from '../support/test-server.ts';

const string = (header: unknown): object => ({ type: 'string', 'x-mcp-header': header });
const object = (properties: object): Record<string, unknown> => ({ type: 'object', properties });

function found(schema: Record<string, unknown>): readonly HeaderParam[] | undefined {
  return findHeaderParams('tool "t"', schema);
}

describe('findHeaderParams (x-mcp-header)', () => {
  it('finds mapped arguments at any depth, along properties', () => {
    const schema = object({
      region: string('Region'),
      plain: { type: 'string' },
      nested: object({
        properties: string('P'),
        deep: object({ count: { type: 'integer', 'x-mcp-header': 'Count' } }),
      }),
      flag: { type: 'boolean', 'x-mcp-header': 'flag' },
    });
    expect(found(schema)).toEqual([
      { header: 'Region', key: 'region', path: ['region'], isInteger: false },
      { header: 'P', key: 'p', path: ['nested', 'properties'], isInteger: false },
      { header: 'Count', key: 'count', path: ['nested', 'deep', 'count'], isInteger: true },
      { header: 'flag', key: 'flag', path: ['flag'], isInteger: false },
    ]);
  });

  it('finds nothing where nothing is mapped', () => {
    expect(found(object({ a: { type: 'string' } }))).toBe(undefined);
    expect(found({})).toBe(undefined);
  });

  it('reads values as values: the keyword in const, enum, default or examples maps nothing', () => {
    const value = { 'x-mcp-header': 'A b' };
    expect(found(object({ a: { const: value, default: value, enum: [value], examples: [value] } }))).toBe(undefined);
  });

  it('takes an argument that is called like the keyword for an argument', () => {
    expect(found(object({ 'x-mcp-header': { type: 'string' } }))).toBe(undefined);
    expect(found(object({ enum: string('A'), const: string('B') }))).toHaveLength(2);
  });

  it.each([
    ['an empty name', object({ a: string('') })],
    ['a space', object({ a: string('My Region') })],
    ['a colon', object({ a: string('a:b') })],
    ['a line end', object({ a: string('a\r\nX: y') })],
    ['a control character', object({ a: string('a\u0000') })],
    ['a letter beyond ASCII', object({ a: string('Régïon') })],
    ['a name that is no text', object({ a: string(5) })],
    ['a name that is true', object({ a: string(true) })],
    ['a name that is null', object({ a: string(null) })],
    ['two equal names', object({ a: string('Same'), b: string('Same') })],
    ['two names that differ in case alone', object({ a: string('Same'), b: object({ c: string('sAME') }) })],
    ['a number', object({ a: { type: 'number', 'x-mcp-header': 'A' } })],
    ['an object', object({ a: { ...object({}), 'x-mcp-header': 'A' } })],
    ['a list', object({ a: { type: 'array', 'x-mcp-header': 'A' } })],
    ['null', object({ a: { type: 'null', 'x-mcp-header': 'A' } })],
    ['no type', object({ a: { 'x-mcp-header': 'A' } })],
    ['several types', object({ a: { type: ['string', 'null'], 'x-mcp-header': 'A' } })],
    ['the root', { ...object({}), 'x-mcp-header': 'A' }],
    ['the items of a list', object({ a: { type: 'array', items: string('A') } })],
    ['a member of an item', object({ a: { type: 'array', items: object({ b: string('A') }) } })],
    ['a choice', object({ a: { anyOf: [string('A')] } })],
    ['a choice at the root', { type: 'object', oneOf: [object({ a: string('A') })] }],
    ['a condition', { type: 'object', if: object({ a: string('A') }) }],
    ['a definition', { ...object({ a: { $ref: '#/$defs/a' } }), $defs: { a: string('A') } }],
    ['additional members', { type: 'object', additionalProperties: string('A') }],
    ['members by pattern', { type: 'object', patternProperties: { '^a': string('A') } }],
    ['a negation', object({ a: { not: string('A') } })],
  ])('is refused at registration, naming the tool: %s', (_what, inputSchema) => {
    expect(() => serverWith((server) => server.registerTool('mapped', { inputSchema }, () => text('')))).toThrow(
      expect.objectContaining({ code: 'OPTION_INVALID', option: expect.stringContaining('tool "mapped" inputSchema') }),
    );
  });

  it('comes through from a library that keeps foreign keywords', () => {
    const inputSchema = z.object({ region: z.string().meta({ 'x-mcp-header': 'Region' }) });
    const server = serverWith();
    expect(server.registerTool('t', { inputSchema }, () => text('')).compiled.headerParams).toHaveLength(1);
  });

  it('accepts every token of RFC 9110 as a name, and nothing else', () => {
    const printable = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code));
    const token = (char: string): boolean => /[!#$%&'*+.^_`|~0-9A-Za-z-]/.test(char);
    for (const char of printable) {
      const attempt = (): unknown => found(object({ a: string(`x${char}`) }));
      if (token(char)) expect(attempt()).toHaveLength(1);
      else expect(attempt).toThrow();
    }
  });
});

describe('findHeaderMismatch', () => {
  const params =
    found(
      object({
        s: string('S'),
        n: { type: 'integer', 'x-mcp-header': 'N' },
        b: { type: 'boolean', 'x-mcp-header': 'B' },
      }),
    ) ?? [];
  const mismatch = (args: unknown, headers: Record<string, string>): string | undefined =>
    findHeaderMismatch(params, args, new Map(Object.entries(headers)));

  it('agrees with any value that a client encodes', () => {
    const args = fc.record({
      s: fc.string({ unit: 'grapheme' }),
      n: fc.maxSafeInteger(),
      b: fc.boolean(),
    });
    fc.assert(
      fc.property(args, ({ s, n, b }) => {
        const encoded = `=?base64?${Buffer.from(s, 'utf8').toString('base64')}?=`;
        expect(mismatch({ s, n, b }, { s: encoded, n: String(n), b: String(b) })).toBe(undefined);
        expect(mismatch({ s: `${s}x`, n, b }, { s: encoded, n: String(n), b: String(b) })).toContain('Mcp-Param-S');
        expect(mismatch({ s, n, b }, { s: encoded, n: String(n), b: String(!b) })).toContain('Mcp-Param-B');
        expect(mismatch({ s, n, b }, { s: encoded, n: `${n}1`, b: String(b) })).toContain('Mcp-Param-N');
      }),
    );
  });

  it('reads own members alone', () => {
    const [param] = found(object({ constructor: object({ name: string('Name') }) })) ?? [];
    expect(findHeaderMismatch([param as HeaderParam], {}, undefined)).toBe(undefined);
  });
});

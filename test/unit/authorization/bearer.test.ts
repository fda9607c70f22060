import { describe, expect, it } from 'vitest';
import { Denial } from '../../../src/authorization/access.ts';
import { challenge, readBearer } from '../../../src/authorization/bearer.ts';
import { Random } from '../../fuzz/random.ts';

const TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/;
const outcome = (header: string | undefined): string => {
  const found = readBearer(header, 100);
  return found instanceof Denial ? `${found.status} ${found.error}` : found;
};

describe('the Authorization header', () => {
  it.each([
    ['Bearer abc', 'abc'],
    ['bearer abc', 'abc'],
    ['BEARER   a.b-c_d~e+f/g==', 'a.b-c_d~e+f/g=='],
    [`Bearer ${'a'.repeat(100)}`, 'a'.repeat(100)],
    [undefined, '401 undefined'],
    ['', '401 undefined'],
    ['Basic abc', '401 undefined'],
    ['Bearer', '400 invalid_request'],
    ['Bearer ', '400 invalid_request'],
    ['Bearer\tabc', '401 undefined'],
    ['Bearer a=b', '400 invalid_request'],
    ['Bearer a,b', '400 invalid_request'],
    ['Bearer ä', '400 invalid_request'],
    [`Bearer ${'a'.repeat(101)}`, '400 invalid_request'],
  ])('%s is read as %s', (header, expected) => {
    expect(outcome(header)).toBe(expected);
  });

  it('gives a token of the one form or none, whatever comes', () => {
    const random = new Random(7);
    const pieces = [
      'Bearer',
      'bearer',
      ' ',
      '  ',
      '\t',
      'abc',
      '=',
      '==',
      ',',
      '"',
      'Basic',
      '.',
      '\u0000',
      'é',
      'a'.repeat(60),
    ];
    let tokens = 0;
    for (let round = 0; round < 20_000; round++) {
      const header = Array.from({ length: 1 + random.int(6) }, () => random.pick(pieces)).join('');
      const found = readBearer(header, 100);
      if (found instanceof Denial) continue;
      tokens++;
      expect(found).toMatch(TOKEN);
      expect([found.length <= 100, header.endsWith(found) || header.trimEnd().endsWith(found)]).toEqual([true, true]);
    }
    expect(tokens).toBeGreaterThan(50);
  });

  it('can be read in time that grows with its length alone', () => {
    const header = `Bearer ${'a'.repeat(60_000)}${'='.repeat(60_000)}!`;
    expect(readBearer(header, 200_000)).toBeInstanceOf(Denial);
  });
});

describe('a challenge', () => {
  it('holds nothing that ends a quotation', () => {
    const denial = new Denial(401, 'invalid_token', 'a "quoted" \\ text\r\nX: y', ['read', 'write']);
    expect(challenge(denial, 'https://mcp.example/x"y')).toBe(
      'Bearer error="invalid_token", error_description="a ?quoted? ? text??X: y", resource_metadata="https://mcp.example/x?y", scope="read write"',
    );
  });
});

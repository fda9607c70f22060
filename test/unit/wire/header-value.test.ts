import { isUtf8 } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeHeaderValue } from '../../../src/wire/wire.ts';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** Decodes Base64 bit by bit; nothing when it is not well-formed. */
function bytesOf(base64: string): Buffer | undefined {
  const digits = base64.replace(/={1,2}$/, '');
  if (base64.length % 4 !== 0 || [...digits].some((digit) => !ALPHABET.includes(digit))) return undefined;
  if (base64.length - digits.length > 0 && digits.length % 4 < 2) return undefined;
  const bits = [...digits].map((digit) => ALPHABET.indexOf(digit).toString(2).padStart(6, '0')).join('');
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((octet) => Number.parseInt(octet, 2)));
}

/** What the specification says: text between the markers is the Base64 of UTF-8, all else stands for itself. */
function oracle(value: string): string | undefined {
  const marked = /^=\?base64\?([\s\S]*)\?=$/.exec(value);
  if (marked === null) return value;
  const bytes = bytesOf(marked[1] ?? '');
  return bytes !== undefined && isUtf8(bytes) ? bytes.toString('utf8') : undefined;
}

const sentinel = (inner: string): string => `=?base64?${inner}?=`;
const encode = (text: string): string => sentinel(Buffer.from(text, 'utf8').toString('base64'));

describe('decodeHeaderValue', () => {
  it.each([
    ['us-west1', 'us-west1'],
    ['', ''],
    ['=?base64?SGVsbG8sIOS4lueVjA==?=', 'Hello, 世界'],
    ['=?base64?IHBhZGRlZCA=?=', ' padded '],
    ['=?base64?bGluZTEKbGluZTI=?=', 'line1\nline2'],
    ['=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?=', '=?base64?literal?='],
    ['=?base64??=', ''],
    ['=?BASE64?SGk=?=', '=?BASE64?SGk=?='],
    ['=?Base64?SGk=?=', '=?Base64?SGk=?='],
    ['=?base64?SGk=', '=?base64?SGk='],
    ['SGk=?=', 'SGk=?='],
    ['=?base64?=', '=?base64?='],
    ['a=?base64?SGk=?=', 'a=?base64?SGk=?='],
  ])('reads %s as %j', (value, meant) => {
    expect(decodeHeaderValue(value)).toBe(meant);
  });

  it.each([
    ['a character that is none of Base64', sentinel('SG k')],
    ['URL-safe digits', sentinel('_-8=')],
    ['no padding', sentinel('SGk')],
    ['too much padding', sentinel('SGk==')],
    ['padding in the middle', sentinel('SG==SGk=')],
    ['a single digit', sentinel('S===')],
    ['a byte that is not UTF-8', sentinel('/w==')],
    ['an overlong form', sentinel('wIA=')],
    ['half a surrogate pair', sentinel('7aCA')],
    ['a cut sequence', sentinel('5Lg=')],
  ])('refuses %s', (_what, value) => {
    expect(decodeHeaderValue(value)).toBe(undefined);
  });

  it('gives back any text that a client encoded, a byte order mark included', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.constantFrom('', '\ufeff', '\ufeff\ufeff'), (text, mark) => {
        expect(decodeHeaderValue(encode(mark + text))).toBe(mark + text);
      }),
      { examples: [['a', '\ufeff']] },
    );
  });

  it('agrees with an oracle on anything', () => {
    const inner = fc.oneof(
      fc.base64String(),
      fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes).toString('base64')),
      fc.string({ unit: fc.constantFrom('A', 'w', '=', '?', '/', ' ', '\n', 'é') }),
    );
    fc.assert(
      fc.property(
        fc.oneof(
          inner,
          inner.map(sentinel),
          inner.map((text) => `=?base64?${text}`),
        ),
        (value) => {
          expect(decodeHeaderValue(value)).toBe(oracle(value));
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

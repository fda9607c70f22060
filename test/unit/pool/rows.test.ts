import { describe, expect, it } from 'vitest';
import { encodeParameters } from '../../../src/pool/sql/parameters.ts';
import { createRowBuilder, toInteger, toIsoTimestamp } from '../../../src/pool/sql/rows.ts';

describe('rows', () => {
  it('have their columns in order, the later of two with one name', () => {
    const build = createRowBuilder(['b', 'a', 'b'], [undefined, undefined, undefined]);
    expect(Object.entries(build([1, 2, 3]))).toEqual([
      ['b', 3],
      ['a', 2],
    ]);
  });

  it('keep a column called __proto__ to themselves', () => {
    const build = createRowBuilder(['__proto__', 'constructor'], [undefined, undefined]);
    const row = build([{ polluted: true }, 1]);
    expect(Object.keys(row)).toEqual(['__proto__', 'constructor']);
    expect((row as { polluted?: boolean }).polluted).toBeUndefined();
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it('convert what is there, and not null', () => {
    const build = createRowBuilder(['a', 'b'], [Boolean, undefined]);
    expect([build([1, 1]), build([null, null])]).toEqual([
      { a: true, b: 1 },
      { a: null, b: null },
    ]);
  });
});

describe('moments', () => {
  it.each([
    ['2026-01-02 03:04:05', '2026-01-02T03:04:05.000Z'],
    ['2026-01-02 03:04:05.6', '2026-01-02T03:04:05.600Z'],
    ['2026-01-02T03:04:05.678901Z', '2026-01-02T03:04:05.678901Z'],
    ['2026-01-02 03:04:05.678+00', '2026-01-02T03:04:05.678Z'],
    ['2026-01-02 03:04:05.678+02', '2026-01-02T01:04:05.678Z'],
    ['2026-01-01 00:15:00-05:30', '2026-01-01T05:45:00.000Z'],
    ['infinity', 'infinity'],
    ['0044-03-15 12:00:00 BC', '0044-03-15 12:00:00 BC'],
    [1_700_000_000, 1_700_000_000],
  ])('%s are %s', (text, expected) => {
    expect(toIsoTimestamp(text)).toBe(expected);
  });
});

it('keeps integers exact', () => {
  expect([toInteger('5'), toInteger('9007199254740993'), toInteger(5n), toInteger(-9_007_199_254_740_993n)]).toEqual([
    5,
    9_007_199_254_740_993n,
    5,
    -9_007_199_254_740_993n,
  ]);
});

describe('parameters', () => {
  const encode = (values: unknown[]) =>
    encodeParameters(
      values as never[],
      {
        boolean: Number,
        bigint: String,
        integer: undefined,
        date: (date) => date.toISOString(),
        bytes: (bytes) => bytes.length,
      },
      'shop',
    );

  it('stay the same list where nothing has to change', () => {
    const values = ['a', 1, null];
    expect(encode(values)).toBe(values);
  });

  it('are encoded one by one, and the given list is left alone', () => {
    const values = [true, 5n, new Date(0), new Uint8Array(3), { a: 1 }, [1], 'x'];
    expect(encode(values)).toEqual([1, '5', '1970-01-01T00:00:00.000Z', 3, '{"a":1}', '[1]', 'x']);
    expect(values[0]).toBe(true);
  });

  it.each([
    [undefined, 'parameter 1 is undefined'],
    [() => 1, 'parameter 1 is a function'],
    [Symbol('a'), 'parameter 1 is a symbol'],
    [new Date(Number.NaN), 'parameter 1 is an invalid date'],
    [{ a: 1n }, 'parameter 1 is not expressible as JSON'],
  ])('refuse %s', (value, expected) => {
    expect(() => encode([value])).toThrow(expected);
  });
});

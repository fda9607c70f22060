import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OptionError } from '../../../src/kernel/errors.ts';
import {
  booleanOption,
  integerOption,
  nearest,
  objectOption,
  stringListOption,
  stringOption,
} from '../../../src/kernel/options.ts';

const RANGE = { min: 0, max: 10 };

function errorOf(run: () => unknown): OptionError {
  try {
    run();
  } catch (error) {
    if (error instanceof OptionError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('integerOption', () => {
  it('takes the default only where nothing is given, never instead of 0', () => {
    expect(integerOption('n', undefined, 5, RANGE)).toBe(5);
    expect(integerOption('n', 0, 5, RANGE)).toBe(0);
  });

  it('accepts exactly the integers of the range, both ends included', () => {
    fc.assert(
      fc.property(fc.oneof(fc.integer({ min: -20, max: 20 }), fc.double()), (value) => {
        const fits = Number.isInteger(value) && value >= RANGE.min && value <= RANGE.max;
        if (fits) expect(integerOption('n', value, 5, RANGE)).toBe(value);
        else expect(() => integerOption('n', value, 5, RANGE)).toThrow(OptionError);
      }),
      { examples: [[-1], [0], [10], [11]] },
    );
  });

  it.each([[Number.NaN], [Number.POSITIVE_INFINITY], ['5'], [5n], [true], [[]], [{}]])('refuses %o', (value) => {
    const error = errorOf(() => integerOption('http.port', value, 5, RANGE));
    expect(error).toMatchObject({ code: 'OPTION_INVALID', option: 'http.port', retryable: false });
    expect(error.message).toContain('must be an integer from 0 to 10');
  });

  it('names the value that it got', () => {
    expect(errorOf(() => integerOption('n', 11, 5, RANGE)).message).toBe(
      'option "n" must be an integer from 0 to 10, got 11',
    );
  });
});

describe('booleanOption', () => {
  it('takes the default only where nothing is given, never instead of false', () => {
    expect(booleanOption('b', undefined, true)).toBe(true);
    expect(booleanOption('b', false, true)).toBe(false);
  });

  it.each([[0], [1], ['true'], ['']])('refuses %o', (value) => {
    expect(errorOf(() => booleanOption('b', value, true)).option).toBe('b');
  });
});

describe('stringOption', () => {
  it('is required without a fallback', () => {
    expect(errorOf(() => stringOption('name', undefined)).message).toBe(
      'option "name" must be a non-empty string, got undefined',
    );
    expect(stringOption('name', undefined, 'x')).toBe('x');
  });

  it('does not take the fallback instead of an empty string', () => {
    expect(() => stringOption('name', '', 'x')).toThrow(OptionError);
  });

  it('shows a long value shortened', () => {
    const { message } = errorOf(() => stringOption('name', ['a'.repeat(1_000)]));
    expect(message).toContain('an array of 1');
  });
});

describe('stringListOption', () => {
  it('copies and freezes the list', () => {
    const given = ['a'];
    const list = stringListOption('hosts', given, []);
    given.push('b');
    expect(list).toEqual(['a']);
    expect(Object.isFrozen(list)).toBe(true);
  });

  it('keeps an empty list rather than the default', () => {
    expect(stringListOption('hosts', [], ['localhost'])).toEqual([]);
  });

  it.each([['a'], [['']], [[1]], [{ 0: 'a', length: 1 }]])('refuses %o', (value) => {
    expect(() => stringListOption('hosts', value, [])).toThrow(OptionError);
  });
});

describe('objectOption', () => {
  it('is empty where nothing is given', () => {
    expect(objectOption('limits', undefined, ['a'])).toEqual({});
  });

  it('names an unknown key in full and the nearest known one', () => {
    const error = errorOf(() => objectOption('http', { prot: 1 }, ['host', 'port', 'path']));
    expect(error.option).toBe('http.prot');
    expect(error.message).toBe('option "http.prot" is not known (did you mean "port"?), got 1');
  });

  it('has no proposal for a key that is near to none', () => {
    const { message } = errorOf(() => objectOption('', { completelyElse: 1 }, ['host', 'port']));
    expect(message).toBe('option "completelyElse" is not known, got 1');
  });

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])(
    'takes no inherited name for a known one: %s',
    (key) => {
      const given = JSON.parse(`{${JSON.stringify(key)}:1}`) as unknown;
      expect(errorOf(() => objectOption('http', given, ['host'])).option).toBe(`http.${key}`);
    },
  );

  it.each([[null], [[]], ['x'], [5], [() => {}]])('refuses %o', (value) => {
    expect(() => objectOption('http', value, ['host'])).toThrow(OptionError);
  });
});

describe('nearest', () => {
  it('finds a word with one changed, missing, doubled or wrongly cased letter', () => {
    const words = ['maxBodyBytes', 'maxConnections', 'headerTimeoutMs', 'idleTimeoutMs'];
    fc.assert(
      fc.property(fc.constantFrom(...words), fc.nat(), fc.constantFrom('drop', 'double', 'case'), (word, at, kind) => {
        const index = at % word.length;
        const letter = word[index] as string;
        const replacement = { drop: '', double: letter + letter, case: letter.toUpperCase() }[kind];
        expect(nearest(word.slice(0, index) + replacement + word.slice(index + 1), words)).toBe(word);
      }),
    );
  });
});

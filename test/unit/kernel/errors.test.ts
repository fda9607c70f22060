import { describe, expect, it } from 'vitest';
import { describe as describeValue, OptionError, PeregrineError, toMessage } from '../../../src/kernel/errors.ts';
import { checkNodeVersion } from '../../../src/kernel/runtime.ts';

describe('PeregrineError', () => {
  it('has a code, a name, and says whether a retry can help', () => {
    expect(new PeregrineError('X', 'text')).toMatchObject({ name: 'PeregrineError', code: 'X', retryable: false });
    expect(new PeregrineError('X', 'text', { retryable: true }).retryable).toBe(true);
    expect(new OptionError('a', 'must be b', 1)).toMatchObject({ name: 'OptionError', code: 'OPTION_INVALID' });
  });

  it('has a cause only where one was given', () => {
    const cause = new Error('inner');
    expect(new PeregrineError('X', 'text', { cause }).cause).toBe(cause);
    expect('cause' in new PeregrineError('X', 'text')).toBe(false);
  });
});

describe('describe', () => {
  it.each([
    ['text', '"text"'],
    ['a"b\n', '"a\\"b\\n"'],
    [undefined, 'undefined'],
    [null, 'null'],
    [5n, '5'],
    [Symbol('s'), 'Symbol(s)'],
    [() => {}, 'a function'],
    [[1, 2], 'an array of 2'],
    [{ secret: 'x' }, 'an object'],
    [Object.create(null), 'an object'],
  ])('shows %o as %s', (value, shown) => {
    expect(describeValue(value)).toBe(shown);
  });

  it('shortens long text and stays on one line', () => {
    const shown = describeValue(`${'x'.repeat(100)}\n`);
    expect(shown.length).toBeLessThanOrEqual(62);
    expect(shown).not.toContain('\n');
  });
});

describe('toMessage', () => {
  it('takes the message of an error and the text of anything else', () => {
    expect(toMessage(new TypeError('bad'))).toBe('bad');
    expect(toMessage('plain')).toBe('plain');
    expect(toMessage(null)).toBe('null');
  });
});

describe('checkNodeVersion', () => {
  it.each(['22.18.0', '22.18.1', '22.19.0', '23.0.0', '24.0.0-nightly', '100.0.0'])('accepts %s', (version) => {
    expect(() => checkNodeVersion(version)).not.toThrow();
  });

  it.each(['22.17.9', '22.9.99', '21.99.99', '9.0.0'])('refuses %s', (version) => {
    expect(() => checkNodeVersion(version)).toThrow(expect.objectContaining({ code: 'NODE_TOO_OLD' }));
  });

  it('checks nothing on other runtimes, and passes here', () => {
    expect(() => checkNodeVersion(undefined)).not.toThrow();
    expect(() => checkNodeVersion()).not.toThrow();
  });
});

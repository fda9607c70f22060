import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  errorText,
  idOf,
  isRequestId,
  kindOf,
  notificationText,
  ProtocolError,
  responsePrefix,
} from '../../../src/wire/wire.ts';

const HEAD = { jsonrpc: '2.0' } as const;
const BAD_IDS = [null, 1.5, true, false, {}, [], ['1'], Number.POSITIVE_INFINITY, Number.NaN];

describe('kindOf', () => {
  it.each([
    ['a string id', { ...HEAD, id: 'a', method: 'm' }],
    ['an empty id', { ...HEAD, id: '', method: 'm' }],
    ['id 0', { ...HEAD, id: 0, method: 'm' }],
    ['a negative id', { ...HEAD, id: -1, method: 'm' }],
    ['parameters', { ...HEAD, id: 1, method: 'm', params: {} }],
    ['an empty method', { ...HEAD, id: 1, method: '' }],
    ['members of no meaning', { ...HEAD, id: 1, method: 'm', extra: [] }],
  ])('tells a request: %s', (_what, message) => {
    expect(kindOf(message)).toBe('request');
  });

  it.each([
    ['no parameters', { ...HEAD, method: 'm' }],
    ['parameters', { ...HEAD, method: 'm', params: { a: 1 } }],
  ])('tells a notification: %s', (_what, message) => {
    expect(kindOf(message)).toBe('notification');
  });

  it.each([
    ['a result', { ...HEAD, id: 1, result: {} }],
    ['an error', { ...HEAD, id: 1, error: { code: 1, message: 'm' } }],
    ['an error whose id could not be read', { ...HEAD, id: null, error: { code: 1, message: 'm' } }],
    ['an error without an id', { ...HEAD, error: { code: 1, message: 'm' } }],
  ])('tells a response: %s', (_what, message) => {
    expect(kindOf(message)).toBe('response');
  });

  it.each(BAD_IDS.map((id) => [id]))('takes no request with the id %o', (id) => {
    expect(kindOf({ ...HEAD, id, method: 'm' })).toBe('invalid');
    expect(kindOf({ ...HEAD, id, result: {} })).toBe('invalid');
    expect(isRequestId(id)).toBe(false);
    expect(idOf({ id })).toBe(undefined);
  });

  it.each([
    ['nothing', undefined],
    ['null', null],
    ['a number', 5],
    ['text', 'm'],
    ['a list', [{ ...HEAD, id: 1, method: 'm' }]],
    ['an empty object', {}],
    ['no version', { id: 1, method: 'm' }],
    ['another version', { jsonrpc: '1.0', id: 1, method: 'm' }],
    ['a number as version', { jsonrpc: 2.0, id: 1, method: 'm' }],
    ['a method that is no text', { ...HEAD, id: 1, method: 1 }],
    ['a method that is null', { ...HEAD, id: 1, method: null }],
    ['parameters by position', { ...HEAD, id: 1, method: 'm', params: [] }],
    ['parameters that are null', { ...HEAD, id: 1, method: 'm', params: null }],
    ['parameters that are text', { ...HEAD, method: 'm', params: 'p' }],
    ['an id alone', { ...HEAD, id: 1 }],
    ['a result without an id', { ...HEAD, result: {} }],
    ['a result that is no object', { ...HEAD, id: 1, result: 5 }],
    ['result and error', { ...HEAD, id: 1, result: {}, error: {} }],
    ['an error that is no object', { ...HEAD, id: 1, error: 'e' }],
  ])('takes what is none of them for invalid: %s', (_what, message) => {
    expect(kindOf(message)).toBe('invalid');
  });

  it('cannot tell two integers beyond 2^53 apart, hence takes neither', () => {
    expect(isRequestId(2 ** 53 - 1)).toBe(true);
    expect(kindOf(JSON.parse('{"jsonrpc":"2.0","id":9007199254740993,"method":"m"}'))).toBe('invalid');
  });

  it('answers for any JSON value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (message) => {
        expect(['request', 'notification', 'response', 'invalid']).toContain(kindOf(message));
      }),
    );
  });
});

describe('texts', () => {
  const id = fc.oneof(fc.string({ unit: 'binary' }), fc.maxSafeInteger());

  it('echo every id as it came', () => {
    fc.assert(
      fc.property(id, (each) => {
        const sent: unknown = JSON.parse(JSON.stringify(each));
        expect(JSON.parse(`${responsePrefix(each)}{}}`)).toEqual({ ...HEAD, id: sent, result: {} });
        expect(JSON.parse(errorText(each, -1, 'm'))).toEqual({ ...HEAD, id: sent, error: { code: -1, message: 'm' } });
      }),
    );
  });

  it('have no id where none is known, rather than null', () => {
    expect(errorText(undefined, -32700, 'bad')).toBe('{"jsonrpc":"2.0","error":{"code":-32700,"message":"bad"}}');
  });

  it('have data only where there is some; false, 0 and null are some', () => {
    expect(JSON.parse(errorText(1, -1, 'm'))).not.toHaveProperty('error.data');
    for (const data of [false, 0, null, '', [], { a: 1 }]) {
      expect(JSON.parse(errorText(1, -1, 'm', data))).toHaveProperty('error.data', data);
    }
  });

  it('stay on one line, as stdio and event streams need it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(errorText(text, -1, text, text)).not.toMatch(/[\n\r]/);
        expect(notificationText(text, { text })).not.toMatch(/[\n\r]/);
        expect(responsePrefix(text)).not.toMatch(/[\n\r]/);
      }),
    );
  });

  it('of notifications have parameters only where there are some', () => {
    expect(notificationText('n')).toBe('{"jsonrpc":"2.0","method":"n"}');
    expect(notificationText('n', { a: 1 })).toBe('{"jsonrpc":"2.0","method":"n","params":{"a":1}}');
  });
});

describe('ProtocolError', () => {
  it('keeps its code and data', () => {
    const error = new ProtocolError(-32_000, 'm', { a: 1 });
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ name: 'ProtocolError', code: -32_000, message: 'm', data: { a: 1 } });
  });
});

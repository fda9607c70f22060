import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { acceptedContent, inputRequired, inputResponse } from '../../../src/registry/registry.ts';

describe('inputRequired', () => {
  it('needs requests or a state', () => {
    expect(() => inputRequired({})).toThrow(TypeError);
    expect(inputRequired({ requestState: '' })).toEqual({ resultType: 'input_required', requestState: '' });
    expect(inputRequired({ inputRequests: {} })).toEqual({ resultType: 'input_required', inputRequests: {} });
  });

  it('asks for a form, reduced to what a form can show', () => {
    const requestedSchema = z.object({
      name: z.string().min(1).max(9).describe('Your name'),
      age: z.number().int().optional(),
      color: z.enum(['red', 'green']).default('red'),
      sure: z.boolean(),
    });
    expect(inputRequired.elicit({ message: 'Who?', requestedSchema })).toEqual({
      method: 'elicitation/create',
      params: {
        mode: 'form',
        message: 'Who?',
        requestedSchema: {
          type: 'object',
          properties: {
            name: { type: 'string', minLength: 1, maxLength: 9, description: 'Your name' },
            age: expect.objectContaining({ type: 'integer' }),
            color: { type: 'string', enum: ['red', 'green'], default: 'red' },
            sure: { type: 'boolean' },
          },
          required: expect.arrayContaining(['name', 'sure']),
        },
      },
    });
  });

  it('takes a JSON Schema for a form as it is, without keywords that forms do not have', () => {
    const requestedSchema = {
      type: 'object',
      properties: { a: { type: 'string', pattern: 'x', 'x-own': 1 } },
      additionalProperties: false,
    };
    const { params } = inputRequired.elicit({ message: 'm', requestedSchema });
    expect(params?.requestedSchema).toEqual({ type: 'object', properties: { a: { type: 'string' } } });
  });

  it('has no form for what is nested, nor for a schema without JSON Schema', () => {
    const nested = z.object({ a: z.object({ b: z.string() }) });
    expect(() => inputRequired.elicit({ message: 'm', requestedSchema: nested })).toThrow(/"a"/);
    expect(() => inputRequired.elicit({ message: 'm', requestedSchema: v.object({ a: v.string() }) })).toThrow(
      /valibot/,
    );
  });

  it('asks for a page, a message and roots', () => {
    expect(inputRequired.elicitUrl({ message: 'm', url: 'https://a.example' })).toEqual({
      method: 'elicitation/create',
      params: { mode: 'url', message: 'm', url: 'https://a.example' },
    });
    expect(inputRequired.createMessage({ maxTokens: 5 })).toEqual({
      method: 'sampling/createMessage',
      params: { maxTokens: 5 },
    });
    expect(inputRequired.listRoots()).toEqual({ method: 'roots/list' });
  });
});

describe('inputResponse', () => {
  it.each([
    [
      'an accepted form',
      { action: 'accept', content: { a: 1 } },
      { kind: 'elicit', action: 'accept', content: { a: 1 } },
    ],
    ['a declined form', { action: 'decline' }, { kind: 'elicit', action: 'decline' }],
    ['a cancelled form', { action: 'cancel' }, { kind: 'elicit', action: 'cancel' }],
    ['content that is no object', { action: 'accept', content: [1] }, { kind: 'elicit', action: 'accept' }],
    ['roots', { roots: [{ uri: 'file:///' }] }, { kind: 'roots', roots: [{ uri: 'file:///' }] }],
    [
      'a message',
      { role: 'assistant', content: 'c', model: 'm' },
      { kind: 'sampling', result: { role: 'assistant', content: 'c', model: 'm' } },
    ],
    ['an action that does not exist', { action: 'maybe' }, { kind: 'missing' }],
    ['roots that are no list', { roots: {} }, { kind: 'missing' }],
    ['null', null, { kind: 'missing' }],
    ['text', 'accept', { kind: 'missing' }],
    ['a list', [{ action: 'accept' }], { kind: 'missing' }],
    ['an empty object', {}, { kind: 'missing' }],
  ])('tells %s by its shape', (_what, value, view) => {
    expect(inputResponse({ key: value }, 'key')).toEqual(view);
  });

  it.each(['__proto__', 'constructor', 'toString'])('finds own members alone: %s', (key) => {
    expect(inputResponse({}, key)).toEqual({ kind: 'missing' });
    expect(inputResponse(undefined, key)).toEqual({ kind: 'missing' });
    const own = JSON.parse(`{${JSON.stringify(key)}:{"action":"decline"}}`) as Record<string, unknown>;
    expect(inputResponse(own, key)).toEqual({ kind: 'elicit', action: 'decline' });
  });
});

describe('acceptedContent', () => {
  const schema = z.object({ n: z.coerce.number() });

  it('gives the content of an accepted form, checked where a schema is given', () => {
    expect(acceptedContent({ k: { action: 'accept', content: { n: '5' } } }, 'k')).toEqual({ n: '5' });
    expect(acceptedContent({ k: { action: 'accept', content: { n: '5' } } }, 'k', schema)).toEqual({ n: 5 });
  });

  it.each([
    ['declined', { action: 'decline', content: { n: 5 } }],
    ['cancelled', { action: 'cancel' }],
    ['without content', { action: 'accept' }],
    ['not valid', { action: 'accept', content: { n: 'x' } }],
    ['of another kind', { roots: [] }],
  ])('gives nothing for an answer that is %s', (_what, answer) => {
    expect(acceptedContent({ k: answer }, 'k', schema)).toBe(undefined);
    expect(acceptedContent(undefined, 'k', schema)).toBe(undefined);
  });

  it('cannot wait for a schema that checks asynchronously', () => {
    const slow = z.object({ n: z.string().refine(async () => true) });
    expect(() => acceptedContent({ k: { action: 'accept', content: { n: 'x' } } }, 'k', slow)).toThrow(TypeError);
  });
});

import { type } from 'arktype';
import { describe, expect, it, vi } from 'vitest';
import * as z from 'zod';
import { completable, ResourceTemplate } from '../../../src/registry/registry.ts';
import { type Fields, modern, type Reply } from '../support/http.ts';
import { codeOf } from '../support/messages.ts';
import { serverWith, type TestServer } from '../support/test-server.ts';

const message = () => ({ messages: [{ role: 'user' as const, content: { type: 'text' as const, text: '' } }] });
const starting = (words: readonly string[]) => (typed: string) => words.filter((word) => word.startsWith(typed));

function complete(server: TestServer, ref: object, name: string, value: string, more: object = {}): Promise<Reply> {
  const headers: Fields = {};
  return modern(server, 'completion/complete', { ref, argument: { name, value }, ...more }, { headers });
}

const prompt = (name: string) => ({ type: 'ref/prompt', name });
const resource = (uri: string) => ({ type: 'ref/resource', uri });

function sample(): TestServer {
  return serverWith((server) => {
    server.registerPrompt(
      'compose',
      {
        argsSchema: z.object({
          topic: completable(z.string(), starting(['geology', 'gardening', 'music'])),
          tone: completable(z.string(), async (typed) => starting(['kind', 'keen'])(typed)).optional(),
          plain: z.string(),
        }),
      },
      message,
    );
    const complete = { word: starting(['ark', 'art']) };
    server.registerPrompt('other', { argsSchema: type({ word: 'string' }), complete }, message);
    const family = new ResourceTemplate('x://{id}/{part}', {
      list: undefined,
      complete: { id: starting(['1', '12', '2']) },
    });
    server.registerResource('family', family, {}, () => ({ contents: [] }));
    server.registerResource('one', 'x://one', {}, () => ({ contents: [] }));
  });
}

describe('completion/complete', () => {
  it.each([
    ['a field of a schema', prompt('compose'), 'topic', 'g', ['geology', 'gardening']],
    ['a field that may be absent', prompt('compose'), 'tone', 'ki', ['kind']],
    ['a field without completion', prompt('compose'), 'plain', 'x', []],
    ['an argument that does not exist', prompt('compose'), 'none', 'x', []],
    ['the complete member, for other libraries', prompt('other'), 'word', 'ar', ['ark', 'art']],
    ['a variable of a template', resource('x://{id}/{part}'), 'id', '1', ['1', '12']],
    ['a variable without completion', resource('x://{id}/{part}'), 'part', '1', []],
    ['a resource without variables', resource('x://one'), 'id', '1', []],
  ])('proposes values for %s', async (_what, ref, name, typed, values) => {
    const { result } = await complete(sample(), ref, name, typed);
    expect(result?.completion).toEqual({ values, total: values.length, hasMore: false });
  });

  it('sends 100 values at most, and says how many there are', async () => {
    const many = Array.from({ length: 250 }, (_, index) => `v${index}`);
    const server = serverWith((each) =>
      each.registerPrompt('p', { argsSchema: { a: completable(z.string(), () => many) } }, message),
    );
    const { result } = await complete(server, prompt('p'), 'a', '');
    expect(result?.completion).toEqual({ values: many.slice(0, 100), total: 250, hasMore: true });
  });

  it('tells the callback which arguments were chosen before', async () => {
    const callback = vi.fn(() => ['x']);
    const server = serverWith((each) =>
      each.registerPrompt('p', { argsSchema: { a: completable(z.string(), callback) } }, message),
    );
    await complete(server, prompt('p'), 'a', 'v', { context: { arguments: { b: 'chosen' } } });
    expect(callback).toHaveBeenLastCalledWith('v', { arguments: { b: 'chosen' } });
    await complete(server, prompt('p'), 'a', 'v');
    expect(callback).toHaveBeenLastCalledWith('v', undefined);
  });

  it.each([
    ['a prompt that does not exist', { ref: prompt('none'), argument: { name: 'a', value: '' } }],
    ['a template that does not exist', { ref: resource('x://{other}'), argument: { name: 'a', value: '' } }],
    [
      'a kind of reference that does not exist',
      { ref: { type: 'ref/tool', name: 'compose' }, argument: { name: 'a', value: '' } },
    ],
    ['no reference', { argument: { name: 'a', value: '' } }],
    ['no argument', { ref: prompt('compose') }],
    ['an argument without a value', { ref: prompt('compose'), argument: { name: 'a' } }],
    ['a value that is no text', { ref: prompt('compose'), argument: { name: 'a', value: 5 } }],
    ['a name that is no text', { ref: { type: 'ref/prompt', name: 5 }, argument: { name: 'a', value: '' } }],
  ])('answers -32602 for %s', async (_what, params) => {
    expect(codeOf(await modern(sample(), 'completion/complete', params))).toBe(-32602);
  });

  it('does not know what is disabled', async () => {
    const server = serverWith();
    const handle = server.registerPrompt('p', { argsSchema: { a: completable(z.string(), () => ['x']) } }, message);
    handle.disable();
    expect(codeOf(await complete(server, prompt('p'), 'a', ''))).toBe(-32602);
  });

  it.each([
    [
      'throws',
      () => {
        throw new TypeError('secret');
      },
    ],
    ['rejects', () => Promise.reject(new TypeError('secret'))],
    ['answers nothing', () => undefined],
    ['answers an object', () => ({})],
  ])('answers -32603 when the callback %s, and goes on', async (_what, callback) => {
    const server = serverWith((each) => {
      each.registerPrompt('p', { argsSchema: { a: completable(z.string(), callback as () => string[]) } }, message);
      each.registerPrompt('q', { argsSchema: { a: completable(z.string(), () => ['x']) } }, message);
    });
    const reply = await complete(server, prompt('p'), 'a', '');
    expect(codeOf(reply)).toBe(-32603);
    expect(reply.text).not.toContain('secret');
    expect((await complete(server, prompt('q'), 'a', '')).result?.completion).toMatchObject({ values: ['x'] });
  });

  it('is a capability while something completes', async () => {
    expect((await modern(sample(), 'server/discover')).result?.capabilities).toHaveProperty('completions');
    const server = serverWith((each) => each.registerPrompt('p', {}, message));
    expect((await modern(server, 'server/discover')).result?.capabilities).not.toHaveProperty('completions');
    expect(codeOf(await modern(serverWith(), 'completion/complete'))).toBe(-32601);
  });
});

describe('completable', () => {
  it("marks a schema as the official package does, so that either's marks are read by both", async () => {
    const schema = completable(z.string(), () => ['own']);
    const mark = (schema as unknown as Record<symbol, unknown>)[Symbol.for('mcp.completable')];
    expect(mark).toMatchObject({ complete: expect.any(Function) });
    const foreign = z.string();
    Object.defineProperty(foreign, Symbol.for('mcp.completable'), { value: { complete: () => ['foreign'] } });
    const server = serverWith((each) => each.registerPrompt('p', { argsSchema: { a: foreign } }, message));
    expect((await complete(server, prompt('p'), 'a', '')).result?.completion).toMatchObject({ values: ['foreign'] });
  });

  it('works for schemas that are functions, too', async () => {
    const word = completable(type('string'), () => ['found']);
    const server = serverWith((each) => each.registerPrompt('p', { argsSchema: { word } }, message));
    expect((await complete(server, prompt('p'), 'word', '')).result?.completion).toMatchObject({ values: ['found'] });
  });

  it('leaves the schema a schema', () => {
    const schema = completable(z.string().min(2), () => []);
    expect(schema.parse('ab')).toBe('ab');
    expect(() => schema.parse('a')).toThrow();
  });
});

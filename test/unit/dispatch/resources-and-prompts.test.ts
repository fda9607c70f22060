import { type as arktype } from 'arktype';
import { describe, expect, it, vi } from 'vitest';
import * as z from 'zod';
import { ResourceTemplate } from '../../../src/registry/registry.ts';
import { legacy, modern } from '../support/http.ts';
import { codeOf } from '../support/messages.ts';
import { faultsOf, serverWith } from '../support/test-server.ts';

const read = (value: string) => (uri: URL) => ({ contents: [{ uri: uri.href, text: value }] });

describe('resources/read', () => {
  it('gives the handler the URI, and the variables of a family', async () => {
    const one = vi.fn(read('one'));
    const many = vi.fn(read('many'));
    const server = serverWith((each) => {
      each.registerResource('one', 'x://one/', {}, one);
      each.registerResource('many', new ResourceTemplate('y://h/{id}{?q}', { list: undefined }), {}, many);
    });
    await modern(server, 'resources/read', { uri: 'x://one/' });
    expect(one).toHaveBeenCalledWith(new URL('x://one/'), expect.anything());
    await modern(server, 'resources/read', { uri: 'y://h/a%20b?q=1' });
    expect(many).toHaveBeenCalledWith(new URL('y://h/a%20b?q=1'), { id: 'a%20b', q: '1' }, expect.anything());
  });

  it('prefers a registered resource to a family, and the first family to the second', async () => {
    const server = serverWith((each) => {
      each.registerResource('wide', new ResourceTemplate('x://{+any}', { list: undefined }), {}, read('wide'));
      each.registerResource('narrow', new ResourceTemplate('x://n/{id}', { list: undefined }), {}, read('narrow'));
      each.registerResource('one', 'x://one', {}, read('one'));
    });
    expect((await modern(server, 'resources/read', { uri: 'x://one' })).result).toMatchObject({
      contents: [{ text: 'one' }],
    });
    expect((await modern(server, 'resources/read', { uri: 'x://n/1' })).result).toMatchObject({
      contents: [{ text: 'wide' }],
    });
  });

  it.each([
    ['is not registered', 'x://none'],
    ['differs in case', 'x://ONE'],
    ['is no URI', 'no uri'],
    ['is empty', ''],
    ['answers no contents', 'x://empty'],
    ['is a family member without contents', 'y://gone'],
  ])('answers a resource that %s as missing, never as empty', async (_what, uri) => {
    const server = serverWith((each) => {
      each.registerResource('one', 'x://one', {}, read('one'));
      each.registerResource('empty', 'x://empty', {}, () => ({ contents: [] }));
      each.registerResource('f', new ResourceTemplate('y://{id}', { list: undefined }), {}, () => ({ contents: [] }));
    });
    expect(await modern(server, 'resources/read', { uri })).toMatchObject({
      status: 200,
      error: { code: -32602, data: { uri } },
    });
    expect(await legacy(server, 'resources/read', { uri })).toMatchObject({
      status: 200,
      error: { code: -32002, data: { uri } },
    });
  });

  it.each([[undefined], [null], [5], [['x://one']]])('answers -32602 for the uri %o', async (uri) => {
    const server = serverWith((each) => each.registerResource('one', 'x://one', {}, read('one')));
    expect(codeOf(await modern(server, 'resources/read', { uri }))).toBe(-32602);
  });

  it('does not look at a URI that is too long', async () => {
    const handler = vi.fn(read(''));
    const server = serverWith(
      (each) => each.registerResource('f', new ResourceTemplate('x://{+id}', { list: undefined }), {}, handler),
      { limits: { maxUriLength: 64 } },
    );
    const uri = (length: number): string => `x://${'a'.repeat(length - 4)}`;
    expect((await modern(server, 'resources/read', { uri: uri(64) })).result).toBeDefined();
    expect(codeOf(await modern(server, 'resources/read', { uri: uri(65) }))).toBe(-32602);
    expect(handler).toHaveBeenCalledTimes(1);
  });

  it('keeps text, blobs and _meta as the handler gave them', async () => {
    const contents = [
      { uri: 'x://r', mimeType: 'a/b', text: '', _meta: { a: 1 } },
      { uri: 'x://r/2', blob: 'AAEC' },
    ];
    const server = serverWith((each) => each.registerResource('r', 'x://r', {}, () => ({ contents, _meta: { b: 2 } })));
    expect((await modern(server, 'resources/read', { uri: 'x://r' })).result).toMatchObject({
      contents,
      _meta: { b: 2 },
    });
    expect((await legacy(server, 'resources/read', { uri: 'x://r' })).result).toEqual({ contents, _meta: { b: 2 } });
  });
});

describe('prompts/get', () => {
  const message = (value: string) => ({
    messages: [{ role: 'user' as const, content: { type: 'text' as const, text: value } }],
  });

  it('gives the handler checked arguments, and the context alone where it has none', async () => {
    const withArguments = vi.fn(() => message('a'));
    const without = vi.fn(() => message('b'));
    const server = serverWith((each) => {
      each.registerPrompt('with', { argsSchema: { a: z.string(), b: z.string().default('d') } }, withArguments);
      each.registerPrompt('without', {}, without);
    });
    await modern(server, 'prompts/get', { name: 'with', arguments: { a: 'x', c: 'dropped' } });
    expect(withArguments).toHaveBeenCalledWith({ a: 'x', b: 'd' }, expect.objectContaining({ era: 'modern' }));
    await modern(server, 'prompts/get', { name: 'without', arguments: { a: 'x' } });
    expect(without).toHaveBeenCalledWith(expect.objectContaining({ era: 'modern' }));
  });

  it.each([
    ['an unknown name', { name: 'none' }],
    ['no name', {}],
    ['a name that is no text', { name: 5 }],
    ['arguments that do not fit', { name: 'p', arguments: { a: 5 } }],
    ['a missing argument', { name: 'p', arguments: {} }],
    ['no arguments', { name: 'p' }],
    ['arguments that are a list', { name: 'p', arguments: [] }],
    ['arguments that are null', { name: 'p', arguments: null }],
  ])('answers -32602 for %s, and runs nothing', async (_what, params) => {
    const handler = vi.fn(() => message(''));
    for (const argsSchema of [z.object({ a: z.string() }), { a: z.string() }, arktype({ a: 'string' })]) {
      const server = serverWith((each) => each.registerPrompt('p', { argsSchema }, handler));
      expect(await modern(server, 'prompts/get', params)).toMatchObject({ status: 200, error: { code: -32602 } });
      expect(codeOf(await legacy(server, 'prompts/get', params))).toBe(-32602);
    }
    expect(handler).not.toHaveBeenCalled();
  });

  it('answers -32603 for a result without messages', async () => {
    const server = serverWith((each) => each.registerPrompt('p', {}, () => ({ description: 'd' }) as never));
    const faults = faultsOf(server);
    expect(codeOf(await modern(server, 'prompts/get', { name: 'p' }))).toBe(-32603);
    expect(faults).toHaveLength(1);
  });
});

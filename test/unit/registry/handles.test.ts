import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { OptionError } from '../../../src/kernel/errors.ts';
import { Registry, ResourceTemplate } from '../../../src/registry/registry.ts';
import { callTool, modern } from '../support/http.ts';
import { codeOf, namesOf, textOf } from '../support/messages.ts';
import { serverWith, type TestServer, text } from '../support/test-server.ts';

const contents = (value: string) => (uri: URL) => ({ contents: [{ uri: uri.href, text: value }] });
const message = (value: string) => () => ({
  messages: [{ role: 'user' as const, content: { type: 'text' as const, text: value } }],
});

/** All that clients can see of a server, lists and answers. */
async function seen(server: TestServer): Promise<unknown> {
  const results: unknown[] = [];
  for (const method of ['tools/list', 'resources/list', 'resources/templates/list', 'prompts/list']) {
    results.push((await modern(server, method)).text);
  }
  results.push((await callTool(server, 'first', { id: 1 })).text);
  results.push((await modern(server, 'resources/read', { uri: 'x://first' })).text);
  results.push((await modern(server, 'resources/read', { uri: 'y://a' })).text);
  results.push((await modern(server, 'prompts/get', { name: 'first', arguments: { id: 'a' } })).text);
  return results;
}

function everyKind() {
  const server = serverWith();
  const inputSchema = z.object({ id: z.number() });
  const tool = server.registerTool('first', { title: 'T', inputSchema, annotations: { readOnlyHint: true } }, () =>
    text('one'),
  );
  server.registerTool('second', {}, () => text('two'));
  const resource = server.registerResource('first', 'x://first', { title: 'R' }, contents('one'));
  server.registerResource('second', 'x://second', {}, contents('two'));
  const family = new ResourceTemplate('y://{id}', { list: undefined });
  const template = server.registerResource('family', family, { title: 'F' }, contents('one'));
  server.registerResource('other', new ResourceTemplate('z://{id}', { list: undefined }), {}, contents('two'));
  const prompt = server.registerPrompt('first', { title: 'P', argsSchema: { id: z.string() } }, message('one'));
  server.registerPrompt('second', {}, message('two'));
  return { server, tool, resource, template, prompt };
}

type Handles = ReturnType<typeof everyKind>;

describe('an update that fails', () => {
  const failing: readonly (readonly [string, (handles: Handles) => void])[] = [
    ['a taken tool name', ({ tool }) => tool.update({ title: 'New', name: 'second' })],
    ['an empty tool name', ({ tool }) => tool.update({ title: 'New', name: '' })],
    [
      'a schema that is none',
      ({ tool }) => tool.update({ title: 'New', name: 'new', paramsSchema: { type: 'strnig' } }),
    ],
    ['an output schema that is none', ({ tool }) => tool.update({ name: 'new', outputSchema: { $ref: '#/none' } })],
    [
      'a mapping that is not allowed',
      ({ tool }) => tool.update({ name: 'new', paramsSchema: { properties: { a: { 'x-mcp-header': 'A' } } } }),
    ],
    ['a tool callback that is none', ({ tool }) => tool.update({ name: 'new', enabled: false, callback: 5 as never })],
    ['a member that tools do not have', ({ tool }) => tool.update({ name: 'new', descripton: 'D' } as object)],
    ['a taken URI', ({ resource }) => resource.update({ title: 'New', uri: 'x://second' })],
    ['a URI that is none', ({ resource }) => resource.update({ title: 'New', uri: 'no uri' })],
    [
      'a template for a resource',
      ({ resource }) => resource.update({ template: new ResourceTemplate('q://{a}', { list: undefined }) } as never),
    ],
    ['a resource callback that is none', ({ resource }) => resource.update({ uri: 'x://new', callback: 'x' as never })],
    [
      'a hint that is not allowed',
      ({ resource }) => resource.update({ uri: 'x://new', metadata: { cacheHint: { ttlMs: -1 } } }),
    ],
    ['a taken family name', ({ template }) => template.update({ title: 'New', name: 'other' })],
    ['a URI for a family', ({ template }) => template.update({ name: 'new', uri: 'y://z' })],
    [
      'a template that is none',
      ({ template }) => template.update({ name: 'new', template: { uriTemplate: 'y://{a}' } as never }),
    ],
    ['a taken prompt name', ({ prompt }) => prompt.update({ title: 'New', name: 'second' })],
    ['a prompt schema that is none', ({ prompt }) => prompt.update({ name: 'new', argsSchema: 5 as never })],
    ['a prompt callback that is none', ({ prompt }) => prompt.update({ name: 'new', callback: null as never })],
  ];

  it.each(failing)('changes nothing: %s', async (_what, update) => {
    const handles = everyKind();
    const before = await seen(handles.server);
    expect(() => update(handles)).toThrow(OptionError);
    expect(await seen(handles.server)).toEqual(before);
  });
});

describe('a handle', () => {
  it('changes title, schema, callback and name of a tool at once', async () => {
    const { server, tool } = everyKind();
    tool.update({ name: 'new', title: 'New', paramsSchema: { q: z.string() }, callback: () => text('changed') });
    const { result } = await modern(server, 'tools/list');
    expect(result?.tools).toHaveLength(2);
    expect(result?.tools).toContainEqual({
      name: 'new',
      title: 'New',
      inputSchema: expect.objectContaining({ required: ['q'] }),
      annotations: { readOnlyHint: true },
    });
    expect(textOf(await callTool(server, 'new', { q: 'a' }))).toBe('changed');
    expect(codeOf(await callTool(server, 'first', { id: 1 }))).toBe(-32602);
  });

  it('leaves alone what an update does not name, and what it names as undefined', async () => {
    const { server, tool, resource, prompt } = everyKind();
    const before = await seen(server);
    tool.update({});
    tool.update({ title: undefined, annotations: undefined, outputSchema: undefined } as object);
    resource.update({});
    prompt.update({ title: undefined });
    expect(await seen(server)).toEqual(before);
  });

  it('lists a renamed entry at its old place', async () => {
    const { server, tool } = everyKind();
    tool.update({ name: 'renamed' });
    expect(namesOf(await modern(server, 'tools/list'), 'tools')).toEqual(['renamed', 'second']);
  });

  it('hides an entry while it is disabled, from lists and from calls', async () => {
    const { server, tool, resource, template, prompt } = everyKind();
    const before = await seen(server);
    for (const handle of [tool, resource, template, prompt]) {
      handle.disable();
      expect(handle.enabled).toBe(false);
    }
    expect((await modern(server, 'tools/list')).result?.tools).toHaveLength(1);
    expect((await modern(server, 'resources/list')).result?.resources).toHaveLength(1);
    expect((await modern(server, 'resources/templates/list')).result?.resourceTemplates).toHaveLength(1);
    expect((await modern(server, 'prompts/list')).result?.prompts).toHaveLength(1);
    expect(codeOf(await callTool(server, 'first', { id: 1 }))).toBe(-32602);
    expect(codeOf(await modern(server, 'resources/read', { uri: 'x://first' }))).toBe(-32602);
    expect(codeOf(await modern(server, 'resources/read', { uri: 'y://a' }))).toBe(-32602);
    expect(codeOf(await modern(server, 'prompts/get', { name: 'first' }))).toBe(-32602);
    for (const handle of [tool, resource, template, prompt]) handle.enable();
    expect(await seen(server)).toEqual(before);
  });

  it('takes an entry out, and leaves its name free', async () => {
    const { server, tool, resource, template, prompt } = everyKind();
    for (const handle of [tool, resource, template, prompt]) handle.remove();
    expect(codeOf(await callTool(server, 'first', { id: 1 }))).toBe(-32602);
    server.registerTool('first', {}, () => text('another'));
    server.registerResource('first', 'x://first', {}, contents('another'));
    server.registerPrompt('first', {}, message('another'));
    expect(textOf(await callTool(server, 'first'))).toBe('another');
  });

  it('does the same by an update of its name, or URI, to null', async () => {
    const { server, tool, resource, prompt } = everyKind();
    tool.update({ name: null });
    prompt.update({ name: null });
    resource.update({ uri: null });
    expect((await modern(server, 'tools/list')).result?.tools).toHaveLength(1);
    expect((await modern(server, 'prompts/list')).result?.prompts).toHaveLength(1);
    expect((await modern(server, 'resources/list')).result?.resources).toHaveLength(1);
  });

  it('of a removed entry does nothing to another that has its name now', async () => {
    const { server, tool } = everyKind();
    tool.remove();
    server.registerTool('first', {}, () => text('another'));
    tool.remove();
    for (const change of [() => tool.update({ name: 'third' }), () => tool.disable(), () => tool.enable()]) {
      try {
        change();
      } catch (error) {
        expect(error).toBeInstanceOf(OptionError);
      }
    }
    expect(namesOf(await modern(server, 'tools/list'), 'tools')).toEqual(['second', 'first']);
    expect(textOf(await callTool(server, 'first'))).toBe('another');
  });

  it('may be used while a call of the old definition runs: that one ends as it began', async () => {
    const server = serverWith();
    const { promise, resolve } = Promise.withResolvers<void>();
    const tool = server.registerTool('t', { outputSchema: z.object({ a: z.number() }) }, async () => {
      await promise;
      return { structuredContent: { a: 1 } };
    });
    const running = callTool(server, 't');
    await callTool(server, 'none');
    tool.update({ name: 'u', callback: () => text('new') });
    tool.remove();
    resolve();
    expect((await running).result).toMatchObject({ structuredContent: { a: 1 } });
  });
});

describe('registration', () => {
  it('refuses a name, or a URI, that is taken, and leaves the first entry in place', async () => {
    const { server } = everyKind();
    const before = await seen(server);
    expect(() => server.registerTool('first', {}, () => text(''))).toThrow('tool "first"');
    expect(() => server.registerPrompt('first', {}, message(''))).toThrow('prompt "first"');
    expect(() => server.registerResource('third', 'x://first', {}, contents(''))).toThrow('x://first');
    expect(() =>
      server.registerResource('family', new ResourceTemplate('w://{a}', { list: undefined }), {}, contents('')),
    ).toThrow('family');
    expect(await seen(server)).toEqual(before);
  });

  it.each([[''], ['a'.repeat(129)], ['a\nb'], ['\u0000'], ['\u007f'], [5], [undefined], [null], [Symbol('s')]])(
    'refuses the name %o',
    (name) => {
      const server = serverWith();
      const wrong = name as string;
      expect(() => server.registerTool(wrong, {}, () => text(''))).toThrow(OptionError);
      expect(() => server.registerPrompt(wrong, {}, message(''))).toThrow(OptionError);
      expect(() => server.registerResource(wrong, 'x://a', {}, contents(''))).toThrow(OptionError);
    },
  );

  it.each([[undefined], [null], [5], [[]], ['x']])('refuses the definition %o', (config) => {
    const server = serverWith();
    const wrong = config as object;
    expect(() => server.registerTool('t', wrong, () => text(''))).toThrow(
      expect.objectContaining({ option: 'tool "t"' }),
    );
    expect(() => server.registerPrompt('p', wrong, message(''))).toThrow(
      expect.objectContaining({ option: 'prompt "p"' }),
    );
    expect(() => server.registerResource('r', 'x://a', wrong, contents(''))).toThrow(/"r"/);
  });

  it('refuses a mistyped member, with the name that was meant', () => {
    const server = serverWith();
    expect(() => server.registerTool('t', { inputShema: {} } as object, () => text(''))).toThrow(
      'did you mean "inputSchema"?',
    );
    expect(() => server.registerPrompt('p', { argSchema: {} } as object, message(''))).toThrow(
      'did you mean "argsSchema"?',
    );
    expect(() => server.registerResource('r', 'x://a', { mimetype: 'a/b' } as object, contents(''))).toThrow(
      'did you mean "mimeType"?',
    );
  });

  it.each([[undefined], [null], [{}], ['x']])('refuses the handler %o', (handler) => {
    const server = serverWith();
    expect(() => server.registerTool('t', {}, handler as never)).toThrow('tool "t" handler');
    expect(() => server.registerPrompt('p', {}, handler as never)).toThrow('prompt "p" handler');
    expect(() => server.registerResource('r', 'x://a', {}, handler as never)).toThrow('resource "r" handler');
  });

  it.each([['no uri'], [''], ['/a/b'], [5], [{}]])('refuses the URI %o', (uri) => {
    expect(() => serverWith().registerResource('r', uri as string, {}, contents(''))).toThrow(OptionError);
  });

  it('tells of each change once, of the kind that changed', () => {
    const registry = new Registry();
    const heard: string[] = [];
    registry.changed.on((kind) => heard.push(kind));
    const tool = registry.registerTool('t', {}, () => text(''));
    registry.registerPrompt('p', {}, message(''));
    registry.registerResource('r', 'x://a', {}, contents(''));
    tool.update({ title: 'T' });
    tool.remove();
    tool.remove();
    expect(heard).toEqual(['tools', 'prompts', 'resources', 'tools', 'tools']);
  });

  it('refuses what needs authorization where there is none, rather than ignoring it', () => {
    const server = serverWith();
    const read = () => ({ contents: [] });
    const needsIt = /"(tool|prompt|resource) "x"\.scopes" needs "authorization" in the configuration/;
    expect(() => server.registerTool('x', { scopes: ['a'] }, () => text(''))).toThrow(needsIt);
    expect(() => server.registerPrompt('x', { scopes: ['a'] }, () => ({ messages: [] }))).toThrow(needsIt);
    expect(() => server.registerResource('x', 'note:///x', { scopes: ['a'] }, read)).toThrow(needsIt);
    const tool = server.registerTool('x', {}, () => text(''));
    expect(() => tool.update({ scopes: ['a'] })).toThrow(needsIt);
  });

  it('refuses the scope challenges of the official SDK, and says what to use', () => {
    const register = () =>
      serverWith().registerTool('t', { scopeChallenge: () => undefined } as object, () => text(''));
    expect(register).toThrow(/name the scopes in "scopes"/);
  });
});

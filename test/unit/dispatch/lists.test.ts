import { describe, expect, it, vi } from 'vitest';
import * as z from 'zod';
import { ResourceTemplate } from '../../../src/registry/registry.ts';
import { legacy, modern, post } from '../support/http.ts';
import { codeOf, entriesOf, legacyRequest, namesOf } from '../support/messages.ts';
import { Peer } from '../support/peer.ts';
import { faultsOf, serverWith, type TestServer, text } from '../support/test-server.ts';

const contents = () => ({ contents: [] });
const messages = () => ({ messages: [] });
const METHODS = ['tools/list', 'resources/list', 'resources/templates/list', 'prompts/list'] as const;

function full(): TestServer {
  return serverWith((server) => {
    const icons = [{ src: 'https://a.example/i.png', mimeType: 'image/png', sizes: ['48x48'] }];
    server.registerTool(
      't',
      {
        title: 'T',
        description: 'D',
        inputSchema: { type: 'object' },
        outputSchema: z.string(),
        annotations: { readOnlyHint: true },
        icons,
        _meta: { m: 1 },
      },
      () => text(''),
    );
    const config = {
      title: 'T',
      description: 'D',
      mimeType: 'text/plain',
      annotations: { priority: 0 },
      icons,
      _meta: { m: 1 },
    };
    server.registerResource('r', 'x://r', { ...config, size: 0, cacheHint: { ttlMs: 5 } }, contents);
    server.registerResource('f', new ResourceTemplate('x://{a}', { list: undefined }), config, contents);
    const argsSchema = z.object({ a: z.string().describe('A'), b: z.string().meta({ title: 'B' }).optional() });
    server.registerPrompt('p', { title: 'T', description: 'D', argsSchema, icons, _meta: { m: 1 } }, messages);
  });
}

describe('lists', () => {
  it('show all that an entry says of itself, and nothing that is not for clients', async () => {
    const server = full();
    const common = {
      title: 'T',
      description: 'D',
      icons: [expect.objectContaining({ mimeType: 'image/png' })],
      _meta: { m: 1 },
    };
    const [tool] = entriesOf(await modern(server, 'tools/list'), 'tools');
    expect(tool).toEqual({
      name: 't',
      ...common,
      inputSchema: { type: 'object' },
      outputSchema: expect.objectContaining({ type: 'string' }),
      annotations: { readOnlyHint: true },
    });
    const described = { ...common, mimeType: 'text/plain', annotations: { priority: 0 } };
    expect(entriesOf(await modern(server, 'resources/list'), 'resources')).toEqual([
      { name: 'r', uri: 'x://r', size: 0, ...described },
    ]);
    const templates = entriesOf(await modern(server, 'resources/templates/list'), 'resourceTemplates');
    expect(templates).toEqual([{ name: 'f', uriTemplate: 'x://{a}', ...described }]);
    expect(entriesOf(await modern(server, 'prompts/list'), 'prompts')).toEqual([
      {
        name: 'p',
        ...common,
        arguments: [
          { name: 'a', description: 'A', required: true },
          { name: 'b', title: 'B', required: false },
        ],
      },
    ]);
  });

  it.each(METHODS)('are the same bytes each time, for everyone: %s', async (method) => {
    const server = full();
    const [one, two] = [await Peer.to(server), await Peer.to(server)];
    await one.modern(method, {}, { id: 1 });
    await two.modern(method, {}, { id: 1 });
    expect(two.texts).toEqual(one.texts);
    expect((await modern(server, method)).text).toBe(one.texts[0]);
    expect((await modern(full(), method)).text).toBe(one.texts[0]);
  });

  it.each(METHODS)('differ by era as the revisions do: %s', async (method) => {
    const server = full();
    await modern(server, method);
    const { result } = await legacy(server, method);
    for (const member of ['resultType', 'ttlMs', 'cacheScope', '_meta']) expect(result).not.toHaveProperty([member]);
    expect((await modern(server, method)).result).toMatchObject({
      resultType: 'complete',
      ttlMs: 0,
      cacheScope: 'private',
    });
  });

  it('keep the order of registration', async () => {
    const names = ['z', 'a', '10', '9', 'B', 'ä', '__proto__'];
    const server = serverWith((each) => {
      for (const name of names) each.registerTool(name, {}, () => text(''));
    });
    expect(namesOf(await modern(server, 'tools/list'), 'tools')).toEqual(names);
  });

  it('follow every change at once, in both eras', async () => {
    const server = serverWith();
    const tool = server.registerTool('a', {}, () => text(''));
    const seen = async (): Promise<unknown[]> => {
      const names = namesOf(await modern(server, 'tools/list'), 'tools');
      expect(namesOf(await legacy(server, 'tools/list'), 'tools')).toEqual(names);
      return names;
    };
    expect(await seen()).toEqual(['a']);
    const other = server.registerTool('b', {}, () => text(''));
    expect(await seen()).toEqual(['a', 'b']);
    tool.update({ name: 'c' });
    expect(await seen()).toEqual(['c', 'b']);
    tool.disable();
    expect(await seen()).toEqual(['b']);
    tool.enable();
    other.remove();
    expect(await seen()).toEqual(['c']);
  });

  it('of a kind that the server never had do not exist; of one whose last entry is gone are empty', async () => {
    const server = serverWith();
    for (const method of METHODS)
      expect(await modern(server, method)).toMatchObject({ status: 404, error: { code: -32601 } });
    server.registerTool('a', {}, () => text('')).remove();
    expect((await modern(server, 'tools/list')).result?.tools).toEqual([]);
    expect((await modern(server, 'server/discover')).result?.capabilities).toHaveProperty('tools');
    expect(codeOf(await modern(server, 'prompts/list'))).toBe(-32601);
  });

  it('have text beyond ASCII in the length that HTTP says', async () => {
    const server = serverWith((each) => each.registerTool('t', { description: '世界 🌍' }, () => text('')));
    const response = await post(server, legacyRequest('tools/list', {}, 'ünï'));
    const body = await response.text();
    expect(JSON.parse(body)).toMatchObject({ id: 'ünï', result: { tools: [{ description: '世界 🌍' }] } });
  });
});

describe('resources that families name', () => {
  const family = (name: string, list: () => unknown) =>
    [name, new ResourceTemplate(`${name}://{id}`, { list: list as never }), {}, contents] as const;

  it('come after the registered ones, with what the family says of all, each URI once', async () => {
    const server = serverWith((each) => {
      const list = () => ({
        resources: [
          { uri: 'x://1', name: 'one', title: 'Own' },
          { uri: 'y://r', name: 'taken' },
          { uri: 'x://1', name: 'again' },
        ],
      });
      each.registerResource(
        'x',
        new ResourceTemplate('x://{id}', { list }),
        { title: 'All', mimeType: 'a/b' },
        contents,
      );
      each.registerResource('r', 'y://r', {}, contents);
    });
    const { result } = await modern(server, 'resources/list');
    expect(result?.resources).toEqual([
      { name: 'r', uri: 'y://r' },
      { uri: 'x://1', name: 'one', title: 'Own', mimeType: 'a/b' },
    ]);
  });

  it('are asked for anew each time', async () => {
    const list = vi.fn(() => ({ resources: [{ uri: `x://${list.mock.calls.length}`, name: 'n' }] }));
    const server = serverWith((each) => each.registerResource(...family('x', list)));
    expect((await modern(server, 'resources/list')).result?.resources).toMatchObject([{ uri: 'x://1' }]);
    expect((await modern(server, 'resources/list')).result?.resources).toMatchObject([{ uri: 'x://2' }]);
  });

  it('are not asked for while the family is disabled', async () => {
    const list = vi.fn(() => ({ resources: [] }));
    const server = serverWith();
    server.registerResource(...family('x', list)).disable();
    expect((await modern(server, 'resources/list')).result?.resources).toEqual([]);
    expect(list).not.toHaveBeenCalled();
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
    ['answers no list', () => ({ resources: {} })],
    ['answers a list with nothing in it', () => ({ resources: [null] })],
    [
      'answers a cycle',
      () => {
        const each: Record<string, unknown> = { uri: 'x://1' };
        each.self = each;
        return { resources: [each] };
      },
    ],
  ])('are -32603 when the family %s; other lists are served', async (_what, list) => {
    const server = serverWith((each) => each.registerResource(...family('x', list)));
    const faults = faultsOf(server);
    const reply = await modern(server, 'resources/list');
    expect(codeOf(reply)).toBe(-32603);
    expect(reply.text).not.toContain('secret');
    expect(faults).toHaveLength(1);
    expect((await modern(server, 'resources/templates/list')).result?.resourceTemplates).toHaveLength(1);
  });
});

it('a server has the extension of views while there are some, be they single or of a template', async () => {
  const server = serverWith();
  const extensions = async () => {
    const { capabilities } = (await modern(server, 'server/discover')).result as Record<
      string,
      Record<string, unknown>
    >;
    return capabilities?.extensions;
  };
  const read = async () => ({ contents: [] });
  server.registerResource('plain', 'file:///ui://x', {}, read);
  expect(await extensions()).toBeUndefined();
  const one = server.registerResource('one', 'ui://x/page', {}, read);
  expect(await extensions()).toEqual({ 'io.modelcontextprotocol/ui': {} });
  one.remove();
  expect(await extensions()).toBeUndefined();
  server.registerResource('many', new ResourceTemplate('ui://x/{page}', { list: undefined }), {}, read);
  expect(await extensions()).toEqual({ 'io.modelcontextprotocol/ui': {} });
});

import { describe, expect, it } from 'vitest';
import { OptionError } from '../../../src/kernel/errors.ts';
import { ResourceTemplate } from '../../../src/registry/registry.ts';
import { callTool, legacy, modern } from '../support/http.ts';
import { codeOf } from '../support/messages.ts';
import { serverWith, type TestServer, text } from '../support/test-server.ts';

const METHODS = [
  'server/discover',
  'tools/list',
  'resources/list',
  'resources/templates/list',
  'prompts/list',
  'resources/read',
] as const;
type Method = (typeof METHODS)[number];
type Config = NonNullable<Parameters<typeof serverWith>[1]>;

function sample(config: Config = {}): TestServer {
  return serverWith((server) => {
    for (const name of ['a', 'b', 'c']) {
      server.registerTool(name, {}, () => text(''));
      server.registerPrompt(name, {}, () => ({ messages: [] }));
      server.registerResource(name, `x://${name}`, {}, (uri) => ({ contents: [{ uri: uri.href, text: '' }] }));
      server.registerResource(name, new ResourceTemplate(`${name}://{id}`, { list: undefined }), {}, () => ({
        contents: [],
      }));
    }
  }, config);
}

const paramsOf = (method: Method): Record<string, unknown> => (method === 'resources/read' ? { uri: 'x://a' } : {});
const PLAIN = { ttlMs: 0, cacheScope: 'private' };

describe('caching members', () => {
  it.each(METHODS)('are on every complete result of %s, by default for no time and for one user', async (method) => {
    expect((await modern(sample(), method, paramsOf(method))).result).toMatchObject(PLAIN);
  });

  it.each(METHODS)('of %s come from its own hint', async (method) => {
    const hint = { ttlMs: 60_000, cacheScope: 'public' } as const;
    const server = sample({ cacheHints: { [method]: hint } });
    expect((await modern(server, method, paramsOf(method))).result).toMatchObject(hint);
    for (const other of METHODS) {
      if (other !== method) expect((await modern(server, other, paramsOf(other))).result).toMatchObject(PLAIN);
    }
  });

  it('take half a hint as half a hint, and 0 as 0', async () => {
    const server = sample({ cacheHints: { 'tools/list': { cacheScope: 'public' }, 'prompts/list': { ttlMs: 0 } } });
    expect((await modern(server, 'tools/list')).result).toMatchObject({ ttlMs: 0, cacheScope: 'public' });
    expect((await modern(server, 'prompts/list')).result).toMatchObject(PLAIN);
  });

  it.each(METHODS.slice(1, 5))('have the same scope on every page of %s', async (method) => {
    const server = sample({ listPageSize: 2, cacheHints: { [method]: { ttlMs: 7, cacheScope: 'public' } } });
    const first = await modern(server, method);
    const second = await modern(server, method, { cursor: first.result?.nextCursor });
    for (const { result } of [first, second]) expect(result).toMatchObject({ ttlMs: 7, cacheScope: 'public' });
  });

  it.each(METHODS)('are never on a legacy answer: %s', async (method) => {
    if (method === 'server/discover') return;
    const server = sample({ cacheHints: { [method]: { ttlMs: 7, cacheScope: 'public' } } });
    const { result } = await legacy(server, method, paramsOf(method));
    expect(result).toBeDefined();
    for (const member of ['ttlMs', 'cacheScope', 'resultType']) expect(result).not.toHaveProperty(member);
  });

  it('are not on the results of tools, prompts and completion', async () => {
    const server = sample();
    for (const reply of [await callTool(server, 'a'), await modern(server, 'prompts/get', { name: 'a' })]) {
      expect(reply.result).toMatchObject({ resultType: 'complete' });
      expect(reply.result).not.toHaveProperty('ttlMs');
      expect(reply.result).not.toHaveProperty('cacheScope');
    }
  });

  it('of a resource come from its result, then its own hint, then the server, member by member', async () => {
    const own = (more: object) => (uri: URL) => ({ contents: [{ uri: uri.href, text: '' }], ...more });
    const server = serverWith(
      (each) => {
        each.registerResource('plain', 'x://plain', {}, own({}));
        each.registerResource('ttl', 'x://ttl', { cacheHint: { ttlMs: 0 } }, own({}));
        each.registerResource('scope', 'x://scope', { cacheHint: { cacheScope: 'private' } }, own({}));
        each.registerResource(
          'result',
          'x://result',
          { cacheHint: { ttlMs: 5, cacheScope: 'public' } },
          own({ ttlMs: 0 }),
        );
        const family = new ResourceTemplate('y://{id}', { list: undefined });
        each.registerResource('family', family, { cacheHint: { ttlMs: 9 } }, own({ cacheScope: 'private' }));
      },
      { cacheHints: { 'resources/read': { ttlMs: 100, cacheScope: 'public' } } },
    );
    const hints = async (uri: string): Promise<unknown> => {
      const { ttlMs, cacheScope } = (await modern(server, 'resources/read', { uri })).result ?? {};
      return [ttlMs, cacheScope];
    };
    expect(await hints('x://plain')).toEqual([100, 'public']);
    expect(await hints('x://ttl')).toEqual([0, 'public']);
    expect(await hints('x://scope')).toEqual([100, 'private']);
    expect(await hints('x://result')).toEqual([0, 'public']);
    expect(await hints('y://1')).toEqual([9, 'private']);
  });

  it.each([
    [{ ttlMs: -1 }],
    [{ ttlMs: Number.NaN }],
    [{ ttlMs: '5' }],
    [{ ttlMs: null }],
    [{ cacheScope: 'shared' }],
    [{ cacheScope: null }],
  ])('are valid whatever a handler returns: %o', async (wrong) => {
    const server = serverWith((each) =>
      each.registerResource('r', 'x://r', {}, ((uri: URL) => ({
        contents: [{ uri: uri.href, text: '' }],
        ...wrong,
      })) as never),
    );
    expect((await modern(server, 'resources/read', { uri: 'x://r' })).result).toMatchObject(PLAIN);
  });

  it.each([
    [{ ttlMs: -5 }],
    [{ ttlMs: 1.5 }],
    [{ ttlMs: Number.NaN }],
    [{ ttlMs: '5' }],
    [{ cacheScope: 'shared' }],
    [{ bogus: 1 }],
    [5],
    ['public'],
  ])('are checked where they are set: %o', (cacheHint) => {
    const server = serverWith();
    expect(() => server.registerResource('r', 'x://r', { cacheHint } as object, () => ({ contents: [] }))).toThrow(
      expect.objectContaining({ option: expect.stringContaining('resource "r"') }),
    );
    expect(() => serverWith(undefined, { cacheHints: { 'tools/list': cacheHint } } as never)).toThrow(OptionError);
  });

  it('are not on an error', async () => {
    const server = sample({ cacheHints: { 'resources/read': { ttlMs: 100 } } });
    const reply = await modern(server, 'resources/read', { uri: 'x://none' });
    expect(codeOf(reply)).toBe(-32602);
    expect(reply.text).not.toMatch(/ttlMs|cacheScope/);
  });
});

import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { OptionError } from '../../../src/kernel/errors.ts';
import { checkResourceCache, checkToolCache, tagsOf } from '../../../src/registry/cache-rule.ts';
import { modern } from '../support/http.ts';
import { entriesOf } from '../support/messages.ts';
import { serverWith, text } from '../support/test-server.ts';

const READ_ONLY = { readOnlyHint: true };

function errorOf(check: () => unknown): OptionError {
  try {
    check();
  } catch (error) {
    if (error instanceof OptionError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('which tools may keep answers', () => {
  it.each([
    ['none', undefined],
    ['without the hint', {}],
    ['readOnlyHint: false', { readOnlyHint: false }],
    ['idempotent alone', { idempotentHint: true }],
  ])('not one with annotations: %s', (_title, annotations) => {
    const error = errorOf(() => checkToolCache('tool "x"', { ttlSeconds: 1 }, annotations));
    expect(error).toMatchObject({ code: 'OPTION_INVALID', option: 'tool "x".cache' });
    expect(error.message).toContain('needs annotations.readOnlyHint: true, or cache.evenIfNotReadOnly: true');
  });

  it('one that only reads, and one whose author insists', () => {
    expect(checkToolCache('x', {}, READ_ONLY)).toMatchObject({ isPublic: false, tags: [], key: undefined });
    expect(checkToolCache('x', { evenIfNotReadOnly: true }, undefined)).toBeDefined();
    expect(checkToolCache('x', undefined, undefined)).toBeUndefined();
  });

  it('is decided when the tool is registered, and when it changes', () => {
    const server = serverWith();
    const register = () => server.registerTool('pay', { cache: { ttlSeconds: 1 } }, () => text('paid'));
    expect(errorOf(register).option).toBe('tool "pay".cache');
    const tool = server.registerTool('read', { annotations: READ_ONLY, cache: {} }, () => text('read'));
    expect(errorOf(() => tool.update({ annotations: {} })).option).toBe('tool "read".cache');
    expect(tool.annotations).toEqual(READ_ONLY);
    tool.update({ annotations: {}, cache: { evenIfNotReadOnly: true } });
  });

  it('is nothing that clients see', async () => {
    const server = serverWith((each) => {
      each.registerTool('read', { annotations: READ_ONLY, cache: { tags: ['t'] } }, () => text('read'));
      each.registerResource('note', 'x://note', { cache: { tags: ['t'] } }, () => ({ contents: [] }));
    });
    const [tool] = entriesOf(await modern(server, 'tools/list'), 'tools');
    const [resource] = entriesOf(await modern(server, 'resources/list'), 'resources');
    expect([tool, resource]).toEqual([
      { name: 'read', inputSchema: { type: 'object' }, annotations: READ_ONLY },
      { name: 'note', uri: 'x://note' },
    ]);
  });
});

describe('the members of a cache configuration', () => {
  const SECONDS = ['ttlSeconds', 'staleSeconds', 'staleIfErrorSeconds'];

  it.each(
    SECONDS.flatMap((member) =>
      [-1, Number.NaN, Number.POSITIVE_INFINITY, 31_536_001, '5'].map((value) => [member, value]),
    ),
  )('refuses %s: %s', (member, value) => {
    const cache = { [String(member)]: value };
    expect(errorOf(() => checkToolCache('t', cache, READ_ONLY)).option).toBe(`t.cache.${member}`);
    expect(errorOf(() => checkResourceCache('r', cache)).option).toBe(`r.cache.${member}`);
  });

  it.each([
    ['scope', 'everybody'],
    ['scope', true],
    ['tags', 'one'],
    ['tags', ['']],
    ['tags', [1]],
    ['tags', new Set(['a'])],
  ])('refuses %s: %s', (member, value) => {
    const cache = { [member]: value };
    expect(errorOf(() => checkToolCache('t', cache, READ_ONLY)).option).toBe(`t.cache.${member}`);
    expect(errorOf(() => checkResourceCache('r', cache)).option).toBe(`r.cache.${member}`);
  });

  it.each([
    ['t.cache', null],
    ['t.cache', true],
    ['t.cache', []],
    ['t.cache.key', { key: 'id' }],
    ['t.cache.evenIfNotReadOnly', { evenIfNotReadOnly: 'yes' }],
    ['t.cache.ttl', { ttl: 5 }],
    ['t.cache.ttlSecond', { ttlSecond: 5 }],
  ])('refuses %s of %j', (option, cache) => {
    expect(errorOf(() => checkToolCache('t', cache, READ_ONLY)).option).toBe(option);
  });

  it('refuses for a resource what only tools have', () => {
    for (const cache of [{ key: () => 1 }, { evenIfNotReadOnly: true }])
      expect(errorOf(() => checkResourceCache('r', cache)).option).toBe(`r.cache.${Object.keys(cache)[0]}`);
  });

  it('takes the bounds of a lifetime', () => {
    const rule = checkToolCache('t', { ttlSeconds: 0, staleSeconds: 31_536_000, staleIfErrorSeconds: 0.5 }, READ_ONLY);
    expect(rule).toMatchObject({ ttlSeconds: 0, staleSeconds: 31_536_000, staleIfErrorSeconds: 0.5 });
  });
});

describe('the tags of an answer', () => {
  it('are those of the configuration, whatever its list becomes later', () => {
    const tags = ['a'];
    const rule = checkToolCache('t', { tags }, READ_ONLY);
    tags.push('b');
    expect(rule && tagsOf(rule, {})).toEqual(['a']);
  });

  it('are worked out of the arguments, and are a list of their own', () => {
    const all: string[] = [];
    const tags = ({ id }: { id?: string }) => {
      all.push(`id:${id}`);
      return all;
    };
    const rule = checkToolCache('t', { tags }, READ_ONLY);
    const first = rule && tagsOf(rule, { id: '1' });
    if (rule) tagsOf(rule, undefined);
    expect(first).toEqual(['id:1']);
  });

  it.each([[undefined], ['a'], [['']], [[1]], [Promise.resolve(['a'])]])('must be a list of texts, not %o', (made) => {
    const rule = checkToolCache('t', { tags: () => made as never }, READ_ONLY);
    expect(() => rule && tagsOf(rule, {})).toThrow(new TypeError('cache.tags must answer a list of texts'));
  });
});

it('gives the functions of a tool the types of its schema', () => {
  serverWith((server) => {
    const inputSchema = { id: z.string(), deep: z.boolean().default(false) };
    const cache = {
      tags: ({ id }: { id: string; deep: boolean }) => [`id:${id.toUpperCase()}`],
      key: ({ id, deep }: { id: string; deep: boolean }) => (deep ? undefined : id.toUpperCase()),
    };
    server.registerTool('a', { inputSchema, annotations: READ_ONLY, cache }, ({ id }) => text(id));
    server.registerTool(
      'b',
      {
        inputSchema,
        annotations: READ_ONLY,
        // @ts-expect-error: there is no such argument
        cache: { key: ({ name }) => name },
      },
      ({ id }) => text(id),
    );
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ResourceTemplate } from '../../../src/registry/registry.ts';
import { legacy, modern, type Reply } from '../support/http.ts';
import { codeOf, namesOf } from '../support/messages.ts';
import { serverWith, type TestServer, text } from '../support/test-server.ts';

const contents = () => ({ contents: [] });

type List = readonly [method: string, member: string];
const LISTS: readonly List[] = [
  ['tools/list', 'tools'],
  ['prompts/list', 'prompts'],
  ['resources/list', 'resources'],
  ['resources/templates/list', 'resourceTemplates'],
];

function withEntries(count: number, listPageSize: number): TestServer {
  return serverWith(
    (server) => {
      for (let index = 0; index < count; index++) {
        server.registerTool(`n${index}`, {}, () => text(''));
        server.registerPrompt(`n${index}`, {}, () => ({ messages: [] }));
        server.registerResource(`n${index}`, `x://${index}`, {}, contents);
        server.registerResource(
          `n${index}`,
          new ResourceTemplate(`y${index}://{a}`, { list: undefined }),
          {},
          contents,
        );
      }
    },
    { listPageSize },
  );
}

type Ask = (server: TestServer, method: string, params: Record<string, unknown>) => Promise<Reply>;

/** All pages of a list; `between` runs before each page but the first. */
async function pagesOf(
  server: TestServer,
  [method, member]: List,
  between = () => {},
  ask: Ask = modern,
): Promise<unknown[][]> {
  const pages: unknown[][] = [];
  let cursor: unknown;
  do {
    if (pages.length > 0) between();
    expect(pages.length).toBeLessThan(100);
    const reply = await ask(server, method, cursor === undefined ? {} : { cursor });
    expect(reply.error).toBe(undefined);
    pages.push(namesOf(reply, member));
    cursor = reply.result?.nextCursor;
  } while (cursor !== undefined);
  return pages;
}

describe.each(LISTS)('the pages of %s', (...list) => {
  const [method] = list;

  it('join to the whole list, none too long, none empty but the only one', async () => {
    const cases = fc.asyncProperty(
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 1, max: 13 }),
      async (count, size) => {
        const server = withEntries(count, size);
        for (const ask of [modern, legacy]) {
          const pages = await pagesOf(server, list, undefined, ask);
          expect(pages.flat()).toEqual(Array.from({ length: count }, (_, index) => `n${index}`));
          for (const page of pages.slice(0, -1)) expect(page).toHaveLength(size);
          expect(pages.at(-1)).not.toHaveLength(0);
        }
      },
    );
    await fc.assert(cases, { numRuns: 30 });
  });

  it.each([[''], ['x'], ['bm9uZQ'], ['!!'], [null], [5], [{}], [[]], [true]])(
    'refuse the cursor %o, before and after pages were asked for',
    async (cursor) => {
      const server = withEntries(3, 2);
      expect(await modern(server, method, { cursor })).toMatchObject({ status: 200, error: { code: -32602 } });
      await pagesOf(server, list);
      expect(codeOf(await modern(server, method, { cursor }))).toBe(-32602);
      expect(codeOf(await legacy(server, method, { cursor }))).toBe(-32602);
    },
  );

  it('have cursors of their own', async () => {
    const server = withEntries(3, 2);
    const { nextCursor } = (await modern(server, method)).result ?? {};
    expect(typeof nextCursor).toBe('string');
    for (const [other] of LISTS) {
      if (other !== method) expect(codeOf(await modern(server, other, { cursor: nextCursor }))).toBe(-32602);
    }
  });

  it('carry the same caching hints each, and may be asked for again', async () => {
    const server = withEntries(5, 2);
    const { nextCursor: cursor } = (await modern(server, method)).result ?? {};
    const [first, again] = [await modern(server, method, { cursor }), await modern(server, method, { cursor })];
    expect(first.text).toBe(again.text);
    expect(first.result).toMatchObject({ ttlMs: 0, cacheScope: 'private', resultType: 'complete' });
  });
});

describe('between two pages', () => {
  type Change = { readonly kind: 'remove' | 'disable' | 'add'; readonly at: number };
  const change = fc.record({ kind: fc.constantFrom('remove', 'disable', 'add'), at: fc.nat({ max: 9 }) });

  it('entries may come and go: those that stay are seen once, in order', async () => {
    const cases = fc.asyncProperty(
      fc.array(change, { maxLength: 8 }),
      fc.integer({ min: 1, max: 4 }),
      async (changes, size) => {
        const server = serverWith(undefined, { listPageSize: size });
        const handles = Array.from({ length: 10 }, (_, index) => server.registerTool(`n${index}`, {}, () => text('')));
        const gone = new Set<string>();
        let added = 0;
        const waiting: Change[] = [...changes];
        const pages = await pagesOf(server, ['tools/list', 'tools'], () => {
          const next = waiting.shift();
          if (next === undefined) return;
          const handle = handles[next.at];
          if (next.kind === 'add') server.registerTool(`added${added++}`, {}, () => text(''));
          else if (handle !== undefined && !gone.has(handle.name)) {
            gone.add(handle.name);
            if (next.kind === 'remove') handle.remove();
            else handle.disable();
          }
        });
        const seen = pages.flat() as string[];
        expect(new Set(seen).size).toBe(seen.length);
        const stayed = Array.from({ length: 10 }, (_, index) => `n${index}`).filter((name) => !gone.has(name));
        expect(seen.filter((name) => stayed.includes(name))).toEqual(stayed);
      },
    );
    await fc.assert(cases, { numRuns: 100 });
  });

  it.each(LISTS)('the last entry of a page may go: %s goes on behind it', async (method, member) => {
    const server = serverWith(undefined, { listPageSize: 2 });
    const handles = Array.from({ length: 5 }, (_, index) => {
      const name = `n${index}`;
      if (member === 'tools') return server.registerTool(name, {}, () => text(''));
      if (member === 'prompts') return server.registerPrompt(name, {}, () => ({ messages: [] }));
      if (member === 'resources') return server.registerResource(name, `x://${index}`, {}, contents);
      return server.registerResource(name, new ResourceTemplate(`y${index}://{a}`, { list: undefined }), {}, contents);
    });
    const { nextCursor: cursor } = (await modern(server, method)).result ?? {};
    handles[1]?.remove();
    expect(namesOf(await modern(server, method, { cursor }), member)).toEqual(['n2', 'n3']);
    for (const handle of handles) handle.remove();
    expect(namesOf(await modern(server, method, { cursor }), member)).toEqual([]);
  });

  it('a family may change what it names', async () => {
    let uris = ['x://a', 'x://b', 'x://c', 'x://d'];
    const list = () => ({ resources: uris.map((uri) => ({ uri, name: uri })) });
    const server = serverWith(
      (each) => {
        each.registerResource('first', 'y://r', {}, contents);
        each.registerResource('f', new ResourceTemplate('x://{id}', { list }), {}, contents);
      },
      { listPageSize: 2 },
    );
    const pages = await pagesOf(server, ['resources/list', 'resources'], () => {
      uris = ['x://0', ...uris.filter((uri) => uri !== 'x://d')];
    });
    expect(pages.flat()).toEqual(expect.arrayContaining(['first', 'x://a', 'x://b', 'x://c']));
    expect(new Set(pages.flat()).size).toBe(pages.flat().length);
  });

  it('a family that names one URI many times ends, too', async () => {
    const list = () => ({
      resources: ['x://1', 'x://1', 'x://2', 'x://1', 'x://2'].map((uri) => ({ uri, name: uri })),
    });
    const server = serverWith(
      (each) => each.registerResource('f', new ResourceTemplate('x://{id}', { list }), {}, contents),
      { listPageSize: 1 },
    );
    expect(await pagesOf(server, ['resources/list', 'resources'])).toEqual([['x://1'], ['x://2']]);
  });
});

import { createOptimizedServer, OptimizedMCPServer } from 'peregrine-mcp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Peer, ROUTES } from './peers.ts';
import { ANY_PORT, startOverHttp } from './sample-server.ts';

const ENTRIES = 25;
const PAGE_SIZE = 10;
const NUMBERS = Array.from({ length: ENTRIES }, (_, index) => index);

class Shelf extends OptimizedMCPServer {
  protected override setup(): void {
    for (const number of NUMBERS) {
      const config = { description: `Entry ${number}` };
      this.registerTool(`tool-${number}`, config, () => ({ content: [] }));
      this.registerPrompt(`prompt-${number}`, config, () => ({ messages: [] }));
      this.registerResource(`resource-${number}`, `shelf://${number}`, config, () => ({ contents: [] }));
    }
  }
}

const server = createOptimizedServer(Shelf, {
  name: 'shelf',
  version: '1.0.0',
  description: 'Many entries',
  listPageSize: PAGE_SIZE,
  ...ANY_PORT,
});
let url: URL;
beforeAll(async () => {
  url = await startOverHttp(server);
});
afterAll(() => server.stop());

interface Page {
  readonly names: string[];
  readonly nextCursor: string | undefined;
}

const LISTS = [
  {
    list: 'tools',
    page: async ({ client }: Peer, cursor?: string): Promise<Page> => {
      const { tools, nextCursor } = await client.listTools(cursor === undefined ? undefined : { cursor });
      return { names: tools.map(({ name }) => name), nextCursor };
    },
  },
  {
    list: 'prompts',
    page: async ({ client }: Peer, cursor?: string): Promise<Page> => {
      const { prompts, nextCursor } = await client.listPrompts(cursor === undefined ? undefined : { cursor });
      return { names: prompts.map(({ name }) => name), nextCursor };
    },
  },
  {
    list: 'resources',
    page: async ({ client }: Peer, cursor?: string): Promise<Page> => {
      const { resources, nextCursor } = await client.listResources(cursor === undefined ? undefined : { cursor });
      return { names: resources.map(({ name }) => name), nextCursor };
    },
  },
] as const;

describe.each(ROUTES.filter((route) => route.transport === 'http'))('$title', ({ connect }) => {
  let peer: Peer;
  beforeAll(async () => {
    peer = await connect(url);
  });
  afterAll(() => peer?.close());

  it.each(LISTS)('walks $list page by page, each entry once and in order', async ({ list, page }) => {
    const sizes: number[] = [];
    const seen: string[] = [];
    // The v2 client walks all pages by itself unless it is given a cursor.
    for (let next = await page(peer); ; next = await page(peer, next.nextCursor)) {
      sizes.push(next.names.length);
      seen.push(...next.names);
      if (next.nextCursor === undefined) break;
    }
    expect(seen).toEqual(NUMBERS.map((number) => `${list.slice(0, -1)}-${number}`));
    expect([[ENTRIES], [10, 10, 5]]).toContainEqual(sizes);
  });

  it.each(LISTS)('is refused a cursor of $list that the server did not give', async ({ page }) => {
    await expect(page(peer, 'made-up')).rejects.toMatchObject({ code: -32602 });
  });
});

import { createOptimizedServer, OptimizedMCPServer, ResourceTemplate } from 'peregrine-mcp';
import { FakeClock } from 'peregrine-mcp/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { type Peer, ROUTES, textOf } from './peers.ts';
import { Rendezvous } from './rendezvous.ts';
import { ANY_PORT, startOverHttp } from './sample-server.ts';

/** Counts what its handlers do, so that a test sees which answers were kept. */
class Library extends OptimizedMCPServer {
  readonly events = new Rendezvous();
  readonly runs: string[] = [];

  protected override setup(): void {
    const readOnly = { annotations: { readOnlyHint: true } };
    const inputSchema = { query: z.string(), limit: z.number().default(10) };
    const tags = ({ query }: { query: string }) => [`query:${query}`, 'books'];
    const cache = { ttlSeconds: 60, scope: 'public', tags } as const;
    this.registerTool('search_books', { ...readOnly, inputSchema, cache }, ({ query, limit }) =>
      this.#answer(`search ${query} ${limit}`),
    );
    this.registerTool('search_slowly', { ...readOnly, inputSchema, cache }, async ({ query }) => {
      await this.events.wait(`go on with ${query}`);
      return this.#answer(`slowly ${query}`);
    });
    this.registerTool('buy', { inputSchema: { query: z.string() } }, async ({ query }) => {
      await this.cache.invalidate({ tags: [`query:${query}`] });
      return this.#answer(`buy ${query}`);
    });
    const shelf = new ResourceTemplate('book://{name}', { list: undefined });
    this.registerResource('book', shelf, { cache: { ttlSeconds: 60, scope: 'public' } }, (uri, { name }) => ({
      contents: [{ uri: uri.href, text: this.#count(`read ${String(name)}`) }],
    }));
  }

  #count(what: string): string {
    this.runs.push(what);
    return `${what}, run ${this.runs.filter((run) => run === what).length}`;
  }

  #answer(what: string): { content: { type: 'text'; text: string }[] } {
    return { content: [{ type: 'text', text: this.#count(what) }] };
  }
}

describe.each(ROUTES.filter(({ transport }) => transport === 'http'))('kept answers for $title', ({ connect, era }) => {
  const clock = new FakeClock();
  const server = createOptimizedServer(Library, {
    name: 'library',
    version: '1.0.0',
    description: 'A server whose answers are kept',
    clock,
    limits: { idleTimeoutMs: 3_600_000 }, // Connections outlive the time that the test lets pass.
    ...ANY_PORT,
  });
  let url: URL;
  let one: Peer;
  let other: Peer;
  beforeAll(async () => {
    url = await startOverHttp(server);
    one = await connect(url);
    other = await connect(url);
  });
  afterAll(async () => {
    await Promise.all([one?.close(), other?.close()]);
    await Promise.all([server.stop(), Promise.resolve().then(() => clock.advance(60_000))]);
  });

  const search = async (peer: Peer, args: Record<string, unknown>) =>
    textOf(await peer.callTool({ name: 'search_books', arguments: args }));

  it('are made once, whichever client asks, and however it writes the arguments', async () => {
    expect(await search(one, { query: 'sea' })).toBe('search sea 10, run 1');
    for (const args of [{ query: 'sea' }, { limit: 10, query: 'sea' }, { query: 'sea', limit: 10 }])
      for (const peer of [one, other, one]) expect(await search(peer, args)).toBe('search sea 10, run 1');
    expect(await search(other, { query: 'sea', limit: 5 })).toBe('search sea 5, run 1');
  });

  it('are made anew when they are too old', async () => {
    expect(await search(one, { query: 'age' })).toBe('search age 10, run 1');
    clock.advance(59_999);
    expect(await search(other, { query: 'age' })).toBe('search age 10, run 1');
    clock.advance(1);
    expect(await search(other, { query: 'age' })).toBe('search age 10, run 2');
  });

  it('are made anew after a tool that changes what they say', async () => {
    for (const query of ['ink', 'pen']) await search(one, { query });
    await other.callTool({ name: 'buy', arguments: { query: 'ink' } });
    expect(await search(one, { query: 'ink' })).toBe('search ink 10, run 2');
    expect(await search(one, { query: 'pen' })).toBe('search pen 10, run 1');
    await server.cache.invalidate({ pattern: 'tool:search_*' });
    expect(await search(one, { query: 'pen' })).toBe('search pen 10, run 2');
  });

  it('are made once for many calls at the same time, of both clients', async () => {
    const call = { name: 'search_slowly', arguments: { query: 'all' } };
    const calls = Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? one : other).callTool(call));
    await expect.poll(() => server.cache.statistics().coalesced).toBeGreaterThanOrEqual(19);
    server.events.reach('go on with all');
    const texts = (await Promise.all(calls)).map(textOf);
    expect(new Set(texts)).toEqual(new Set(['slowly all, run 1']));
  });

  it('of a resource are made once, until it is said to have changed', async () => {
    const read = async (peer: Peer, name: string) => {
      const { contents } = await peer.client.readResource({ uri: `book://${name}` });
      return (contents[0] as { text: string }).text;
    };
    expect([await read(one, 'a'), await read(other, 'a')]).toEqual(['read a, run 1', 'read a, run 1']);
    server.sendResourceUpdated({ uri: 'book://a' });
    // The modern client uses what it read for as long as the answer says that it may.
    expect(await read(other, 'a')).toBe(`read a, run ${era === 'modern' ? 1 : 2}`);
    const third = await connect(url);
    expect(await read(third, 'a')).toBe('read a, run 2');
    await third.close();
    expect(server.runs.filter((run) => run === 'read a')).toHaveLength(2);
  });
});

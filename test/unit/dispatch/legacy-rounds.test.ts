import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { acceptedContent, inputRequired, type ServerContext } from '../../../src/registry/registry.ts';
import { ADA, answering } from '../support/answering.ts';
import { type Rpc, textOf } from '../support/messages.ts';
import { SessionClient } from '../support/session-client.ts';
import { serverWith, settle, type TestServer, text } from '../support/test-server.ts';

type Config = NonNullable<Parameters<typeof serverWith>[1]>;

describe('a handler that returns inputRequired, for a legacy client', () => {
  /** Asks twice, the second time by what the first brought. */
  function inRounds(config: Config = {}, cache?: { ttlSeconds: number }): { server: TestServer; rounds: unknown[] } {
    const rounds: unknown[] = [];
    const run = ({ mcpReq }: ServerContext) => {
      const state = mcpReq.requestState();
      rounds.push([state, mcpReq.inputResponses]);
      const schema = { message: 'Name?', requestedSchema: z.object({ name: z.string() }) };
      if (state === undefined)
        return inputRequired({
          inputRequests: { name: inputRequired.elicit(schema), roots: inputRequired.listRoots() },
          requestState: 'one',
        });
      if (state === 'one') {
        const name = acceptedContent(mcpReq.inputResponses, 'name')?.['name'];
        return inputRequired({ inputRequests: { page: PAGE }, requestState: `two ${name}` });
      }
      return state;
    };
    const server = serverWith((each) => {
      each.registerTool('ask', { annotations: { readOnlyHint: true }, ...(cache ? { cache } : {}) }, (ctx) => {
        const done = run(ctx);
        return typeof done === 'string' ? text(done) : done;
      });
      each.registerPrompt('ask', {}, (ctx) => {
        const done = run(ctx);
        return typeof done === 'string'
          ? { messages: [{ role: 'user', content: { type: 'text', text: done } }] }
          : done;
      });
      each.registerResource('ask', 'x://ask', cache ? { cache } : {}, (uri, ctx) => {
        const done = run(ctx);
        return typeof done === 'string' ? { contents: [{ uri: uri.href, text: done }] } : done;
      });
    }, config);
    return { server, rounds };
  }
  const PAGE = inputRequired.elicitUrl({ message: 'Pay', url: 'https://pay.example' });
  const BOTH = { elicitation: { form: {}, url: {} }, roots: {} };
  const answers = ({ method, params }: Rpc): object => {
    if (method === 'roots/list') return { result: { roots: [] } };
    return { result: params?.['mode'] === 'url' ? { action: 'accept' } : ADA };
  };

  it.each([
    ['tools/call', { name: 'ask' }],
    ['prompts/get', { name: 'ask' }],
    ['resources/read', { uri: 'x://ask' }],
  ])('asks by real requests and is entered again: %s', async (method, params) => {
    for (const cache of [undefined, { ttlSeconds: 60 }]) {
      const { server, rounds } = inRounds({}, cache);
      const peer = await answering(server, answers, BOTH);
      for (const _ of [1, 2]) {
        const { result, error } = await peer.legacy(method, params);
        expect(error).toBeUndefined();
        expect(JSON.stringify(result)).toContain('"two Ada"');
        expect(JSON.stringify(result)).not.toMatch(/resultType|requestState|cacheScope/);
      }
      const each = [
        [undefined, undefined],
        ['one', { name: ADA, roots: { roots: [] } }],
        ['two Ada', { page: { action: 'accept' } }],
      ];
      expect(rounds).toEqual([...each, ...each]);
    }
  });

  it('asks all of one round at once, and gives the elicitation of a page its id', async () => {
    const { server } = inRounds();
    const peer = await answering(server, () => undefined, BOTH);
    const answered = peer.legacy('tools/call', { name: 'ask' });
    await settle();
    const asked = peer.messages.filter(({ method, id }) => method !== undefined && id !== undefined);
    expect(asked.map(({ method }) => method)).toEqual(['elicitation/create', 'roots/list']);
    for (const request of asked) peer.send({ jsonrpc: '2.0', id: request.id, ...answers(request) });
    const page = await peer.next(({ params }) => params?.['mode'] === 'url');
    expect(page.params).toMatchObject({
      mode: 'url',
      message: 'Pay',
      url: 'https://pay.example',
      elicitationId: expect.any(String),
    });
    peer.send({ jsonrpc: '2.0', id: page.id, result: { action: 'accept' } });
    expect(textOf(await answered)).toBe('two Ada');
  });

  it('works over HTTP, with a session and without', async () => {
    for (const sessions of [true, false]) {
      const { server } = inRounds({ sessions });
      const client = await SessionClient.open(server, { capabilities: BOTH });
      const stream = await client.stream('ask');
      for (let round = 0; round < 3; round++) {
        const asked = (await stream.message()) as Rpc;
        await client.post({ jsonrpc: '2.0', id: asked.id, ...answers(asked) });
      }
      expect(textOf((await stream.message()) as Rpc)).toBe('two Ada');
    }
  });

  it('fails clearly where the client does not give what it is asked for, and no longer waits for the rest', async () => {
    const { server } = inRounds();
    const peer = await answering(
      server,
      ({ method }) => (method === 'roots/list' ? { error: { code: -1, message: 'No roots today' } } : undefined),
      BOTH,
    );
    const { result } = await peer.legacy('tools/call', { name: 'ask' });
    expect(result).toMatchObject({ isError: true, _meta: { 'peregrine/error': { code: 'CLIENT_REFUSED' } } });
    expect(textOf({ result } as Rpc)).toContain('No roots today');
    expect(peer.messages).toContainEqual(expect.objectContaining({ method: 'notifications/cancelled' }));
    expect((await peer.legacy('prompts/get', { name: 'ask' })).error).toMatchObject({ code: -32603 });
  });

  it('fails clearly where the client lacks a capability', async () => {
    const { result } = await (await answering(inRounds().server, answers, { roots: {} })).legacy('tools/call', {
      name: 'ask',
    });
    expect(result).toMatchObject({ isError: true, _meta: { 'peregrine/error': { code: 'CLIENT_LACKS_CAPABILITY' } } });
  });

  it('may ask only so often', async () => {
    const server = serverWith(
      (each) =>
        each.registerTool('ask', {}, () => inputRequired({ inputRequests: { roots: inputRequired.listRoots() } })),
      { sessions: { maxRounds: 3 } },
    );
    const asked: Rpc[] = [];
    const peer = await answering(server, (request) => {
      asked.push(request);
      return { result: { roots: [] } };
    });
    expect((await peer.legacy('tools/call', { name: 'ask' })).result).toMatchObject({
      isError: true,
      _meta: { 'peregrine/error': { code: 'TOO_MANY_ROUNDS' } },
    });
    expect(asked).toHaveLength(3);
  });

  it('passes what guards it in each round', async () => {
    let runs = 0;
    const server = serverWith((each) =>
      each.registerTool('ask', { limits: { ratePerSecond: 2 } }, ({ mcpReq }) => {
        runs++;
        return mcpReq.inputResponses?.['never'] === undefined
          ? inputRequired({ inputRequests: { roots: inputRequired.listRoots() } })
          : text('');
      }),
    );
    const peer = await answering(server, answers, BOTH);
    expect((await peer.legacy('tools/call', { name: 'ask' })).error).toMatchObject({ code: -32010 });
    expect(runs).toBe(2);
  });
});

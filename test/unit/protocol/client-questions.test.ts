import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { acceptedContent, inputRequired, type ServerContext } from '../../../src/registry/registry.ts';
import { FakeClock } from '../../../src/testing/testing.ts';
import { post } from '../support/http.ts';
import { legacyRequest, type Rpc, textOf } from '../support/messages.ts';
import { Peer } from '../support/peer.ts';
import { EventReader, SessionClient } from '../support/session-client.ts';
import { faultsOf, gate, serverWith, settle, type TestServer, text } from '../support/test-server.ts';

type Config = NonNullable<Parameters<typeof serverWith>[1]>;
const CAN = { elicitation: {}, sampling: {}, roots: {} };
const FORM = { message: 'Name?', requestedSchema: { type: 'object', properties: { name: { type: 'string' } } } };
const ADA = { action: 'accept', content: { name: 'Ada' } };

/** A server whose tool `ask` runs what a test gives it, and answers with what came of it. */
function asking(ask: (ctx: ServerContext) => Promise<unknown>, config: Config = {}): TestServer {
  return serverWith(
    (server) =>
      server.registerTool('ask', {}, async (ctx) => {
        try {
          return text(JSON.stringify(await ask(ctx)));
        } catch (error) {
          const { code, message } = error as { code?: string; message: string };
          return text(`${code}: ${message}`);
        }
      }),
    config,
  );
}

/** A client on a connection that answers what it is asked. */
async function answering(
  server: TestServer,
  answer: (request: Rpc) => object | undefined,
  capabilities: object = CAN,
): Promise<Peer> {
  const peer = await Peer.to(server);
  const clientInfo = { name: 'peer', version: '1.0.0' };
  await peer.legacy('initialize', { protocolVersion: '2025-11-25', capabilities, clientInfo });
  peer.onRequest((request) => {
    const answered = answer(request);
    if (answered !== undefined) peer.send({ jsonrpc: '2.0', id: request.id, ...answered });
  });
  return peer;
}

const call = async (peer: Peer): Promise<unknown> => textOf(await peer.legacy('tools/call', { name: 'ask' }));

describe('a request to a client on a connection', () => {
  it.each<[string, (ctx: ServerContext) => Promise<unknown>, object]>([
    ['an elicitation', ({ mcpReq }) => mcpReq.elicitInput(FORM), { method: 'elicitation/create', params: FORM }],
    [
      'a sampling',
      ({ mcpReq }) => mcpReq.requestSampling({ messages: [], maxTokens: 1 }),
      { method: 'sampling/createMessage', params: { messages: [], maxTokens: 1 } },
    ],
    ['a list of roots', ({ mcpReq }) => mcpReq.send({ method: 'roots/list' }), { method: 'roots/list' }],
    ['any other', ({ sendRequest }) => sendRequest({ method: 'x/y', params: { a: 1 } }), { method: 'x/y', params: { a: 1 } }],
  ])('is %s', async (_kind, ask, expected) => {
    const asked: Rpc[] = [];
    const peer = await answering(asking(ask), (request) => {
      asked.push(request);
      return { result: { said: 'yes' } };
    });
    expect(await call(peer)).toBe('{"said":"yes"}');
    expect(asked).toEqual([{ jsonrpc: '2.0', id: expect.stringMatching(/^[\w-]{20,}\.[\w-]+$/), ...expected }]);
  });

  it('rejects with what the client refuses it with', async () => {
    const server = asking(({ mcpReq }) => mcpReq.elicitInput(FORM));
    const peer = await answering(server, () => ({ error: { code: -1, message: 'The user is away' } }));
    expect(await call(peer)).toBe('CLIENT_REFUSED: the client refused elicitation/create: The user is away');
  });

  it('is checked by a schema where one is given', async () => {
    const server = asking(({ mcpReq }) => mcpReq.send({ method: 'roots/list' }, z.object({ roots: z.array(z.string()) })));
    const answers = [{ result: { roots: ['a'], more: 1 } }, { result: { roots: 5 } }];
    const peer = await answering(server, () => answers.shift());
    expect(await call(peer)).toBe('{"roots":["a"]}');
    expect(await call(peer)).toMatch(/^CLIENT_ANSWER_INVALID/);
  });

  it.each([
    ['elicitation/create', {}, {}],
    ['elicitation/create', { mode: 'url' }, { elicitation: {} }],
    ['elicitation/create', {}, { elicitation: { url: {} } }],
    ['sampling/createMessage', { tools: [] }, { sampling: {} }],
    ['roots/list', {}, { elicitation: {} }],
  ])('is not sent to one that lacks the capability: %s %o to %o', async (method, params, capabilities) => {
    const server = asking(({ mcpReq }) => mcpReq.send({ method, params }));
    const peer = await answering(server, () => expect.fail('was sent'), capabilities);
    expect(await call(peer)).toMatch(/^CLIENT_LACKS_CAPABILITY/);
  });

  it('is not waited for longer than its time, and the client is told so', async () => {
    const clock = new FakeClock();
    const server = asking(({ mcpReq }) => mcpReq.elicitInput(FORM), { clock, sessions: { requestTimeoutSeconds: 5 } });
    const peer = await answering(server, () => undefined);
    const answered = call(peer);
    const { id } = await peer.next(({ method }) => method === 'elicitation/create');
    clock.advance(5_000);
    expect(await answered).toMatch(/^CLIENT_TIMEOUT/);
    expect(peer.messages).toContainEqual({
      jsonrpc: '2.0',
      method: 'notifications/cancelled',
      params: { requestId: id, reason: expect.any(String) },
    });
  });

  it('has its time anew with each progress, if asked to, up to the longest in all', async () => {
    const clock = new FakeClock();
    const progress: unknown[] = [];
    const onprogress = (told: unknown) => void progress.push(told);
    const options = { timeout: 1_000, resetTimeoutOnProgress: true, maxTotalTimeout: 2_500, onprogress };
    const server = asking(({ mcpReq }) => mcpReq.elicitInput(FORM, options), { clock });
    const peer = await answering(server, () => undefined);
    const answered = call(peer);
    const { id, params } = await peer.next(({ method }) => method === 'elicitation/create');
    expect(params).toEqual({ ...FORM, _meta: { progressToken: id } });
    for (const at of [1, 2]) {
      clock.advance(900);
      peer.notify('notifications/progress', { progressToken: id, progress: at });
    }
    clock.advance(699);
    expect(peer.messages.some(({ method }) => method === 'notifications/cancelled')).toBe(false);
    clock.advance(1);
    expect(await answered).toMatch(/^CLIENT_TIMEOUT/);
    expect(progress).toEqual([{ progress: 1 }, { progress: 2 }]);
  });

  it('ends with the request that it belongs to', async () => {
    const reasons: unknown[] = [];
    const server = asking(({ mcpReq }) =>
      mcpReq.elicitInput(FORM).catch((error: Error) => {
        reasons.push(error.name);
        throw error;
      }),
    );
    const peer = await answering(server, () => undefined);
    void peer.legacy('tools/call', { name: 'ask' }, 'cancel me');
    const { id } = await peer.next(({ method }) => method === 'elicitation/create');
    peer.notify('notifications/cancelled', { requestId: 'cancel me' });
    await settle();
    expect(reasons).toEqual(['AbortError']);
    expect(peer.messages.at(-1)).toMatchObject({ method: 'notifications/cancelled', params: { requestId: id } });
  });

  it('ends when the client leaves', async () => {
    const left = gate<unknown>();
    const server = asking(({ mcpReq }) => mcpReq.elicitInput(FORM).catch((error: Error) => left.open(error.name)));
    const peer = await answering(server, () => undefined);
    void call(peer);
    await peer.next(({ method }) => method === 'elicitation/create');
    peer.close();
    expect(await left.opened).toBe('AbortError');
  });

  it('does nothing where the handler does not wait for it', async () => {
    const server = asking(async ({ mcpReq }) => void mcpReq.elicitInput(FORM));
    const faults = faultsOf(server);
    expect(await call(await answering(server, () => undefined))).toBeUndefined();
    await settle();
    expect(faults).toEqual([]);
  });

  it('is one of a bounded number', async () => {
    const server = asking(
      async ({ mcpReq }) => {
        const asks = Array.from({ length: 3 }, () => mcpReq.elicitInput(FORM).catch((error) => error.code));
        return asks[2];
      },
      { sessions: { maxRequestsPerClient: 2 } },
    );
    expect(await call(await answering(server, () => undefined))).toBe('"CLIENT_BUSY"');
  });

  it('is answered by that client alone', async () => {
    const server = asking(({ mcpReq }) => mcpReq.elicitInput(FORM));
    const peer = await answering(server, () => undefined);
    const other = await Peer.legacy(server);
    const answered = call(peer);
    const { id } = await peer.next(({ method }) => method === 'elicitation/create');
    other.send({ jsonrpc: '2.0', id, result: { action: 'decline' } });
    await post(server, { jsonrpc: '2.0', id, result: { action: 'decline' } });
    await settle();
    peer.send({ jsonrpc: '2.0', id, result: ADA });
    expect(await answered).toBe(JSON.stringify(ADA));
  });

  it('is not sent in the modern era, which returns inputRequired', async () => {
    const peer = await Peer.to(asking(({ mcpReq }) => mcpReq.elicitInput(FORM)));
    expect(textOf(await peer.modern('tools/call', { name: 'ask' }))).toMatch(/^SESSION_REQUIRED: .*inputRequired/);
  });
});

describe('a request to a client over HTTP', () => {
  it('without a session goes on the stream of the call, and its answer finds it by its id', async () => {
    const server = asking(({ mcpReq }) => mcpReq.elicitInput(FORM));
    const stream = new EventReader(await post(server, legacyRequest('tools/call', { name: 'ask' })));
    const asked = (await stream.message()) as Rpc;
    expect(asked).toMatchObject({ method: 'elicitation/create', params: FORM });
    expect((await post(server, { jsonrpc: '2.0', id: asked.id, result: ADA })).status).toBe(202);
    expect(textOf((await stream.message()) as Rpc)).toBe(JSON.stringify(ADA));
    expect(await stream.next()).toBeUndefined();
  });

  it('without a session ends when the client leaves', async () => {
    const left = gate<unknown>();
    const server = asking(({ mcpReq }) => mcpReq.elicitInput(FORM).catch((error) => left.open(error.code)));
    const stream = new EventReader(await post(server, legacyRequest('tools/call', { name: 'ask' })));
    await stream.message();
    await stream.leave();
    expect(await left.opened).toBe('CLIENT_LEFT');
  });

  it('is not sent where the client takes no stream', async () => {
    const server = asking(({ mcpReq }) => mcpReq.elicitInput(FORM));
    const response = await post(server, legacyRequest('tools/call', { name: 'ask' }), { Accept: 'application/json' });
    expect(textOf((await response.json()) as Rpc)).toMatch(/^CLIENT_UNREACHABLE/);
  });

  it('in a session is answered in that session alone', async () => {
    const server = asking(({ mcpReq }) => mcpReq.elicitInput(FORM), { sessions: true });
    const [client, other] = [
      await SessionClient.open(server, { capabilities: CAN }),
      await SessionClient.open(server, { capabilities: CAN }),
    ];
    const stream = await client.stream('ask');
    const asked = (await stream.message()) as Rpc;
    await other.answer(asked, { action: 'decline' });
    expect((await client.answer(asked, ADA)).status).toBe(202);
    expect(textOf((await stream.message()) as Rpc)).toBe(JSON.stringify(ADA));
  });

  it('in a session survives the stream that it went on', async () => {
    const server = asking(({ mcpReq }) => mcpReq.elicitInput(FORM), { sessions: true });
    const client = await SessionClient.open(server, { capabilities: CAN });
    const stream = await client.stream('ask');
    const asked = (await stream.message()) as Rpc;
    await stream.leave();
    await client.answer(asked, ADA);
    const again = await client.listen({ 'Last-Event-ID': stream.lastId as string });
    expect(textOf((await again.message()) as Rpc)).toBe(JSON.stringify(ADA));
  });

  it('in a session goes to a client that has the capability', async () => {
    const server = asking(({ mcpReq }) => mcpReq.elicitInput(FORM), { sessions: true });
    const client = await SessionClient.open(server);
    expect(textOf(await client.request('tools/call', { name: 'ask' }))).toMatch(/^CLIENT_LACKS_CAPABILITY/);
  });

  it('in a session ends with it', async () => {
    const left = gate<unknown>();
    const server = asking(({ mcpReq }) => mcpReq.elicitInput(FORM).catch((error) => left.open(error.name)), {
      sessions: true,
    });
    const client = await SessionClient.open(server, { capabilities: CAN });
    const stream = await client.stream('ask');
    await stream.message();
    await client.delete();
    expect(await left.opened).toBe('AbortError');
  });
});

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
    expect(page.params).toMatchObject({ mode: 'url', message: 'Pay', url: 'https://pay.example', elicitationId: expect.any(String) });
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

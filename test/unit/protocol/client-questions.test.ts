import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import type { ServerContext } from '../../../src/registry/registry.ts';
import { FakeClock } from '../../../src/testing/testing.ts';
import { ADA, answering, CAN } from '../support/answering.ts';
import { post } from '../support/http.ts';
import { legacyRequest, type Rpc, textOf } from '../support/messages.ts';
import { Peer } from '../support/peer.ts';
import { EventReader, SessionClient } from '../support/session-client.ts';
import { faultsOf, gate, serverWith, settle, type TestServer, text } from '../support/test-server.ts';

type Config = NonNullable<Parameters<typeof serverWith>[1]>;
const FORM = { message: 'Name?', requestedSchema: { type: 'object', properties: { name: { type: 'string' } } } };

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
    [
      'any other',
      ({ sendRequest }) => sendRequest({ method: 'x/y', params: { a: 1 } }),
      { method: 'x/y', params: { a: 1 } },
    ],
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
    const server = asking(({ mcpReq }) =>
      mcpReq.send({ method: 'roots/list' }, z.object({ roots: z.array(z.string()) })),
    );
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

import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { inputRequired } from '../../../src/registry/registry.ts';
import { allMessages, callTool, openModern, post } from '../support/http.ts';
import { legacyRequest, type Rpc, textOf } from '../support/messages.ts';
import { Peer } from '../support/peer.ts';
import { gate, serverWith, type TestServer, text } from '../support/test-server.ts';

const CLIENTS = 100;
const everyone = Array.from({ length: CLIENTS }, (_, index) => index);
const TOKEN = { progressToken: 0 };

/**
 * A server whose handlers all wait until the last client has called, and then answer in an order of their own: the last
 * first, every third at once, the others each a turn later.
 */
function interleaving(calls: number): TestServer {
  const all = gate();
  let waiting = 0;
  const who = z.object({ who: z.number() });
  return serverWith((server) => {
    server.registerTool('who', { inputSchema: who }, async (args, context) => {
      context.progress(args.who + 1, undefined, `${args.who}`);
      if (++waiting === calls) all.open();
      await all.opened;
      for (let turn = 0; turn < (CLIENTS - args.who) % 7; turn++) await new Promise((resolve) => setImmediate(resolve));
      context.progress(args.who + 2, undefined, `${args.who}`);
      return text({
        who: args.who,
        header: context.http?.req.headers.get('x-who') ?? null,
        info: context.clientInfo?.name,
      });
    });
    server.registerTool('state', { inputSchema: who }, async ({ who: own }, { mcpReq }) => {
      const state = mcpReq.requestState();
      return state === undefined ? inputRequired({ requestState: `state of ${own}` }) : text(state);
    });
  });
}

const params = (who: number): Record<string, unknown> => ({ name: 'who', arguments: { who } });
const meta = (who: number): Record<string, unknown> => ({
  ...TOKEN,
  'io.modelcontextprotocol/clientInfo': { name: `client ${who}`, version: '1' },
});

/** Holds a client's messages to being its own, all of them and nothing else. */
function expectOwn(messages: readonly Rpc[], who: number, answer: Record<string, unknown>): void {
  expect(messages).toHaveLength(3);
  expect(messages.slice(0, 2).map((each) => each.params)).toEqual([
    { ...TOKEN, progress: who + 1, message: `${who}` },
    { ...TOKEN, progress: who + 2, message: `${who}` },
  ]);
  expect(messages[2]?.id).toBe(1);
  expect(JSON.parse(String(textOf(messages[2] as Rpc)))).toEqual({ who, ...answer });
}

describe('100 clients that all count from the same id', () => {
  it('over HTTP get their own answers, progress and headers', async () => {
    const server = interleaving(CLIENTS);
    const responses = everyone.map((who) =>
      openModern(server, 'tools/call', params(who), { id: 1, meta: meta(who), headers: { 'X-Who': `${who}` } }),
    );
    for (const who of everyone) {
      expectOwn(await allMessages(await (responses[who] as Promise<Response>)), who, {
        header: `${who}`,
        info: `client ${who}`,
      });
    }
  });

  it('on connections get their own answers', async () => {
    const server = interleaving(CLIENTS);
    const peers = await Promise.all(everyone.map(() => Peer.to(server)));
    const answers = everyone.map((who) => peers[who]?.modern('tools/call', params(who), { id: 1, meta: meta(who) }));
    await Promise.all(answers);
    for (const who of everyone) expectOwn(peers[who]?.messages ?? [], who, { header: null, info: `client ${who}` });
  });

  it('of both eras, over HTTP and on connections at once, get their own answers', async () => {
    const server = interleaving(4 * CLIENTS);
    const peers = await Promise.all(everyone.map(() => Peer.to(server)));
    const legacyPeers = await Promise.all(everyone.map(() => Peer.legacy(server)));
    const byHttp = everyone.map((who) => openModern(server, 'tools/call', params(who), { id: 1, meta: meta(who) }));
    const byLegacyHttp = everyone.map((who) =>
      post(server, legacyRequest('tools/call', { ...params(who), _meta: TOKEN }, 1)),
    );
    const onModern = everyone.map((who) => peers[who]?.modern('tools/call', params(who), { id: 1, meta: meta(who) }));
    const onLegacy = everyone.map((who) => legacyPeers[who]?.legacy('tools/call', { ...params(who), _meta: TOKEN }, 1));
    await Promise.all([...onModern, ...onLegacy]);
    for (const who of everyone) {
      expectOwn(await allMessages(await (byHttp[who] as Promise<Response>)), who, {
        header: null,
        info: `client ${who}`,
      });
      expectOwn(await allMessages(await (byLegacyHttp[who] as Promise<Response>)), who, { header: null });
      expectOwn(peers[who]?.messages ?? [], who, { header: null, info: `client ${who}` });
      expectOwn(legacyPeers[who]?.messages.slice(1) ?? [], who, { header: null, info: 'peer' });
    }
  });

  it('cannot use each other’s state: it is bound to the arguments', async () => {
    const server = interleaving(0);
    const first = await Promise.all(everyone.map((who) => callTool(server, 'state', { who })));
    const second = everyone.map((who) => {
      const requestState = first[who]?.result?.requestState;
      return openModern(server, 'tools/call', { name: 'state', arguments: { who }, requestState });
    });
    for (const [who, response] of second.entries()) {
      expect(textOf((await (await response).json()) as Rpc)).toBe(`state of ${who}`);
    }
    const crossed = { name: 'state', arguments: { who: 1 }, requestState: first[0]?.result?.requestState };
    expect(((await (await openModern(server, 'tools/call', crossed)).json()) as Rpc).error?.code).toBe(-32602);
  });
});

describe('many requests on one connection', () => {
  it('are answered each under its own id, in whatever order they end', async () => {
    const server = interleaving(CLIENTS);
    const peer = await Peer.to(server);
    const answers = await Promise.all(
      everyone.map((who) => peer.modern('tools/call', params(who), { id: `id ${who}` })),
    );
    for (const who of everyone) {
      expect(answers[who]?.id).toBe(`id ${who}`);
      expect(JSON.parse(String(textOf(answers[who] as Rpc)))).toMatchObject({ who });
    }
    expect(peer.messages).toHaveLength(CLIENTS);
  });
});

import { describe, expect, it } from 'vitest';
import { ResourceTemplate } from '../../../src/registry/registry.ts';
import { legacy, post, type Reply, readReply } from '../support/http.ts';
import { codeOf, textOf } from '../support/messages.ts';
import { Peer } from '../support/peer.ts';
import { IDENTITY, serverWith, type TestServer, text } from '../support/test-server.ts';

function sample(): TestServer {
  return serverWith(
    (server) => {
      server.registerTool('t', {}, ({ clientInfo, clientCapabilities, mcpReq }) =>
        text({ clientInfo, clientCapabilities, envelope: mcpReq.envelope }),
      );
      server.registerTool('log', {}, async ({ mcpReq }) => {
        for (const level of ['debug', 'info', 'error'] as const) await mcpReq.log(level, level);
        return text('done');
      });
      server.registerResource('r', 'x://r', {}, () => ({ contents: [{ uri: 'x://r', text: '' }] }));
      server.registerResource('f', new ResourceTemplate('y://{a}', { list: undefined }), {}, () => ({ contents: [] }));
    },
    { instructions: 'Use t' },
  );
}

const initialize = (protocolVersion: unknown): Record<string, unknown> => ({
  protocolVersion,
  capabilities: { sampling: {} },
  clientInfo: { name: 'c', version: '1' },
});

describe('the handshake', () => {
  it.each([
    ['2025-11-25', '2025-11-25'],
    ['2025-06-18', '2025-06-18'],
    ['2025-03-26', '2025-03-26'],
    ['2024-11-05', '2024-11-05'],
    ['2024-10-07', '2025-11-25'],
    ['2026-07-28', '2025-11-25'],
    ['2099-01-01', '2025-11-25'],
    ['draft', '2025-11-25'],
    ['', '2025-11-25'],
  ])('asked for %j agrees on %s, over HTTP and on a connection', async (asked, agreed) => {
    const server = sample();
    const peer = await Peer.to(server);
    for (const [{ result }, watching] of [
      [await legacy(server, 'initialize', initialize(asked), {}), {}],
      [await peer.legacy('initialize', initialize(asked)), { subscribe: true }],
    ] as const) {
      expect(result).toEqual({
        protocolVersion: agreed,
        capabilities: { tools: { listChanged: true }, resources: { ...watching, listChanged: true }, logging: {} },
        serverInfo: IDENTITY,
        instructions: 'Use t',
      });
    }
  });

  it.each([[undefined], [null], [5], [{}], [['2025-11-25']]])('needs a version as text, not %o', async (version) => {
    expect(codeOf(await legacy(sample(), 'initialize', initialize(version), {}))).toBe(-32602);
  });

  it('keeps what the client says of itself, on that connection alone', async () => {
    const server = sample();
    const [one, two] = [await Peer.to(server), await Peer.to(server)];
    await one.legacy('initialize', initialize('2025-11-25'));
    const told = async (peer: Peer): Promise<unknown> =>
      JSON.parse(String(textOf(await peer.legacy('tools/call', { name: 't' }))));
    expect(await told(one)).toEqual({ clientInfo: { name: 'c', version: '1' }, clientCapabilities: { sampling: {} } });
    expect(await told(two)).toEqual({ clientCapabilities: {} });
    expect(JSON.parse(String(textOf(await legacy(server, 'tools/call', { name: 't' }))))).toEqual({
      clientCapabilities: {},
    });
  });
});

describe('legacy methods', () => {
  it('answer ping with nothing', async () => {
    const peer = await Peer.legacy(sample());
    expect((await peer.legacy('ping')).result).toEqual({});
    expect((await legacy(sample(), 'ping')).result).toEqual({});
  });

  it('answer with 200 whatever the error, for HTTP was fine', async () => {
    const server = sample();
    for (const [method, params, code] of [
      ['none', {}, -32601],
      ['server/discover', {}, -32601],
      ['subscriptions/listen', { notifications: {} }, -32601],
      ['prompts/list', {}, -32601],
      ['tools/call', { name: 'none' }, -32602],
      ['tools/call', {}, -32602],
      ['resources/read', { uri: 'x://none' }, -32002],
      ['logging/setLevel', { level: 'loud' }, -32602],
      ['logging/setLevel', {}, -32602],
      ['resources/subscribe', {}, -32602],
    ] as const) {
      expect(await legacy(server, method, params)).toMatchObject({ status: 200, error: { code } });
    }
  });

  it('have resources/subscribe only where there are resources', async () => {
    const server = serverWith((each) => each.registerTool('t', {}, () => text('')));
    expect(codeOf(await legacy(server, 'resources/subscribe', { uri: 'x://r' }))).toBe(-32601);
    expect((await legacy(sample(), 'resources/subscribe', { uri: 'x://r' })).result).toEqual({});
    expect((await legacy(sample(), 'resources/unsubscribe', { uri: 'x://r' })).result).toEqual({});
  });

  it('show no member of later revisions, at the top of any result', async () => {
    const server = sample();
    for (const [method, params] of [
      ['tools/call', { name: 't' }],
      ['tools/list', {}],
      ['resources/list', {}],
      ['resources/templates/list', {}],
      ['resources/read', { uri: 'x://r' }],
      ['ping', {}],
    ] as const) {
      const { result } = await legacy(server, method, params);
      for (const member of ['resultType', 'ttlMs', 'cacheScope', '_meta']) expect(result).not.toHaveProperty([member]);
    }
  });
});

describe('log messages', () => {
  const levels = (peer: Peer): unknown[] =>
    peer.messages.filter(({ method }) => method === 'notifications/message').map(({ params }) => params?.level);

  it('are all sent until the client sets a level, then those at or above it, on that connection', async () => {
    const server = sample();
    const [one, two] = [await Peer.legacy(server), await Peer.legacy(server)];
    await one.legacy('tools/call', { name: 'log' });
    expect(levels(one)).toEqual(['debug', 'info', 'error']);
    expect((await one.legacy('logging/setLevel', { level: 'info' })).result).toEqual({});
    await one.legacy('tools/call', { name: 'log' });
    expect(levels(one).slice(3)).toEqual(['info', 'error']);
    await one.legacy('logging/setLevel', { level: 'emergency' });
    await one.legacy('tools/call', { name: 'log' });
    expect(levels(one)).toHaveLength(5);
    await two.legacy('tools/call', { name: 'log' });
    expect(levels(two)).toEqual(['debug', 'info', 'error']);
  });
});

describe('changes on a legacy connection', () => {
  const changes = (peer: Peer): unknown[] =>
    peer.messages
      .filter(({ id, method }) => id === undefined && method !== undefined)
      .map(({ method, params }) => [method, params?.uri]);

  it('are told unasked once the handshake is complete', async () => {
    const server = sample();
    const waiting = await Peer.to(server);
    await waiting.legacy('initialize', initialize('2025-11-25'));
    const ready = await Peer.legacy(server);
    server.registerTool('new', {}, () => text(''));
    server.registerTool('other', {}, () => text(''));
    server.registerPrompt('p', {}, () => ({ messages: [] }));
    await ready.next(({ method }) => method === 'notifications/prompts/list_changed');
    expect(changes(ready)).toEqual([
      ['notifications/tools/list_changed', undefined],
      ['notifications/prompts/list_changed', undefined],
    ]);
    expect(changes(waiting)).toEqual([]);
  });

  it('of a resource are told to those who watch just it', async () => {
    const server = sample();
    const [one, two] = [await Peer.legacy(server), await Peer.legacy(server)];
    await one.legacy('resources/subscribe', { uri: 'x://r' });
    await two.legacy('resources/subscribe', { uri: 'x://other' });
    server.sendResourceUpdated({ uri: 'x://r' });
    expect(changes(one)).toEqual([['notifications/resources/updated', 'x://r']]);
    await one.legacy('resources/unsubscribe', { uri: 'x://r' });
    server.sendResourceUpdated({ uri: 'x://r' });
    server.sendResourceUpdated({ uri: 'x://other' });
    expect(changes(one)).toHaveLength(1);
    expect(changes(two)).toEqual([['notifications/resources/updated', 'x://other']]);
  });

  it('are bounded: a client watches 1,000 resources at most', async () => {
    const peer = await Peer.legacy(sample());
    for (let index = 0; index < 1_000; index++) {
      expect((await peer.legacy('resources/subscribe', { uri: `x://${index}` })).error).toBe(undefined);
    }
    expect(codeOf(await peer.legacy('resources/subscribe', { uri: 'x://more' }))).toBe(-32602);
    await peer.legacy('resources/unsubscribe', { uri: 'x://0' });
    expect((await peer.legacy('resources/subscribe', { uri: 'x://more' })).error).toBe(undefined);
  });

  it('are not told to a client that has gone', async () => {
    const server = sample();
    const peer = await Peer.legacy(server);
    peer.close();
    peer.close();
    server.sendToolListChanged();
    peer.send({ jsonrpc: '2.0', id: 5, method: 'ping' });
    expect(peer.messages).toHaveLength(1);
  });
});

describe('batches', () => {
  const ping = (id: unknown): object => ({ jsonrpc: '2.0', id, method: 'ping' });
  const note = { jsonrpc: '2.0', method: 'notifications/x' };
  const send = async (body: unknown, version: string | null): Promise<Reply & { list?: unknown[] }> => {
    const reply = await readReply(await post(sample(), body, { 'MCP-Protocol-Version': version }));
    return reply.text.startsWith('[') ? { ...reply, list: JSON.parse(reply.text) as unknown[] } : reply;
  };

  it.each(['2025-03-26', null])('are served in revision 2025-03-26 (header %s)', async (version) => {
    const { status, list } = await send(
      [ping('a'), note, ping(2), { jsonrpc: '2.0', id: 3, method: 'none' }, ping('a')],
      version,
    );
    expect(status).toBe(200);
    expect(list).toHaveLength(4);
    expect(list).toEqual(
      expect.arrayContaining([
        { jsonrpc: '2.0', id: 'a', result: {} },
        { jsonrpc: '2.0', id: 2, result: {} },
        { jsonrpc: '2.0', id: 3, error: { code: -32601, message: expect.any(String) } },
      ]),
    );
  });

  it.each(['2025-06-18', '2025-11-25', '2024-11-05', '2026-07-28'])('do not exist in revision %s', async (version) => {
    expect(await send([ping(1)], version)).toMatchObject({ status: 400, error: { code: -32600 } });
  });

  it('of notifications and responses alone are accepted without a body', async () => {
    expect(await send([note, { jsonrpc: '2.0', id: 1, result: {} }], null)).toMatchObject({ status: 202, text: '' });
  });

  it.each([
    ['nothing', []],
    ['something invalid', [ping(1), {}]],
    ['null', [null]],
    ['a batch', [[ping(1)]]],
    ['an id that is null', [ping(null)]],
    ['initialize', [{ jsonrpc: '2.0', id: 1, method: 'initialize', params: initialize('2025-03-26') }]],
    ['too many messages', Array.from({ length: 101 }, (_, id) => ping(id))],
  ])('may not hold %s', async (_what, body) => {
    expect(await send(body, '2025-03-26')).toMatchObject({ status: 400, error: { code: -32600 } });
  });

  it('may hold 100 requests, each with its own answer', async () => {
    const { list } = await send(
      Array.from({ length: 100 }, (_, id) => ping(id)),
      '2025-03-26',
    );
    expect(new Set((list as { id: number }[]).map(({ id }) => id)).size).toBe(100);
  });

  it('hold lists, whose answers are ready bytes, as well', async () => {
    const { list } = await send([{ jsonrpc: '2.0', id: 1, method: 'tools/list' }, ping(2)], null);
    expect(list).toEqual(
      expect.arrayContaining([{ jsonrpc: '2.0', id: 1, result: { tools: [expect.anything(), expect.anything()] } }]),
    );
  });

  it.each([
    ['2025-03-26', true],
    ['2025-06-18', false],
    ['2025-11-25', false],
  ])('on a connection that agreed on %s are served: %s', async (version, served) => {
    const peer = await Peer.legacy(sample(), version);
    peer.send([ping('x'), note, ping('y')]);
    await peer.legacy('ping');
    const answers = peer.messages.slice(1).filter((each) => Array.isArray(each) || each.error !== undefined);
    if (served) {
      expect(answers).toHaveLength(1);
      expect(answers[0]).toEqual(
        expect.arrayContaining([
          { jsonrpc: '2.0', id: 'x', result: {} },
          { jsonrpc: '2.0', id: 'y', result: {} },
        ]),
      );
    } else {
      expect(answers).toEqual([{ jsonrpc: '2.0', error: { code: -32600, message: expect.any(String) } }]);
    }
  });

  it('on a connection are answered without what was cancelled, and nothing waits for it', async () => {
    const server = sample();
    server.registerTool('never', {}, () => new Promise(() => {}));
    const peer = await Peer.legacy(server, '2025-03-26');
    peer.send([ping('x'), { jsonrpc: '2.0', id: 'held', method: 'tools/call', params: { name: 'never' } }]);
    peer.notify('notifications/cancelled', { requestId: 'held' });
    await peer.legacy('ping');
    expect(peer.texts.some((each) => each.includes('"held"'))).toBe(false);
    expect(peer.messages).toContainEqual([{ jsonrpc: '2.0', id: 'x', result: {} }]);
  });
});

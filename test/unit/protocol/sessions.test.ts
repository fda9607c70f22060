import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../src/testing/testing.ts';
import { legacy, modern, post } from '../support/http.ts';
import { codeOf, legacyRequest, textOf } from '../support/messages.ts';
import { SessionClient } from '../support/session-client.ts';
import { serverWith, type TestServer, text } from '../support/test-server.ts';

type Config = NonNullable<Parameters<typeof serverWith>[1]>;

function withSessions(sessions: Config['sessions'] = true, config: Config = {}): TestServer {
  return serverWith(
    (server) => {
      server.registerTool('who', {}, ({ sessionId, clientInfo, clientCapabilities }) =>
        text({ sessionId, clientInfo, clientCapabilities }),
      );
      server.registerTool('log', {}, async ({ mcpReq }) => {
        for (const level of ['debug', 'info', 'error'] as const) await mcpReq.log(level, level);
        return text('done');
      });
      server.registerResource('r', 'x://r', {}, () => ({ contents: [{ uri: 'x://r', text: '' }] }));
    },
    { sessions, ...config },
  );
}

describe('a session', () => {
  it('begins with the handshake, under an id of visible ASCII that nobody can guess', async () => {
    const server = withSessions();
    const ids = await Promise.all(Array.from({ length: 20 }, async () => (await SessionClient.open(server)).sessionId));
    expect(new Set(ids).size).toBe(20);
    for (const id of ids) expect(id).toMatch(/^[\x21-\x7e]{32,}$/);
  });

  it('remembers what the client said of itself, and is told to handlers', async () => {
    const client = await SessionClient.open(withSessions(), { capabilities: { sampling: {} } });
    expect(JSON.parse(String(textOf(await client.request('tools/call', { name: 'who' }))))).toEqual({
      sessionId: client.sessionId,
      clientInfo: { name: 'client', version: '1.0.0' },
      clientCapabilities: { sampling: {} },
    });
  });

  it('lets clients watch resources, which is said in the handshake', async () => {
    expect((await SessionClient.open(withSessions())).greeting.result?.capabilities).toMatchObject({
      resources: { subscribe: true },
    });
    const stateless = await SessionClient.open(withSessions(false));
    expect(stateless.sessionId).toBeUndefined();
    expect(stateless.greeting.result?.capabilities).toMatchObject({ resources: { listChanged: true } });
    expect(stateless.greeting.result?.capabilities).not.toHaveProperty('resources.subscribe');
  });

  it('is needed for all but the handshake where it is required', async () => {
    const server = withSessions();
    for (const body of [
      legacyRequest('tools/list'),
      { jsonrpc: '2.0', method: 'notifications/initialized' },
      { jsonrpc: '2.0', id: 1, result: {} },
    ]) {
      const response = await post(server, body, { 'MCP-Protocol-Version': '2025-11-25' });
      expect([response.status, ((await response.json()) as { error: { code: number } }).error.code]).toEqual([
        400, -32000,
      ]);
    }
    expect((await modern(server, 'tools/list')).status).toBe(200);
  });

  it.each([true, 'auto'] as const)('that is not known is not found, with sessions: %s', async (sessions) => {
    const client = await SessionClient.open(withSessions(sessions));
    const unknown = { 'Mcp-Session-Id': 'A'.repeat(32) };
    for (const method of ['tools/list', 'initialize'])
      expect(await client.request(method, {}, unknown)).toMatchObject({ status: 404, error: { code: -32001 } });
    expect((await client.get(unknown)).status).toBe(404);
    expect((await client.delete(unknown)).status).toBe(404);
  });

  it('cannot be initialized again', async () => {
    const client = await SessionClient.open(withSessions());
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'c', version: '1' } };
    expect(await client.request('initialize', params)).toMatchObject({ status: 400, error: { code: -32600 } });
  });

  it('ends by DELETE, once', async () => {
    const client = await SessionClient.open(withSessions());
    expect((await client.delete()).status).toBe(200);
    expect((await client.delete()).status).toBe(404);
    expect(await client.request('ping')).toMatchObject({ status: 404, error: { code: -32001 } });
  });

  it('belongs to its principal: for another one there is none', async () => {
    const client = await SessionClient.open(withSessions());
    const other = { Authorization: 'Bearer another' };
    expect(await client.request('ping', {}, other)).toMatchObject({ status: 404, error: { code: -32001 } });
    expect((await client.get(other)).status).toBe(404);
    expect((await client.delete(other)).status).toBe(404);
    expect((await client.request('ping')).status).toBe(200);
  });

  it('ends when nobody uses it for its time, and each use gives it as much again', async () => {
    const clock = new FakeClock();
    const client = await SessionClient.open(withSessions({ mode: true, idleTimeoutSeconds: 60 }, { clock }));
    for (let minute = 0; minute < 10; minute++) {
      clock.advance(50_000);
      expect((await client.request('ping')).status).toBe(200);
    }
    clock.advance(60_001);
    expect(await client.request('ping')).toMatchObject({ status: 404, error: { code: -32001 } });
  });

  it('ends on time however often it was used just before', async () => {
    const clock = new FakeClock();
    const client = await SessionClient.open(withSessions({ mode: true, idleTimeoutSeconds: 60 }, { clock }));
    clock.advance(4_999);
    expect((await client.request('ping')).status).toBe(200);
    clock.advance(60_001);
    expect((await client.request('ping')).status).toBe(404);
  });

  it('remembers the level of log messages, for itself alone', async () => {
    const server = withSessions();
    const [loud, quiet] = [await SessionClient.open(server), await SessionClient.open(server)];
    expect((await quiet.request('logging/setLevel', { level: 'error' })).result).toEqual({});
    const levels = async (client: SessionClient): Promise<unknown[]> =>
      (await (await client.stream('log')).rest()).flatMap(({ params }) => params?.level ?? []);
    expect(await levels(quiet)).toEqual(['error']);
    expect(await levels(loud)).toEqual(['debug', 'info', 'error']);
  });

  it('remembers only so much', async () => {
    const server = withSessions();
    const client = await SessionClient.open(server);
    for (let n = 0; n < 1_000; n++)
      expect((await client.request('resources/subscribe', { uri: `x://${n}` })).error).toBeUndefined();
    expect(codeOf(await client.request('resources/subscribe', { uri: 'x://more' }))).toBe(-32602);
    const greedy = await SessionClient.open(server, { capabilities: { large: 'x'.repeat(70_000) } });
    expect([greedy.sessionId, codeOf(greedy.greeting)]).toEqual([undefined, -32602]);
  });

  it('serves batches in the revision that has them', async () => {
    const client = await SessionClient.open(withSessions(), { version: '2025-03-26' });
    const response = await client.post([legacyRequest('ping', {}, 1), legacyRequest('ping', {}, 2)], {
      'MCP-Protocol-Version': '2025-03-26',
    });
    expect(await response.json()).toMatchObject([{ id: 1 }, { id: 2 }]);
  });
});

describe('the number of sessions', () => {
  it('is bounded: one more finds no room, and may come again', async () => {
    const server = withSessions({ mode: true, maxSessions: 2 });
    const [first] = [await SessionClient.open(server), await SessionClient.open(server)];
    const third = await SessionClient.open(server);
    expect(third.greeting).toMatchObject({ status: 503, error: { code: -32010 } });
    expect(third.greeting.headers.get('retry-after')).toBe('1');
    await first.delete();
    expect((await SessionClient.open(server)).sessionId).toBeDefined();
  });

  it('makes room by ending the one that has not been used for longest, if that is a minute', async () => {
    const clock = new FakeClock();
    const server = withSessions({ mode: true, maxSessions: 2 }, { clock });
    const [first, second] = [await SessionClient.open(server), await SessionClient.open(server)];
    clock.advance(40_000);
    await first.request('ping');
    clock.advance(30_000);
    const third = await SessionClient.open(server);
    expect(third.sessionId).toBeDefined();
    expect((await second.request('ping')).status).toBe(404);
    expect((await first.request('ping')).status).toBe(200);
  });
});

describe('the methods of sessions', () => {
  it('refuse an Accept that lists no event stream with 406', async () => {
    const client = await SessionClient.open(withSessions());
    expect((await client.get({ Accept: 'application/json' })).status).toBe(406);
  });

  it('are GET, POST and DELETE', async () => {
    const client = await SessionClient.open(withSessions());
    const init = { method: 'PUT', headers: client.fields };
    const response = await client.server.fetch(new Request('http://localhost/mcp', init));
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, POST, DELETE']);
  });

  it('know the revisions that have them', async () => {
    const client = await SessionClient.open(withSessions());
    expect((await client.get({ 'MCP-Protocol-Version': '1999-01-01' })).status).toBe(400);
  });
});

describe('sessions: auto', () => {
  const open = async (server: TestServer): Promise<boolean> =>
    (await SessionClient.open(server)).sessionId !== undefined;

  it('stays without sessions while the server asks and tells nothing', async () => {
    const server = withSessions('auto');
    expect(await open(server)).toBe(false);
    expect((await legacy(server, 'tools/call', { name: 'log' })).status).toBe(200);
    expect(await open(server)).toBe(false);
  });

  it.each<[string, (server: TestServer) => void]>([
    ['tool', (server) => void server.registerTool('asks', { session: true }, () => text(''))],
    ['prompt', (server) => void server.registerPrompt('asks', { session: true }, () => ({ messages: [] }))],
    [
      'resource',
      (server) => void server.registerResource('asks', 'y://r', { session: true }, () => ({ contents: [] })),
    ],
  ])('gives sessions once a %s says that it asks', async (_kind, register) => {
    const server = withSessions('auto');
    register(server);
    expect(await open(server)).toBe(true);
  });

  it('gives sessions once a resource was updated', async () => {
    const server = withSessions('auto');
    server.sendToolListChanged();
    expect(await open(server)).toBe(false);
    server.sendResourceUpdated({ uri: 'x://r' });
    expect(await open(server)).toBe(true);
  });

  it('gives sessions once a handler tried to ask', async () => {
    const server = withSessions('auto');
    server.registerTool('asks', {}, async ({ mcpReq }) => {
      await mcpReq.elicitInput({}).catch(() => {});
      return text('');
    });
    await legacy(server, 'tools/call', { name: 'asks' }, { Accept: 'application/json' });
    expect(await open(server)).toBe(true);
  });

  it.each([[{ session: 1 }]])('checks what is registered: %o', (config) => {
    expect(() => withSessions().registerTool('t', config as never, () => text(''))).toThrow(/session/);
  });
});

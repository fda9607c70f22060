import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { ServerContext } from '../../../src/registry/registry.ts';
import { allMessages, callTool, ENDPOINT, legacy, modern, openModern, post, readReply } from '../support/http.ts';
import { modernRequest, namesOf, textOf } from '../support/messages.ts';
import { settle, type TestServer, text } from '../support/test-server.ts';
import { guardedServer, METADATA_URL } from './guarded-server.ts';
import { ISSUER } from './test-issuer.ts';

const whoami = (server: TestServer): unknown =>
  server.registerTool('whoami', {}, ({ auth }: ServerContext) => text(`${auth?.subject} ${auth?.scopes}`));

const CHALLENGE = `Bearer resource_metadata="${METADATA_URL}"`;
const challengeOf = ({ headers }: { readonly headers: Headers }): string | null => headers.get('www-authenticate');

describe('a server with authorization', () => {
  it('tells a client without a token where it gets one, and no more', async () => {
    const { server } = await guardedServer(whoami);
    const reply = await callTool(server, 'whoami');
    expect([reply.status, challengeOf(reply)]).toEqual([401, CHALLENGE]);
    expect(reply.error).toEqual({ code: -32000, message: 'Authorization is required' });
  });

  it.each([
    ['discovery', modernRequest('server/discover')],
    ['a method that does not exist', modernRequest('no/such')],
    ['a notification', { jsonrpc: '2.0', method: 'notifications/initialized' }],
    ['a response', { jsonrpc: '2.0', id: 1, result: {} }],
    ['what is not JSON', '{'],
    ['a batch', [{ jsonrpc: '2.0', id: 1, method: 'ping' }]],
  ])('asks for a token before it looks at %s', async (_what, body) => {
    const { server } = await guardedServer(whoami);
    expect((await post(server, body)).status).toBe(401);
  });

  it.each(['GET', 'DELETE', 'PUT'])('asks for a token before it looks at %s', async (method) => {
    const { server, bearer } = await guardedServer(whoami);
    expect((await server.fetch(new Request(ENDPOINT, { method }))).status).toBe(401);
    expect((await server.fetch(new Request(ENDPOINT, { method, headers: await bearer() }))).status).toBe(405);
  });

  it('serves both eras with a valid token, and tells handlers who asks', async () => {
    const { server, bearer } = await guardedServer(whoami);
    const headers = await bearer();
    expect(textOf(await callTool(server, 'whoami', {}, { headers }))).toBe('ada read');
    expect(textOf(await legacy(server, 'tools/call', { name: 'whoami' }, headers))).toBe('ada read');
  });

  it('says what is wrong with a token', async () => {
    const { server, bearer } = await guardedServer(whoami);
    const expired = await callTool(server, 'whoami', {}, { headers: await bearer({ claims: { exp: 1 } }) });
    expect(expired.status).toBe(401);
    expect(challengeOf(expired)).toBe(
      `Bearer error="invalid_token", error_description="The token has expired", resource_metadata="${METADATA_URL}"`,
    );
  });

  it.each([
    ['another scheme', 401, 'Basic YTpi', CHALLENGE],
    ['a scheme that only begins like it', 401, 'Bearerish abc', CHALLENGE],
    ['no token', 400, 'Bearer', 'error="invalid_request"'],
    ['two tokens', 400, 'Bearer a b', 'error="invalid_request"'],
    ['two headers', 400, 'Bearer a, Bearer b', 'error="invalid_request"'],
    ['quotes', 400, 'Bearer "a"', 'error="invalid_request"'],
    ['a token that is too long', 400, `Bearer ${'a'.repeat(8_193)}`, 'error="invalid_request"'],
    ['a token of nobody', 401, 'Bearer abc', 'error="invalid_token"'],
  ])('refuses %s with %i', async (_what, status, Authorization, challenge) => {
    const { server } = await guardedServer(whoami);
    const reply = await callTool(server, 'whoami', {}, { headers: { Authorization } });
    expect(reply.status).toBe(status);
    expect(challengeOf(reply)).toContain(challenge);
  });

  it('does not look for tokens in the query', async () => {
    const { server, bearer } = await guardedServer(whoami);
    const token = (await bearer()).Authorization.slice('Bearer '.length);
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' });
    const init = { method: 'POST', body, headers: { 'Content-Type': 'application/json' } };
    expect((await server.fetch(new Request(`${ENDPOINT}?access_token=${token}`, init))).status).toBe(401);
  });

  it('hands the token to no handler', async () => {
    const seen: ServerContext[] = [];
    const { server, bearer } = await guardedServer((one) =>
      one.registerTool('look', {}, (context: ServerContext) => {
        seen.push(context);
        return text('');
      }),
    );
    const headers = await bearer();
    await callTool(server, 'look', {}, { headers });
    const [{ auth, authInfo, http } = {} as ServerContext] = seen;
    expect(auth).toMatchObject({ subject: 'ada', clientId: 'app', issuer: ISSUER });
    expect([authInfo, http?.authInfo]).toEqual([auth, auth]);
    expect(http?.req.headers.get('authorization')).toBeNull();
    expect(http?.req.headers.get('mcp-name')).toBe('look');
  });

  it('lets no client in over memory that sends none, for that has no header', async () => {
    const { server } = await guardedServer(whoami);
    const answers: string[] = [];
    const client = await server.connect((message) => answers.push(message));
    client.send(JSON.stringify(modernRequest('tools/call', { name: 'whoami' })));
    await settle();
    expect(answers.join()).toContain('undefined undefined');
  });
});

describe('scopes', () => {
  const scoped = (server: TestServer): void => {
    whoami(server);
    server.registerTool('write', { scopes: ['write', 'audit'] }, () => text('written'));
    server.registerPrompt(
      'plan',
      { argsSchema: z.object({ topic: z.string() }), complete: { topic: () => ['secret'] }, scopes: ['write'] },
      () => ({ messages: [] }),
    );
    server.registerResource('diary', 'note:///diary', { scopes: ['read:diary'] }, (uri) => ({
      contents: [{ uri: uri.href, text: 'dear' }],
    }));
    server.registerResource('open', 'note:///open', {}, (uri) => ({ contents: [{ uri: uri.href, text: 'all' }] }));
  };
  const lacking = (scopes: string): string =>
    `Bearer error="insufficient_scope", error_description="The token lacks a scope that this needs", resource_metadata="${METADATA_URL}", scope="${scopes}"`;

  it('names all that a tool needs at once, with what the client has', async () => {
    const { server, bearer } = await guardedServer(scoped, { authorization: { requiredScopes: ['read'] } as never });
    const reply = await callTool(server, 'write', {}, { headers: await bearer({ claims: { scope: 'read audit x' } }) });
    expect([reply.status, challengeOf(reply)]).toEqual([403, lacking('read audit write')]);
    expect([reply.id, reply.error?.code]).toEqual([1, -32000]);
  });

  it('serves whoever has them', async () => {
    const { server, bearer } = await guardedServer(scoped);
    const headers = await bearer({ claims: { scope: 'audit write' } });
    expect(textOf(await callTool(server, 'write', {}, { headers }))).toBe('written');
  });

  it.each<[string, string, Record<string, unknown>, string]>([
    ['a prompt', 'prompts/get', { name: 'plan', arguments: { topic: 'x' } }, 'write'],
    ['a resource', 'resources/read', { uri: 'note:///diary' }, 'read:diary'],
    [
      'the completion of a prompt',
      'completion/complete',
      { ref: { type: 'ref/prompt', name: 'plan' }, argument: { name: 'topic', value: '' } },
      'write',
    ],
    [
      'the changes of a resource',
      'subscriptions/listen',
      { notifications: { resourceSubscriptions: ['note:///open', 'note:///diary'] } },
      'read:diary',
    ],
  ])('guards %s', async (_what, method, params, scope) => {
    const { server, bearer } = await guardedServer(scoped);
    const reply = await modern(server, method, params, { headers: await bearer({ claims: { scope: 'other' } }) });
    expect([reply.status, challengeOf(reply)]).toEqual([403, lacking(scope)]);
  });

  it('guards the legacy era, subscriptions and batches among it', async () => {
    const { server, bearer } = await guardedServer(scoped);
    const headers = await bearer({ claims: { scope: '' } });
    expect((await legacy(server, 'tools/call', { name: 'write' }, headers)).status).toBe(403);
    expect((await legacy(server, 'resources/subscribe', { uri: 'note:///diary' }, headers)).status).toBe(403);
    const batch = ['whoami', 'write'].map((name, id) => ({
      jsonrpc: '2.0',
      id,
      method: 'tools/call',
      params: { name },
    }));
    const reply = await readReply(await post(server, batch, headers));
    expect([reply.status, challengeOf(reply)]).toEqual([403, lacking('write audit')]);
  });

  it('looks at scopes after the header checks and before the method', async () => {
    const { server, bearer } = await guardedServer(scoped);
    const headers = await bearer();
    const mismatched = { ...headers, 'Mcp-Name': 'whoami' };
    expect((await callTool(server, 'write', {}, { headers: mismatched })).error?.code).toBe(-32020);
    expect((await callTool(server, 'write', 'no object', { headers })).status).toBe(403);
    expect((await modern(server, 'no/such', {}, { headers })).status).toBe(404);
  });

  it('lists what a client may not use: it may ask for the scopes', async () => {
    const { server, bearer } = await guardedServer(scoped);
    const reply = await modern(server, 'tools/list', {}, { headers: await bearer() });
    expect(namesOf(reply, 'tools')).toEqual(['whoami', 'write']);
  });

  it('asks every request for the required ones', async () => {
    const { server, bearer } = await guardedServer(scoped, { authorization: { requiredScopes: ['base'] } as never });
    expect(challengeOf(await callTool(server, 'whoami'))).toBe(`${CHALLENGE}, scope="base"`);
    const reply = await callTool(server, 'whoami', {}, { headers: await bearer() });
    expect([reply.status, challengeOf(reply)]).toEqual([403, lacking('base')]);
  });

  it('knows scopes that include others', async () => {
    const impliedScopes = { admin: ['write'], write: ['audit'] };
    const { server, bearer } = await guardedServer(scoped, { authorization: { impliedScopes } as never });
    const headers = await bearer({ claims: { scope: 'admin' } });
    expect(textOf(await callTool(server, 'write', {}, { headers }))).toBe('written');
  });

  it('follows a tool that changes', async () => {
    const { server, bearer } = await guardedServer(scoped);
    const tool = server.registerTool('later', {}, () => text('done'));
    const headers = await bearer();
    expect((await callTool(server, 'later', {}, { headers })).status).toBe(200);
    tool.update({ scopes: ['later'] });
    expect((await callTool(server, 'later', {}, { headers })).status).toBe(403);
  });
});

describe('a stream', () => {
  it('ends with the token that it began with', async () => {
    const { server, clock, bearer } = await guardedServer(whoami);
    const params = { notifications: { toolsListChanged: true } };
    await server.ready();
    const before = clock.timers;
    const response = await openModern(server, 'subscriptions/listen', params, { headers: await bearer() });
    const all = allMessages(response);
    clock.advance(600_000);
    const messages = await all;
    expect(messages[0]?.method).toBe('notifications/subscriptions/acknowledged');
    expect(messages.at(-1)?.result).toMatchObject({ resultType: 'complete' });
    expect(clock.timers).toBe(before);
  });

  it('leaves no timer when its client goes', async () => {
    const { server, clock, bearer } = await guardedServer(whoami);
    const headers = await bearer();
    const openAndLeave = async (): Promise<number> => {
      const controller = new AbortController();
      const options = { headers, signal: controller.signal };
      await openModern(server, 'subscriptions/listen', { notifications: { toolsListChanged: true } }, options);
      controller.abort();
      await settle();
      return clock.timers;
    };
    const after = await openAndLeave();
    expect([await openAndLeave(), await openAndLeave()]).toEqual([after, after]);
  });
});

describe('the metadata of the resource', () => {
  const read = async (server: TestServer, path: string, headers = {}) =>
    server.fetch(
      new Request(`https://mcp.example/.well-known/oauth-protected-resource${path}`, {
        headers: { Host: 'localhost', ...headers },
      }),
    );

  it.each(['', '/mcp'])('is served to everybody, under "%s"', async (path) => {
    const { server } = await guardedServer((one) => one.registerTool('write', { scopes: ['write'] }, () => text('')), {
      title: 'Notes',
      authorization: { requiredScopes: ['read'], resourceDocumentation: 'https://docs.example' } as never,
    });
    const response = await read(server, path, { Origin: 'https://anywhere.example' });
    expect(response.status).toBe(200);
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
    expect(response.headers.get('cache-control')).toBe('public, max-age=300');
    expect(await response.json()).toEqual({
      resource: 'https://mcp.example/mcp',
      authorization_servers: [ISSUER],
      scopes_supported: ['read', 'write'],
      bearer_methods_supported: ['header'],
      resource_name: 'Notes',
      resource_documentation: 'https://docs.example',
    });
  });

  it('is served where clients look for it, behind a proxy too', async () => {
    const { server } = await guardedServer(whoami, { authorization: { resource: 'https://mcp.example/a/b' } as never });
    const reply = await callTool(server, 'whoami');
    const url = /resource_metadata="([^"]+)"/.exec(challengeOf(reply) ?? '')?.[1] ?? '';
    expect(url).toBe('https://mcp.example/.well-known/oauth-protected-resource/a/b');
    expect((await read(server, '/a/b')).status).toBe(200);
  });
});

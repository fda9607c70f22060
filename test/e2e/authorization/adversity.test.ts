import { expect, it } from 'vitest';
import { FakeClock } from '../../../src/testing/testing.ts';
import { startNotes } from './notes-server.ts';
import { AuthorizationServer, RESOURCE_SERVER } from './provider.ts';

const RESOURCE = 'https://notes.example/mcp';

async function statusOf(url: URL, token: string): Promise<number> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'whoami' } });
  const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` };
  const response = await fetch(url, { method: 'POST', headers, body });
  await response.text();
  return response.status;
}

it('refuses a real token for another server, and a tampered one', async () => {
  const provider = await AuthorizationServer.start();
  const { url } = await startNotes({ resource: RESOURCE, authorizationServers: [provider.issuer] });
  const token = await provider.machineToken(RESOURCE);
  expect(await statusOf(url, token)).toBe(200);
  expect(await statusOf(url, await provider.machineToken('https://other.example/mcp'))).toBe(401);
  const [header, payload, signature = ''] = token.split('.');
  expect(await statusOf(url, `${header}.${payload}.${signature.slice(2)}AA`)).toBe(401);
});

it('refuses tokens of an authorization server that it does not know', async () => {
  const known = await AuthorizationServer.start();
  const other = await AuthorizationServer.start();
  const { url } = await startNotes({ resource: RESOURCE, authorizationServers: [known.issuer] });
  expect(await statusOf(url, await other.machineToken(RESOURCE))).toBe(401);
  expect(other.requests.filter((request) => request.startsWith('GET'))).toEqual([]);
});

it('goes on without its authorization server, and follows it to new keys', async () => {
  const first = await AuthorizationServer.start();
  const { port } = first;
  const clock = new FakeClock(Date.now());
  const options = { resource: RESOURCE, authorizationServers: [first.issuer], rememberSeconds: 0 };
  const { url } = await startNotes(options, { clock });
  const token = await first.machineToken(RESOURCE);
  const another = await first.machineToken(RESOURCE);
  expect(await statusOf(url, token)).toBe(200);
  await first.stop();
  expect([await statusOf(url, token), await statusOf(url, another)]).toEqual([200, 200]);
  const second = await AuthorizationServer.start({ port });
  clock.advance(10_000);
  expect(await statusOf(url, await second.machineToken(RESOURCE))).toBe(200);
  expect(await statusOf(url, token)).toBe(401);
});

it('asks about opaque tokens, and says to come again when nobody answers', async () => {
  const provider = await AuthorizationServer.start({ format: 'opaque' });
  const { url } = await startNotes({
    ...{ resource: RESOURCE, authorizationServers: [provider.issuer] },
    introspection: {
      url: `${provider.issuer}/token/introspection`,
      ...{ clientId: RESOURCE_SERVER.client_id, clientSecret: RESOURCE_SERVER.client_secret, cacheSeconds: 0 },
    },
  });
  const token = await provider.machineToken(RESOURCE);
  expect(await statusOf(url, token)).toBe(200);
  expect(await statusOf(url, await provider.machineToken('https://other.example/mcp'))).toBe(401);
  await provider.revoke(token);
  expect(await statusOf(url, token)).toBe(401);
  const later = await provider.machineToken(RESOURCE);
  await provider.stop();
  expect(await statusOf(url, later)).toBe(503);
});

import {
  type Client,
  ClientCredentialsProvider,
  StreamableHTTPClientTransport,
  UnauthorizedError,
} from '@modelcontextprotocol/client';
import { expect, it } from 'vitest';
import { createClient, textOf } from '../peers.ts';
import { startNotes } from './notes-server.ts';
import { APP, AuthorizationServer, MACHINE } from './provider.ts';
import { UserAgent } from './user-agent.ts';

/** Connects as applications do: on the way the user is sent to the authorization server, and comes back. */
async function signIn(url: URL, agent: UserAgent, era: 'modern' | 'legacy'): Promise<Client> {
  const first = new StreamableHTTPClientTransport(url, { authProvider: agent });
  const refused = await createClient(era)
    .connect(first)
    .catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(UnauthorizedError);
  await first.finishAuth(agent.callback as URLSearchParams);
  const client = createClient(era);
  await client.connect(new StreamableHTTPClientTransport(url, { authProvider: agent }));
  return client;
}

const call = async (client: Client, name: string): Promise<string> => textOf(await client.callTool({ name }));

it.each(['modern', 'legacy'] as const)('signs a user in by discovery from the refusal, in the %s era', async (era) => {
  const { issuer, requests } = await AuthorizationServer.start();
  const { url } = await startNotes({ authorizationServers: [issuer], requiredScopes: ['read'] });
  const agent = new UserAgent(APP);
  const client = await signIn(url, agent, era);
  expect(await call(client, 'whoami')).toBe('ada');
  expect(agent.asked).toEqual(['read offline_access']);
  expect(agent.granted?.access_token.split('.')).toHaveLength(3);
  expect(requests.some((request) => request.includes(`resource=${encodeURIComponent(url.href)}`))).toBe(true);
  await client.close();
});

it('serves a client that registers itself', async () => {
  const { issuer } = await AuthorizationServer.start();
  const { url } = await startNotes({ authorizationServers: [issuer] });
  const client = await signIn(url, new UserAgent(), 'modern');
  expect(await call(client, 'whoami')).toBe('ada');
  await client.close();
});

it.each(['modern', 'legacy'] as const)('steps up when a tool needs more, in the %s era', async (era) => {
  const { issuer } = await AuthorizationServer.start();
  const { url } = await startNotes({ authorizationServers: [issuer], requiredScopes: ['read'] });
  const agent = new UserAgent(APP);
  const before = await signIn(url, agent, era);
  await expect(call(before, 'write')).rejects.toThrow();
  expect(agent.asked).toEqual(['read offline_access', 'read write offline_access']);
  const transport = new StreamableHTTPClientTransport(url, { authProvider: agent });
  await transport.finishAuth(agent.callback as URLSearchParams);
  const after = createClient(era);
  await after.connect(transport);
  expect(await call(after, 'write')).toBe('written by ada');
  expect(await call(after, 'whoami')).toBe('ada');
  await before.close();
  await after.close();
});

it.each(['jwt', 'opaque'] as const)('serves a client that acts for itself, with %s tokens', async (format) => {
  const { issuer } = await AuthorizationServer.start({ format });
  const introspection = {
    url: `${issuer}/token/introspection`,
    clientId: 'rs',
    clientSecret: 'the secret of the resource server',
  };
  const { url } = await startNotes({
    ...{ authorizationServers: [issuer], requiredScopes: ['read'] },
    ...(format === 'opaque' ? { introspection } : {}),
  });
  const authProvider = new ClientCredentialsProvider({
    ...{ clientId: MACHINE.client_id, clientSecret: MACHINE.client_secret },
    ...{ expectedIssuer: issuer, scope: 'read' },
  });
  const client = createClient('modern');
  await client.connect(new StreamableHTTPClientTransport(url, { authProvider, onInsufficientScope: 'throw' }));
  expect(await call(client, 'whoami')).toBe('machine');
  await expect(call(client, 'write')).rejects.toThrow(/scope/i);
  await client.close();
});

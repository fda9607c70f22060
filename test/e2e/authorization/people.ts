import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import type { OptimizedServerConfig } from '../../../src/index.ts';
import { envelope } from '../../unit/support/messages.ts';
import { startNotes } from './notes-server.ts';

const ISSUER = 'https://issuer.example';
export const RESOURCE = 'https://notes.example/mcp';
export const PEOPLE = Array.from({ length: 100 }, (_, index) => `user-${index}`);

/** A server that knows a hundred people, each by a token, and how they call it. */
export async function stage(config: Partial<OptimizedServerConfig> = {}) {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const jwk = { ...(await exportJWK(publicKey)), alg: 'ES256' } as Record<string, unknown>;
  const authorization = { authorizationServers: [ISSUER], resource: RESOURCE, jwks: { keys: [jwk] } };
  const { server, url } = await startNotes(authorization, config);
  const tokens = new Map<string, string>();
  for (const person of PEOPLE) {
    const claims = new SignJWT({ sub: person }).setIssuer(ISSUER).setAudience(RESOURCE).setExpirationTime('1h');
    tokens.set(person, await claims.setProtectedHeader({ alg: 'ES256' }).sign(privateKey));
  }
  const call = async (
    person: string,
    name: string,
    args: object,
    more: object = {},
    at: URL | string = url,
  ): Promise<string> => {
    const headers = {
      ...{ 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream' },
      ...{ 'MCP-Protocol-Version': '2026-07-28', 'Mcp-Method': 'tools/call', 'Mcp-Name': name },
      Authorization: `Bearer ${tokens.get(person)}`,
    };
    const params = { name, arguments: args, _meta: envelope({ capabilities: { elicitation: {} } }), ...more };
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params });
    return (await fetch(at, { method: 'POST', headers, body })).text();
  };
  return { server, url, call, tokens };
}

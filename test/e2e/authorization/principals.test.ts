import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { expect, it } from 'vitest';
import { inputRequired } from '../../../src/index.ts';
import { envelope } from '../../unit/support/messages.ts';
import { startNotes } from './notes-server.ts';

const ISSUER = 'https://issuer.example';
const RESOURCE = 'https://notes.example/mcp';
const PEOPLE = Array.from({ length: 100 }, (_, index) => `user-${index}`);

/** A server that knows a hundred people, each by a token, and how they call it. */
async function stage() {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const jwk = { ...(await exportJWK(publicKey)), alg: 'ES256' } as Record<string, unknown>;
  const authorization = { authorizationServers: [ISSUER], resource: RESOURCE, jwks: { keys: [jwk] } };
  const { server, url } = await startNotes(authorization);
  const tokens = new Map<string, string>();
  for (const person of PEOPLE) {
    const claims = new SignJWT({ sub: person }).setIssuer(ISSUER).setAudience(RESOURCE).setExpirationTime('1h');
    tokens.set(person, await claims.setProtectedHeader({ alg: 'ES256' }).sign(privateKey));
  }
  const call = async (person: string, name: string, args: object, more: object = {}): Promise<string> => {
    const headers = {
      ...{ 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream' },
      ...{ 'MCP-Protocol-Version': '2026-07-28', 'Mcp-Method': 'tools/call', 'Mcp-Name': name },
      Authorization: `Bearer ${tokens.get(person)}`,
    };
    const params = { name, arguments: args, _meta: envelope({ capabilities: { elicitation: {} } }), ...more };
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params });
    return (await fetch(url, { method: 'POST', headers, body })).text();
  };
  return { server, call };
}

it('shows none of a hundred people what was kept for another, on connections that they share', async () => {
  const { call } = await stage();
  for (let round = 0; round < 5; round++) {
    const order = round % 2 === 0 ? PEOPLE : PEOPLE.toReversed();
    const answers = await Promise.all(order.map((person) => call(person, 'mine', { key: 'k' })));
    for (const [index, person] of order.entries()) expect(answers[index]).toContain(`"k of ${person}"`);
  }
});

it('takes the sealed state of a round from nobody but whom it was given to', async () => {
  const { server, call } = await stage();
  server.registerTool('ask', {}, ({ mcpReq, auth }) => {
    const state = mcpReq.requestState();
    if (state !== undefined) return { content: [{ type: 'text', text: `${auth?.subject} had ${state}` }] };
    return inputRequired({ requestState: `the state of ${auth?.subject}` });
  });
  const states = new Map<string, string>();
  for (const person of PEOPLE.slice(0, 10)) {
    const { result } = JSON.parse(await call(person, 'ask', {}));
    states.set(person, result.requestState);
  }
  for (const [owner, requestState] of states) {
    expect(await call(owner, 'ask', {}, { requestState })).toContain(`${owner} had the state of ${owner}`);
    for (const other of PEOPLE.slice(0, 10).filter((person) => person !== owner))
      expect(JSON.parse(await call(other, 'ask', {}, { requestState })).error.code).toBe(-32602);
  }
});

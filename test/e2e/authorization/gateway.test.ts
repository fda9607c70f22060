import { expect, it } from 'vitest';
import { startGateway } from '../../balance/shop.ts';
import { envelope } from '../../unit/support/messages.ts';
import { PEOPLE, RESOURCE, stage } from './people.ts';

/** A server behind a gateway, whose lists everybody may keep. */
async function behindGateway() {
  const hints = { 'tools/list': { ttlMs: 60_000, cacheScope: 'public' } } as const;
  const { url, call, tokens } = await stage({ cacheHints: hints });
  const gateway = await startGateway({ endpoints: [url.href], cache: {} });
  return { ...gateway, call, tokens };
}

it('lets tokens through, and shares no answer among those who send them', async () => {
  const { url, call } = await behindGateway();
  for (let round = 0; round < 3; round++) {
    const answers = await Promise.all(PEOPLE.map((person) => call(person, 'mine', { key: 'k' }, {}, url)));
    for (const [index, person] of PEOPLE.entries()) expect(answers[index]).toContain(`"k of ${person}"`);
  }
});

it('keeps nothing that a token was needed for', async () => {
  const { url, tokens } = await behindGateway();
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: { _meta: envelope() } });
  const list = (authorization: object) => {
    const headers = {
      ...{ 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream' },
      ...{ 'MCP-Protocol-Version': '2026-07-28', 'Mcp-Method': 'tools/list', ...authorization },
    };
    return fetch(url, { method: 'POST', headers, body });
  };
  const listed = await list({ Authorization: `Bearer ${tokens.get('user-0')}` });
  expect(await listed.text()).toContain('"cacheScope":"public"');
  const refused = await list({});
  expect(refused.status).toBe(401);
  expect(refused.headers.get('www-authenticate')).toContain('resource_metadata=');
});

it('says where tokens come from, under its own path', async () => {
  const { url } = await behindGateway();
  const { origin, pathname } = new URL(url);
  const response = await fetch(`${origin}/.well-known/oauth-protected-resource${pathname}`);
  expect(response.status).toBe(200);
  expect(response.headers.get('access-control-allow-origin')).toBe('*');
  expect(await response.json()).toMatchObject({ resource: RESOURCE, bearer_methods_supported: ['header'] });
  const other = await fetch(`${origin}/.well-known/oauth-protected-resource${pathname}`, { method: 'POST' });
  expect(other.status).toBe(405);
});

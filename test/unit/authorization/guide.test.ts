import { describe, expect, it } from 'vitest';
import { resolveAuthorization } from '../../../src/authorization/authorization.ts';
import { createOptimizedServer } from '../../../src/server.ts';
import { callTool } from '../support/http.ts';
import { textOf } from '../support/messages.ts';
import { readDocument, runSample } from '../support/samples.ts';
import { IDENTITY, TestServer } from '../support/test-server.ts';
import { guardedServer } from './guarded-server.ts';
import { Rig } from './rig.ts';

const { text: guide, samples } = readDocument('docs/guides/authorization.md');

describe('the guide to authorization', () => {
  it('has a sample of a server that asks for tokens', async () => {
    const values = { createOptimizedServer, Notes: TestServer, identity: IDENTITY };
    const server = (await runSample(samples[0], values, 'server')) as TestServer;
    const { status, headers } = await callTool(server, 'any');
    expect(status).toBe(401);
    expect(headers.get('www-authenticate')).toBe(
      'Bearer resource_metadata="https://notes.example/.well-known/oauth-protected-resource/mcp", scope="notes:read"',
    );
  });

  it('has a sample of who asks and what it may do', async () => {
    const { server, bearer } = await guardedServer();
    await runSample(samples[1], { server });
    const headers = await bearer({ claims: { scope: 'notes:write' } });
    expect(textOf(await callTool(server, 'whoami', {}, { headers }))).toBe('ada');
    expect(textOf(await callTool(server, 'delete', {}, { headers }))).toBe('gone');
    expect((await callTool(server, 'delete', {}, { headers: await bearer() })).status).toBe(403);
  });

  it('has samples of other checks that work', async () => {
    const introspecting = await runSample(samples[2], {}, 'authorization');
    expect(resolveAuthorization(introspecting)?.introspection?.cacheSeconds).toBe(30);
    const findByApiKey = async (key: string) => (key === 'good' ? 'ada' : undefined);
    const own = await runSample(samples[3], { findByApiKey }, 'ownCheck');
    const rig = await Rig.create(own as object);
    expect([await rig.outcome('good'), await rig.outcome('bad')]).toEqual(['ada', '401 The token is not valid']);
    expect(samples).toHaveLength(4);
  });

  it('lists every option with its default', () => {
    const resolved = resolveAuthorization({ authorizationServers: ['https://login.example'] }) ?? {};
    const rows = new Map(
      [...guide.matchAll(/^\| `(\w+)` \| [^|]+ \| ([^|]+?) \|$/gm)].map(([, key, value]) => [key, value]),
    );
    expect([...rows.keys()]).toEqual(Object.keys(resolved));
    for (const [key, value] of Object.entries(resolved))
      if (typeof value === 'number') expect([key, rows.get(key)]).toEqual([key, String(value)]);
  });
});

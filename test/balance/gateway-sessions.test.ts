import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type SessionServer, startSessionServer } from './session-server.ts';
import { startGateway } from './shop.ts';

const SECRET = 'the same secret in every gateway, long enough';

async function connect(url: string) {
  const client = new Client({ name: 'test', version: '1.0.0' });
  const transport = new StreamableHTTPClientTransport(new URL(url));
  await client.connect(transport as Parameters<Client['connect']>[0]);
  onTestFinished(() => client.close());
  const who = async (): Promise<unknown> => {
    const { content } = await client.callTool({ name: 'who', arguments: {} });
    return (content as { text: string }[])[0]?.text;
  };
  return { client, transport, who };
}

async function start() {
  const servers = await Promise.all(['a', 'b'].map(startSessionServer));
  const endpoints = servers.map(({ url }) => url);
  const config = { algorithm: 'round-robin', endpoints } as const;
  const running = await startGateway(config, { sessionSecret: SECRET });
  return { servers, endpoints, config, ...running };
}

const byName = (servers: readonly SessionServer[], name: unknown): SessionServer =>
  servers.find((server) => server.name === name) as SessionServer;

describe('legacy sessions behind a gateway', () => {
  it('stay with their owner, and are spread over all', async () => {
    const { url } = await start();
    const clients = await Promise.all(Array.from({ length: 4 }, () => connect(url)));
    const owners: unknown[] = [];
    for (const { who } of clients) {
      const owner = await who();
      for (let turn = 0; turn < 5; turn++) expect(await who()).toBe(owner);
      owners.push(owner);
    }
    expect(new Set(owners)).toEqual(new Set(['a', 'b']));
  });

  it('are known to other gateways with the same secret', async () => {
    const { url, config } = await start();
    const other = await startGateway(config, { sessionSecret: SECRET });
    const { transport, who } = await connect(url);
    const owner = await who();
    const call = async (to: string, sessionId = transport.sessionId ?? ''): Promise<[number, string]> => {
      const response = await fetch(to, {
        method: 'POST',
        headers: {
          'Content-Type': 'application/json',
          Accept: 'application/json, text/event-stream',
          'Mcp-Session-Id': sessionId,
        },
        body: '{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"who","arguments":{}}}',
      });
      return [response.status, await response.text()];
    };
    expect(await call(other.url)).toEqual([200, expect.stringContaining(`"text":"${owner}"`)]);
    const [status, body] = await call(other.url, `${transport.sessionId}x`);
    expect([status, JSON.parse(body)]).toMatchObject([404, { id: 5, error: { code: -32001 } }]);
  });

  it('get what their owner sends unasked, and end where the client ends them', async () => {
    const { url, servers } = await start();
    const { client, transport, who } = await connect(url);
    const owner = byName(servers, await who());
    const changed = new Promise<void>((resolve) =>
      client.setNotificationHandler(ToolListChangedNotificationSchema, () => resolve()),
    );
    // Its stream is opened after the handshake: until it is there, nobody hears anything.
    let isHeard = false;
    void changed.then(() => {
      isHeard = true;
    });
    while (!isHeard) {
      await owner.announce();
      await who();
    }
    expect(owner.sessions.size).toBe(1);
    await transport.terminateSession();
    expect(owner.sessions.size).toBe(0);
  });

  it('are gone with their owner: the client learns that it has to begin anew', async () => {
    const { url, servers, gateway } = await start();
    const { who, client } = await connect(url);
    const owner = byName(servers, await who());
    const other = servers.find((server) => server !== owner) as SessionServer;
    expect(await gateway.reload({ servers: { shop: { endpoints: [other.url] } } })).toBe(true);
    await expect(who()).rejects.toMatchObject({ code: 404 });
    await client.close();
    expect(await (await connect(url)).who()).toBe(other.name);
  });
});

import { type Client, type Progress, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { createOptimizedServer } from 'peregrine-mcp';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { Inbox } from './inbox.ts';
import { createClient, textOf } from './peers.ts';
import { SampleServer } from './sample-server.ts';

const server = createOptimizedServer(SampleServer, {
  name: 'sample',
  version: '1.2.3',
  description: 'Served through its fetch face alone',
  http: false,
});
afterAll(() => server.stop());

/** A connection without any socket: the client's fetch is the server's. */
function createFetchTransport(): StreamableHTTPClientTransport {
  return new StreamableHTTPClientTransport(new URL('http://localhost/mcp'), {
    fetch: (url, init) => server.fetch(new Request(url, init)),
  });
}

describe.each(['modern', 'legacy'] as const)('the fetch face for a %s client', (era) => {
  const open: Client[] = [];
  afterEach(async () => {
    await Promise.all(open.splice(0).map((client) => client.close()));
  });

  async function connect(): Promise<{ client: Client; inbox: Inbox }> {
    const client = createClient(era);
    const inbox = new Inbox();
    client.fallbackNotificationHandler = inbox.deliver;
    await client.connect(createFetchTransport());
    open.push(client);
    return { client, inbox };
  }

  it('serves tools, resources and prompts', async () => {
    const { client } = await connect();
    expect((await client.listTools()).tools[0]?.name).toBe('add');
    expect(textOf(await client.callTool({ name: 'add', arguments: { a: 20, b: 22 } }))).toBe('42');
    expect((await client.readResource({ uri: 'memo://note/1' })).contents).toMatchObject([{ text: 'buy milk' }]);
    expect((await client.getPrompt({ name: 'compose', arguments: { topic: 'music' } })).messages).toHaveLength(1);
  });

  it('streams progress while the call runs', async () => {
    const { client } = await connect();
    const name = `counting through fetch, ${era}`;
    const seen: number[] = [];
    const onprogress = ({ progress }: Progress): void => {
      seen.push(progress);
      server.events.reach(`${name}:${progress}`);
    };
    await client.callTool({ name: 'count', arguments: { name, to: 3 } }, { onprogress });
    expect(seen).toEqual([1, 2, 3]);
  });

  if (era === 'modern')
    it('takes the end of the request for a cancellation', async () => {
      const { client } = await connect();
      const abort = new AbortController();
      const call = client.callTool({ name: 'hang', arguments: { name: 'fetch' } }, { signal: abort.signal });
      const refused = expect(call).rejects.toThrow();
      await server.events.wait('fetch:hanging');
      abort.abort(new Error('changed my mind'));
      await refused;
      expect(await server.events.wait('fetch:ended')).toBe('aborted');
    });

  if (era === 'modern')
    it('carries subscriptions', async () => {
      const { client, inbox } = await connect();
      const subscription = await client.listen({ resourceSubscriptions: ['memo://greeting'] });
      server.sendResourceUpdated({ uri: 'memo://greeting' });
      await inbox.next('notifications/resources/updated');
      await subscription.close();
    });
});

it('forgets a client that left while its request was read', async () => {
  const one = createOptimizedServer(SampleServer, {
    name: 'sample',
    version: '1.2.3',
    description: 'Has room for one subscription',
    http: false,
    limits: { maxSubscriptions: 1 },
  });
  const listen = (signal?: AbortSignal): Promise<Response> =>
    one.fetch(
      new Request('http://localhost/mcp', {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          'mcp-protocol-version': '2026-07-28',
          'mcp-method': 'subscriptions/listen',
        },
        body: JSON.stringify({
          jsonrpc: '2.0',
          id: 1,
          method: 'subscriptions/listen',
          params: {
            notifications: { toolsListChanged: true },
            _meta: {
              'io.modelcontextprotocol/protocolVersion': '2026-07-28',
              'io.modelcontextprotocol/clientCapabilities': {},
            },
          },
        }),
        ...(signal && { signal }),
      }),
    );
  const leaving = new AbortController();
  const left = listen(leaving.signal);
  leaving.abort();
  await left.catch(() => undefined);
  expect((await listen()).headers.get('content-type')).toBe('text/event-stream');
  await one.stop();
});

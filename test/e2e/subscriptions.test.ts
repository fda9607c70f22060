import type { Client, SubscriptionFilter } from '@modelcontextprotocol/client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Inbox } from './inbox.ts';
import { createClient, createTransport, textOf } from './peers.ts';
import { type SampleServer, startSample } from './sample-server.ts';

const TOOLS_CHANGED = 'notifications/tools/list_changed';
const PROMPTS_CHANGED = 'notifications/prompts/list_changed';
const UPDATED = 'notifications/resources/updated';
const GREETING = 'memo://greeting';

let server: SampleServer;
let url: URL;
const open: Client[] = [];
beforeEach(async () => {
  ({ server, url } = await startSample());
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((client) => client.close()));
  await server.stop();
});

async function connect(
  era: 'modern' | 'legacy',
  transport: 'http' | 'stdio',
): Promise<{ client: Client; inbox: Inbox }> {
  const client = createClient(era);
  const inbox = new Inbox();
  client.fallbackNotificationHandler = inbox.deliver;
  await client.connect(createTransport(transport, url));
  open.push(client);
  return { client, inbox };
}

const grow = (client: Client, name: string) => client.callTool({ name: 'grow', arguments: { name } });
const touch = (client: Client, uri: string) => client.callTool({ name: 'touch', arguments: { uri } });

describe.each(['http', 'stdio'] as const)('subscriptions/listen over %s', (transport) => {
  it('acknowledges the filter that it honours', async () => {
    const { client } = await connect('modern', transport);
    const filter: SubscriptionFilter = { toolsListChanged: true, resourceSubscriptions: [GREETING] };
    const subscription = await client.listen(filter);
    expect(subscription.honoredFilter).toEqual(filter);
    await subscription.close();
    await expect(subscription.closed).resolves.toBe('local');
  });

  it('tells of a tool that was registered at run time, which is there when the news comes', async () => {
    const { client, inbox } = await connect('modern', transport);
    await client.listen({ toolsListChanged: true });
    await grow(client, 'latecomer');
    await inbox.next(TOOLS_CHANGED);
    const { tools } = await client.listTools({}, { cacheMode: 'bypass' });
    expect(tools.map((tool) => tool.name)).toContain('latecomer');
    expect(textOf(await client.callTool({ name: 'latecomer', arguments: {} }))).toBe('latecomer at your service');
  });

  it('tells of an updated resource whoever subscribed to it, and of no other', async () => {
    const { client, inbox } = await connect('modern', transport);
    await client.listen({ resourceSubscriptions: [GREETING] });
    await touch(client, 'memo://note/1');
    await touch(client, GREETING);
    await inbox.next(UPDATED, ({ uri }) => uri === GREETING);
    expect(inbox.of(UPDATED)).toHaveLength(1);
  });

  it('sends nothing that the filter does not name', async () => {
    const { client, inbox } = await connect('modern', transport);
    await client.listen({ promptsListChanged: true, resourceSubscriptions: [GREETING] });
    await grow(client, 'unannounced');
    await touch(client, GREETING);
    await inbox.next(UPDATED);
    expect(inbox.of(TOOLS_CHANGED)).toEqual([]);
    expect(inbox.of(PROMPTS_CHANGED)).toEqual([]);
  });

  it('keeps the other subscriptions of a client when it closes one', async () => {
    const { client, inbox } = await connect('modern', transport);
    const first = await client.listen({ toolsListChanged: true });
    await client.listen({ resourceSubscriptions: [GREETING] });
    await first.close();
    await touch(client, GREETING);
    await inbox.next(UPDATED);
  });
});

describe('subscriptions of several clients over HTTP', () => {
  it('tells every subscriber, each by its own stream', async () => {
    const peers = await Promise.all(Array.from({ length: 8 }, () => connect('modern', 'http')));
    await Promise.all(peers.map(({ client }) => client.listen({ toolsListChanged: true })));
    server.registerTool('for-all', { description: 'Came later' }, () => ({ content: [] }));
    await Promise.all(peers.map(({ inbox }) => inbox.next(TOOLS_CHANGED)));
    for (const { inbox } of peers) expect(inbox.of(TOOLS_CHANGED)).toHaveLength(1);
  });

  it('tells of prompts and resources that come and of tools that go', async () => {
    const { client, inbox } = await connect('modern', 'http');
    await client.listen({ toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true });
    server.registerPrompt('new-prompt', { description: 'Came later' }, () => ({ messages: [] }));
    await inbox.next(PROMPTS_CHANGED);
    server.registerResource('new-memo', 'memo://new', { description: 'Came later' }, () => ({ contents: [] }));
    await inbox.next('notifications/resources/list_changed');
    const tool = server.registerTool('short-lived', { description: 'Goes soon' }, () => ({ content: [] }));
    await inbox.next(TOOLS_CHANGED);
    tool.remove();
    await expect(client.callTool({ name: 'short-lived', arguments: {} })).rejects.toMatchObject({ code: -32602 });
  });

  it('ends its subscriptions gracefully when it stops', async () => {
    const { client } = await connect('modern', 'http');
    const subscription = await client.listen({ toolsListChanged: true });
    await server.stop();
    await expect(subscription.closed).resolves.toBe('graceful');
  });
});

describe('change notifications of the legacy era over stdio', () => {
  it('tells of changed lists unasked', async () => {
    const { client, inbox } = await connect('legacy', 'stdio');
    await grow(client, 'latecomer');
    await inbox.next(TOOLS_CHANGED);
  });

  it('tells of an updated resource from subscribe to unsubscribe', async () => {
    const { client, inbox } = await connect('legacy', 'stdio');
    await client.subscribeResource({ uri: GREETING });
    await touch(client, 'memo://note/1');
    await touch(client, GREETING);
    await inbox.next(UPDATED, ({ uri }) => uri === GREETING);
    await client.unsubscribeResource({ uri: GREETING });
    await touch(client, GREETING);
    await grow(client, 'afterwards');
    await inbox.next(TOOLS_CHANGED);
    expect(inbox.of(UPDATED)).toHaveLength(1);
  });
});

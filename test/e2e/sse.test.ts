import { once } from 'node:events';
import { request } from 'node:http';
import { Client, SSEClientTransport, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport as SSEClientTransportV1 } from '@modelcontextprotocol/sdk/client/sse.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { createOptimizedServer } from 'peregrine-mcp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Inbox } from './inbox.ts';
import { SampleServer } from './sample-server.ts';

const IDENTITY = { name: 'old', version: '1.0.0' };

let server: SampleServer;
let url: URL;
async function start(): Promise<void> {
  const http = { port: 0, sse: true };
  server = createOptimizedServer(SampleServer, { ...IDENTITY, description: 'Old', http, handleSignals: false });
  url = new URL('/sse', (await server.start()).url);
}
beforeAll(start);
afterAll(() => server?.stop());

const CAPABILITIES = { capabilities: { elicitation: {} } };
const answerName = async () => ({ action: 'accept' as const, content: { name: 'Ada' } });

async function connectV1() {
  const client = new ClientV1(IDENTITY, CAPABILITIES);
  client.setRequestHandler(ElicitRequestSchema, answerName);
  const inbox = new Inbox();
  client.fallbackNotificationHandler = inbox.deliver;
  await client.connect(new SSEClientTransportV1(url));
  return { client, inbox };
}

async function connectV2() {
  const client = new Client(IDENTITY, { ...CAPABILITIES, versionNegotiation: { mode: 'legacy' } });
  client.setRequestHandler('elicitation/create', answerName);
  const inbox = new Inbox();
  client.fallbackNotificationHandler = inbox.deliver;
  await client.connect(new SSEClientTransport(url));
  return { client: client as unknown as ClientV1, inbox };
}

describe.each([
  ['v1', connectV1],
  ['v2', connectV2],
] as const)('the %s client over HTTP with SSE', (_which, connect) => {
  it('lists, calls, reads and completes', async () => {
    const { client } = await connect();
    expect(client.getServerVersion()).toMatchObject({ name: 'old' });
    expect((await client.listTools()).tools.length).toBeGreaterThan(3);
    expect(await client.callTool({ name: 'reach', arguments: { event: 'Ünïcødé 漢字' } })).toMatchObject({
      content: [{ type: 'text', text: 'Ünïcødé 漢字' }],
    });
    expect((await client.readResource({ uri: 'memo://note/1' })).contents).toMatchObject([{ text: 'buy milk' }]);
    await client.close();
  });

  it('has many calls under way at once, each with its own answer', async () => {
    const { client } = await connect();
    const names = Array.from({ length: 50 }, (_, index) => `call ${index}`);
    const answers = await Promise.all(names.map((event) => client.callTool({ name: 'reach', arguments: { event } })));
    expect(answers.map((answer) => (answer.content as { text: string }[])[0]?.text)).toEqual(names);
    await client.close();
  });

  it('is asked what a tool needs to know', async () => {
    const { client } = await connect();
    expect(await client.callTool({ name: 'ask_name' })).toMatchObject({ content: [{ text: 'Hello, Ada!' }] });
    await client.close();
  });

  it('is told when lists change', async () => {
    const { client, inbox } = await connect();
    await client.ping();
    server.sendToolListChanged();
    expect(await inbox.next('notifications/tools/list_changed')).toBeDefined();
    await client.close();
  });
});

it('a client that tries the present transport first falls back at the same URL', async () => {
  const client = new Client(IDENTITY, { versionNegotiation: { mode: 'legacy' } });
  await expect(client.connect(new StreamableHTTPClientTransport(url))).rejects.toThrow('Method not allowed');
  const second = new Client(IDENTITY, { versionNegotiation: { mode: 'legacy' } });
  await second.connect(new SSEClientTransport(url));
  expect((await second.listTools()).tools.length).toBeGreaterThan(0);
  await second.close();
});

describe('what is refused', () => {
  const post = (path: string, body: string, headers: Record<string, string> = {}) =>
    fetch(new URL(path, url), { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } });
  const message = JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' });

  it.each([
    ['a post to a stream that nobody has', () => post('/messages?sessionId=none', message), 404],
    ['a post to the stream itself', () => post('/sse', message), 405],
    ['a stream at the URL for posts', () => fetch(new URL('/messages', url)), 405],
    ['another media type', () => post('/messages', message, { 'content-type': 'text/plain' }), 415],
    ['a body that is too large', () => post('/messages', 'x'.repeat(5_000_000)), 413],
    ['a page elsewhere', () => fetch(url, { headers: { origin: 'https://evil.example' } }), 403],
    ['a client that takes no events', () => fetch(url, { headers: { accept: 'application/json' } }), 406],
  ])('%s', async (_what, ask, status) => {
    const response = await ask();
    await response.text();
    expect(response.status).toBe(status);
  });

  it('the transport itself, where it is not asked for', async () => {
    const plain = createOptimizedServer(SampleServer, {
      ...IDENTITY,
      description: 'New',
      http: { port: 0 },
      handleSignals: false,
    });
    const response = await fetch(new URL('/sse', (await plain.start()).url));
    expect(response.status).toBe(404);
    await plain.stop();
  });
});

it('drains: the answer under way comes, then the stream ends, and the server with it', async () => {
  const asking = request(url, { headers: { accept: 'text/event-stream' } }).end();
  const [stream] = await once(asking, 'response');
  let text = '';
  const ended = once(
    stream.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
    }),
    'end',
  );
  await expect.poll(() => text).toContain('event: endpoint');
  const messages = new URL(/data: (.*)/.exec(text)?.[1] ?? '', url);
  const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'hold', arguments: { name: 'drain' } } };
  const posted = await fetch(messages, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(call),
  });
  expect(posted.status).toBe(202);
  await server.events.wait('drain:holding');
  const stopped = server.stop();
  server.events.reach('drain:release', 'held until the end');
  await ended;
  await stopped;
  expect(text).toContain('held until the end');
  await start();
});

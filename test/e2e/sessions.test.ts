import {
  type Client,
  type CreateMessageRequest,
  type ElicitRequest,
  StreamableHTTPClientTransport,
} from '@modelcontextprotocol/client';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createOptimizedServer, OptimizedMCPServer } from '../../src/index.ts';
import { Inbox } from './inbox.ts';
import { createClient, createTransport, textOf } from './peers.ts';

const FORM = { message: 'Name?', requestedSchema: { type: 'object', properties: { name: { type: 'string' } } } };
const CAN = { elicitation: {}, sampling: {}, roots: {} };
const text = (value: unknown) => ({ content: [{ type: 'text' as const, text: JSON.stringify(value) }] });
const elicited = { action: 'accept' as const, content: { name: 'Ada' } };
const said = { role: 'assistant' as const, content: { type: 'text' as const, text: 'short' }, model: 'm' };
const roots = { roots: [{ uri: 'file:///home' }] };

class Sessions extends OptimizedMCPServer {
  protected override setup(): void {
    this.registerTool('form', {}, async ({ mcpReq }) => text(await mcpReq.elicitInput(FORM)));
    this.registerTool('model', {}, async ({ mcpReq }) =>
      text(await mcpReq.requestSampling({ messages: [], maxTokens: 5 })),
    );
    this.registerTool('roots', {}, async ({ mcpReq }) => text(await mcpReq.send({ method: 'roots/list' })));
    this.registerTool('log', {}, async ({ mcpReq }) => {
      for (const level of ['info', 'error'] as const) await mcpReq.log(level, level);
      return text('logged');
    });
    this.registerTool('poll', {}, async ({ http }) => {
      http?.closeSSE?.();
      return text('came later');
    });
    this.registerResource('r', 'x://r', {}, () => ({ contents: [{ uri: 'x://r', text: '' }] }));
  }
}

interface Peer {
  readonly inbox: Inbox;
  call(name: string): Promise<unknown>;
  subscribe(uri: string): Promise<unknown>;
  setLevel(level: 'error'): Promise<unknown>;
  close(): Promise<void>;
}

async function connectV2(url: URL): Promise<Peer> {
  const client: Client = createClient('legacy', CAN);
  client.setRequestHandler('elicitation/create', (_request: ElicitRequest) => elicited);
  client.setRequestHandler('sampling/createMessage', (_request: CreateMessageRequest) => said);
  client.setRequestHandler('roots/list', () => roots);
  const inbox = new Inbox();
  client.fallbackNotificationHandler = inbox.deliver;
  await client.connect(new StreamableHTTPClientTransport(url));
  return {
    inbox,
    call: async (name) => JSON.parse(String(textOf(await client.callTool({ name, arguments: {} })))) as unknown,
    subscribe: (uri) => client.subscribeResource({ uri }),
    setLevel: (level) => client.setLoggingLevel(level),
    close: () => client.close(),
  };
}

async function connectV1(url: URL): Promise<Peer> {
  const client = new ClientV1({ name: 'end-to-end', version: '1.0.0' }, { capabilities: CAN });
  client.setRequestHandler(ElicitRequestSchema, () => elicited);
  client.setRequestHandler(CreateMessageRequestSchema, () => said);
  client.setRequestHandler(ListRootsRequestSchema, () => roots);
  const inbox = new Inbox();
  client.fallbackNotificationHandler = inbox.deliver;
  await client.connect(new TransportV1(url) as Parameters<ClientV1['connect']>[0]);
  return {
    inbox,
    call: async (name) =>
      JSON.parse(String(textOf((await client.callTool({ name, arguments: {} })) as never))) as unknown,
    subscribe: (uri) => client.subscribeResource({ uri }),
    setLevel: (level) => client.setLoggingLevel(level),
    close: () => client.close(),
  };
}

describe.each([
  ['v2', connectV2],
  ['v1', connectV1],
] as const)('the official client %s', (_version, connect) => {
  let server: Sessions;
  let peer: Peer | undefined;
  const open = async (sessions: boolean): Promise<Peer> => {
    const config = { name: 'sessions', version: '1.0.0', description: 'For tests', handleSignals: false };
    server = createOptimizedServer(Sessions, { ...config, sessions, http: { port: 0 } });
    peer = await connect(new URL((await server.start()).url as string));
    return peer;
  };
  beforeEach(() => {
    peer = undefined;
  });
  afterEach(async () => {
    await peer?.close();
    await server.stop();
  });

  it.each([true, false])('answers what it is asked, with sessions: %s', async (sessions) => {
    const { call } = await open(sessions);
    expect(await call('form')).toEqual(elicited);
    expect(await call('model')).toEqual(said);
    expect(await call('roots')).toEqual(roots);
  });

  it('hears what it wants to hear, and no more', async () => {
    const { inbox, call, subscribe, setLevel } = await open(true);
    await subscribe('x://r');
    await setLevel('error');
    await call('log');
    expect(inbox.of('notifications/message').map(({ params }) => params?.['level'])).toEqual(['error']);
    await expect
      .poll(() => {
        server.sendResourceUpdated({ uri: 'x://r' });
        return inbox.of('notifications/resources/updated').length;
      })
      .toBeGreaterThan(0);
  });

  it('comes back for an answer whose stream was ended', async () => {
    const { call } = await open(true);
    expect(await call('poll')).toBe('came later');
  });
});

it('the official client answers over stdio, in the round that a tool asks for', async () => {
  const client = createClient('legacy', CAN);
  client.setRequestHandler('elicitation/create', () => elicited);
  await client.connect(createTransport('stdio', new URL('http://unused')));
  expect(textOf(await client.callTool({ name: 'ask_name', arguments: {} }))).toBe('Hello, Ada!');
  await client.close();
});

import { fileURLToPath } from 'node:url';
import {
  type CallToolResult,
  Client,
  type RequestOptions,
  StreamableHTTPClientTransport,
} from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as StdioClientTransportV1 } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport as StreamableHTTPClientTransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { Inbox } from './inbox.ts';

type ToolCall = Parameters<Client['callTool']>[0];

/** What both official clients offer under the same names. */
type CommonClient = Pick<
  Client,
  | 'complete'
  | 'getInstructions'
  | 'getPrompt'
  | 'getServerCapabilities'
  | 'getServerVersion'
  | 'listPrompts'
  | 'listResources'
  | 'listResourceTemplates'
  | 'listTools'
  | 'ping'
  | 'readResource'
  | 'setLoggingLevel'
>;

export interface Peer {
  readonly client: CommonClient;
  readonly inbox: Inbox;
  callTool(call: ToolCall, options?: RequestOptions): Promise<CallToolResult>;
  close(): Promise<void>;
}

/** One way in which an official client reaches the sample server. */
export interface Route {
  readonly title: string;
  readonly era: 'modern' | 'legacy';
  readonly transport: 'http' | 'stdio';
  /** The code of a missing resource as this client shows it: -32002 until 2025-11-25, which the v2 client translates. */
  readonly missingResource: -32602 | -32002;
  connect(url: URL): Promise<Peer>;
}

const IDENTITY = { name: 'end-to-end', version: '1.0.0' };
const STDIO_SERVER = {
  command: process.execPath,
  args: [fileURLToPath(new URL('./stdio-server.ts', import.meta.url))],
};

/** A v2 client of the given era with whatever capabilities and handlers the test adds before it connects. */
export function createClient(era: Route['era'], capabilities = {}): Client {
  const mode = era === 'modern' ? { pin: '2026-07-28' } : 'legacy';
  return new Client(IDENTITY, { capabilities, versionNegotiation: { mode } });
}

/** A client transport of the v2 SDK towards the sample server. */
export function createTransport(
  transport: Route['transport'],
  url: URL,
): StreamableHTTPClientTransport | StdioClientTransport {
  return transport === 'http' ? new StreamableHTTPClientTransport(url) : new StdioClientTransport(STDIO_SERVER);
}

function routeV2(era: Route['era'], transport: Route['transport']): Route {
  const connect = async (url: URL): Promise<Peer> => {
    const client = createClient(era);
    const inbox = new Inbox();
    client.fallbackNotificationHandler = inbox.deliver;
    await client.connect(createTransport(transport, url));
    return {
      client,
      inbox,
      callTool: (call, options) => client.callTool(call, options),
      close: () => client.close(),
    };
  };
  return { title: `the v2 client, ${era}, over ${transport}`, era, transport, missingResource: -32602, connect };
}

function routeV1(transport: Route['transport']): Route {
  const connect = async (url: URL): Promise<Peer> => {
    const client = new ClientV1(IDENTITY);
    const inbox = new Inbox();
    client.fallbackNotificationHandler = inbox.deliver;
    const connection =
      transport === 'http' ? new StreamableHTTPClientTransportV1(url) : new StdioClientTransportV1(STDIO_SERVER);
    await client.connect(connection as Parameters<ClientV1['connect']>[0]);
    return {
      client: client as unknown as CommonClient,
      inbox,
      callTool: async (call, options) =>
        (await client.callTool(
          call as Parameters<ClientV1['callTool']>[0],
          undefined,
          options as never,
        )) as CallToolResult,
      close: () => client.close(),
    };
  };
  return { title: `the v1 client over ${transport}`, era: 'legacy', transport, missingResource: -32002, connect };
}

export const ROUTES: readonly Route[] = [
  routeV2('modern', 'http'),
  routeV2('modern', 'stdio'),
  routeV2('legacy', 'http'),
  routeV2('legacy', 'stdio'),
  routeV1('http'),
  routeV1('stdio'),
];

/** The text of a result of one text. */
export function textOf(result: CallToolResult): string {
  const [block] = result.content;
  if (block?.type !== 'text') throw new Error(`expected a text, got ${JSON.stringify(result)}`);
  return block.text;
}

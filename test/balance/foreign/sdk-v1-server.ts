/** A server of the official TypeScript SDK v1: `http` with sessions (prints its port), or `stdio`. */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { ADD, add, type CallFace, ECHO, echo, GREET, GREETING_URI, greet, greeting, SLOW, slow } from './features.ts';

function createMcpServer(): McpServer {
  const server = new McpServer({ name: 'sdk-v1', version: '1.0.0' });
  server.registerTool('echo', ECHO, echo);
  server.registerTool('add', ADD, add);
  server.registerTool('slow', SLOW, (args, extra) =>
    slow(args, {
      signal: extra.signal,
      progressToken: extra._meta?.progressToken,
      notify: extra.sendNotification as CallFace['notify'],
    }),
  );
  server.registerResource('greeting', GREETING_URI, { description: 'A greeting' }, () => greeting('sdk-v1'));
  server.registerPrompt('greet', { description: GREET.description, argsSchema: GREET.argsSchema.shape }, greet);
  return server;
}

async function serveHttp(): Promise<void> {
  const sessions = new Map<string, StreamableHTTPServerTransport>();
  const transportFor = async (request: IncomingMessage, body: unknown) => {
    const known = sessions.get(String(request.headers['mcp-session-id']));
    if (known !== undefined || (body as { method?: string } | undefined)?.method !== 'initialize') return known;
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void sessions.set(id, transport),
      onsessionclosed: (id) => void sessions.delete(id),
    });
    await createMcpServer().connect(transport as Transport);
    return transport;
  };
  const server = createServer(async (request, response) => {
    const body: unknown = request.method === 'POST' ? JSON.parse(await text(request)) : undefined;
    if (request.url === '/forget') sessions.clear(); // As a restart would.
    const transport = await transportFor(request, body);
    if (transport !== undefined) return transport.handleRequest(request, response, body);
    const error = { code: -32001, message: 'Session not found' };
    response.writeHead(404, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify({ jsonrpc: '2.0', id: null, error }));
  });
  server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port));
}

if (process.argv[2] === 'http') await serveHttp();
else await createMcpServer().connect(new StdioServerTransport());

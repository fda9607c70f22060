/** A server of the official TypeScript SDK v2, which serves both eras: `http` (prints its port), or `stdio`. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type NodeIncomingMessageLike, toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { ADD, add, type CallFace, ECHO, echo, GREET, GREETING_URI, greet, greeting, SLOW, slow } from './features.ts';

function createMcpServer(): McpServer {
  const server = new McpServer({ name: 'sdk-v2', version: '2.0.0' });
  server.registerTool('echo', ECHO, echo);
  server.registerTool('add', ADD, add);
  server.registerTool('slow', SLOW, (args, { mcpReq }) =>
    slow(args, {
      signal: mcpReq.signal,
      progressToken: mcpReq._meta?.progressToken,
      notify: mcpReq.notify as CallFace['notify'],
    }),
  );
  server.registerResource('greeting', GREETING_URI, { description: 'A greeting' }, () => greeting('sdk-v2'));
  server.registerPrompt('greet', GREET, greet);
  return server;
}

if (process.argv[2] === 'http') {
  const handle = toNodeHandler(createMcpHandler(createMcpServer));
  const server = createServer((request, response) => void handle(request as NodeIncomingMessageLike, response));
  server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port));
} else {
  serveStdio(createMcpServer);
}

/** Rival: the official SDK v2 on node:http, both eras on one endpoint, as its documentation sets it up. */
import { createServer } from 'node:http';
import {
  localhostHostValidation,
  localhostOriginValidation,
  type NodeIncomingMessageLike,
  toNodeHandler,
} from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { announce, readArguments } from './announce.ts';
import { toolsOf } from './tools.ts';
import { SERVER_INFO } from './toolsets.ts';

const { toolset, port } = readArguments();
const tools = toolsOf(toolset);

/** The SDK's contract is a fresh server per request; the schemas and handlers are made once. */
function createMcpServer(): McpServer {
  const server = new McpServer(SERVER_INFO);
  for (const { name, config, handler } of tools) server.registerTool(name, config, handler);
  return server;
}

const handle = toNodeHandler(createMcpHandler(createMcpServer));
const validateHost = localhostHostValidation();
const validateOrigin = localhostOriginValidation();

const server = createServer((request, response) => {
  if (!validateHost(request, response) || !validateOrigin(request, response)) return;
  void handle(request as NodeIncomingMessageLike, response);
});
server.listen(port, '127.0.0.1', () => announce(server.address()));

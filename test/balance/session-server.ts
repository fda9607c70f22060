import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { onTestFinished } from 'vitest';

/** A server of the official SDK, first version, with sessions. */
export interface SessionServer {
  readonly name: string;
  readonly url: string;
  /** Sessions that are open. */
  readonly sessions: ReadonlyMap<string, StreamableHTTPServerTransport>;
  /** Tells every client with an open stream that the list of tools changed. */
  announce(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts one that tells its name by the tool `who`; it stops with the test. */
export async function startSessionServer(name: string): Promise<SessionServer> {
  const sessions = new Map<string, StreamableHTTPServerTransport>();
  const servers = new Set<McpServer>();
  const open = async (): Promise<StreamableHTTPServerTransport> => {
    const transport: StreamableHTTPServerTransport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void sessions.set(id, transport),
      onsessionclosed: (id) => void sessions.delete(id),
    });
    const server = new McpServer({ name, version: '1.0.0' });
    server.registerTool('who', {}, () => ({ content: [{ type: 'text', text: name }] }));
    servers.add(server);
    await server.connect(transport as Parameters<McpServer['connect']>[0]);
    return transport;
  };
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const id = request.headers['mcp-session-id'];
    const known = typeof id === 'string' ? sessions.get(id) : undefined;
    if (id !== undefined && known === undefined) {
      response.writeHead(404).end();
      return;
    }
    await (known ?? (await open())).handleRequest(request, response);
  };
  const listener = createServer((request, response) => void serve(request, response));
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const stop = async (): Promise<void> => {
    listener.closeAllConnections();
    await new Promise<void>((resolve) => void listener.close(() => resolve()));
  };
  onTestFinished(stop);
  return {
    name,
    sessions,
    stop,
    url: `http://127.0.0.1:${(listener.address() as AddressInfo).port}/mcp`,
    announce: async () => {
      for (const server of servers) await server.sendToolListChanged();
    },
  };
}

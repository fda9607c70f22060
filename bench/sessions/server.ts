/** A server whose memory is looked at: `server.ts <contender> [idle timeout in seconds]`. Each line on stdin is answered with {@link MemoryFacts}. */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { createInterface } from 'node:readline';
import type { StreamableHTTPServerTransport as Transport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { announce } from '../servers/announce.ts';
import { toolsOf } from '../servers/tools.ts';
import { SERVER_INFO } from '../servers/toolsets.ts';

/** What a server holds in memory, in bytes, after garbage has been collected. */
export interface MemoryFacts {
  readonly heap: number;
  readonly resident: number;
}

const MOST = 1_000_000;
const [contender = '', idleTimeoutSeconds = '1800'] = process.argv.slice(2);
const tools = toolsOf('3');

async function startPeregrine(): Promise<void> {
  const { createOptimizedServer, OptimizedMCPServer } = await import('../../dist/index.js');
  class SessionServer extends OptimizedMCPServer {
    protected override setup(): void {
      for (const { name, config, handler } of tools) this.registerTool(name, config, handler);
    }
  }
  const server = createOptimizedServer(SessionServer, {
    ...SERVER_INFO,
    http: { port: 0 },
    limits: { maxConnections: MOST, maxSubscriptions: MOST },
    sessions: { mode: true, maxSessions: MOST, idleTimeoutSeconds: Number(idleTimeoutSeconds) },
    stateStore: { maxCharacters: 1_000_000_000 },
  });
  announce(Number(new URL((await server.start()).url as string).port));
}

/** As its documentation has it: a transport and a server for each session, in a map. */
async function sdkV1(): Promise<RequestListener> {
  const { McpServer } = await import('@modelcontextprotocol/sdk/server/mcp.js');
  const { StreamableHTTPServerTransport } = await import('@modelcontextprotocol/sdk/server/streamableHttp.js');
  const transports = new Map<string, Transport>();
  const open = async (): Promise<Transport> => {
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: () => randomUUID(),
      onsessioninitialized: (id) => void transports.set(id, transport),
    });
    transport.onclose = () => void transports.delete(transport.sessionId ?? '');
    const server = new McpServer(SERVER_INFO);
    for (const { name, config, handler } of tools) server.registerTool(name, config, handler as never);
    await server.connect(transport as never);
    return transport;
  };
  return async (request, response) => {
    const transport = transports.get(String(request.headers['mcp-session-id'])) ?? (await open());
    await transport.handleRequest(request, response, request.method === 'POST' ? await readJson(request) : undefined);
  };
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  return JSON.parse(Buffer.concat(pieces).toString());
}

async function sdkV2(): Promise<RequestListener> {
  const { toNodeHandler } = await import('@modelcontextprotocol/node');
  const { createMcpHandler, McpServer } = await import('@modelcontextprotocol/server');
  const create = () => {
    const server = new McpServer(SERVER_INFO);
    for (const { name, config, handler } of tools) server.registerTool(name, config, handler);
    return server;
  };
  return toNodeHandler(createMcpHandler(create, { maxSubscriptions: MOST })) as RequestListener;
}

function collect(): void {
  global.gc?.();
  setImmediate(() => {
    global.gc?.();
    const { heapUsed, external, rss } = process.memoryUsage();
    const facts: MemoryFacts = { heap: heapUsed + external, resident: rss };
    process.stdout.write(`${JSON.stringify(facts)}\n`);
  });
}

if (contender === 'peregrine') await startPeregrine();
else {
  const server = createServer(await (contender === 'sdk-v1' ? sdkV1() : sdkV2()));
  server.keepAliveTimeout = 600_000;
  server.listen(0, '127.0.0.1', () => announce(server.address()));
}
createInterface({ input: process.stdin }).on('line', collect);

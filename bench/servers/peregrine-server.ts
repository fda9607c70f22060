import { createOptimizedServer, OptimizedMCPServer } from '../../dist/index.js';
import { announce, readArguments } from './announce.ts';
import { toolsOf } from './tools.ts';
import { SERVER_INFO } from './toolsets.ts';

const { toolset, port } = readArguments();

class BenchServer extends OptimizedMCPServer {
  protected override setup(): void {
    for (const { name, config, handler } of toolsOf(toolset)) this.registerTool(name, config, handler);
  }
}

/** Starts the built engine (`npm run build` first), on the lane or on node:http alone. */
export async function startPeregrine(lane: boolean): Promise<void> {
  const server = createOptimizedServer(BenchServer, { ...SERVER_INFO, http: { port, lane } });
  const { url } = await server.start();
  announce(Number(new URL(url as string | URL).port));
}

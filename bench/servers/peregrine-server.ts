import { createOptimizedServer, OptimizedMCPServer } from '../../dist/index.js';
import { announce, readArguments } from './announce.ts';
import { toolsOf } from './tools.ts';
import { SERVER_INFO } from './toolsets.ts';

const { toolset, port } = readArguments();

/** How a contender differs from Peregrine as it comes. */
export interface PeregrineVariant {
  /** @default true */
  readonly lane?: boolean;
  /** Keep the tools' answers. @default false */
  readonly cache?: boolean;
}

/** Starts the built engine (`npm run build` first). */
export async function startPeregrine({ lane = true, cache = false }: PeregrineVariant = {}): Promise<void> {
  class BenchServer extends OptimizedMCPServer {
    protected override setup(): void {
      for (const { name, config, handler } of toolsOf(toolset))
        this.registerTool(name, cache ? { ...config, cache: { scope: 'public' } } : config, handler);
    }
  }
  const server = createOptimizedServer(BenchServer, { ...SERVER_INFO, http: { port, lane } });
  const { url } = await server.start();
  announce(Number(new URL(url as string | URL).port));
}

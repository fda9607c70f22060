import { createOptimizedServer, OptimizedMCPServer, type OptimizedServerConfig } from '../../dist/index.js';
import { announce, readArguments } from './announce.ts';
import { startScraper } from './scraper.ts';
import { toolsOf } from './tools.ts';
import { SERVER_INFO } from './toolsets.ts';

const { toolset, port } = readArguments();

/** How a contender differs from Peregrine as it comes. */
export interface PeregrineVariant {
  /** @default true */
  readonly lane?: boolean;
  /** Keep the tools' answers. @default false */
  readonly cache?: boolean;
  /** @default requests are counted, nothing is served */
  readonly monitor?: NonNullable<OptimizedServerConfig['monitor']>;
  /** Read the metrics once a second by another process, and work out vitals, as alerts and the dashboard do. @default false */
  readonly isWatched?: boolean;
}

/** Starts the built engine (`npm run build` first). */
export async function startPeregrine(variant: PeregrineVariant = {}): Promise<void> {
  const { lane = true, cache = false, monitor, isWatched = false } = variant;
  class BenchServer extends OptimizedMCPServer {
    protected override setup(): void {
      for (const { name, config, handler } of toolsOf(toolset))
        this.registerTool(name, cache ? { ...config, cache: { scope: 'public' } } : config, handler);
    }
  }
  const server = createOptimizedServer(BenchServer, {
    ...SERVER_INFO,
    http: { port, lane },
    ...(monitor === undefined ? {} : { monitor }),
  });
  const { url } = await server.start();
  if (isWatched) {
    server.monitor.onTick(() => {});
    startScraper(`${server.monitor.outlets[0]?.url}/metrics`);
  }
  announce(Number(new URL(url as string | URL).port));
}

import { createOptimizedServer, OptimizedMCPServer, type OptimizedServerConfig } from '../../dist/index.js';
import { announce, readArguments } from './announce.ts';
import { startReader } from './reader.ts';
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
  /** What another process reads each second, beside what is worked out for alerts. @default nothing */
  readonly reads?: 'metrics' | 'dashboard';
}

/** Starts the built engine (`npm run build` first). */
export async function startPeregrine(variant: PeregrineVariant = {}): Promise<void> {
  const { lane = true, cache = false, monitor, reads } = variant;
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
  const [{ url: outlet = null } = {}] = server.monitor.outlets;
  if (reads === 'metrics') startReader(`${outlet}/metrics`);
  if (reads === 'dashboard') startReader(`${outlet?.replace('http', 'ws')}/live`);
  announce(Number(new URL(url as string | URL).port));
}

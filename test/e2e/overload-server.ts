/** A server whose tools keep the thread busy, or wait, as they are told. Argument: `control` or `none`. Prints its port. */
import * as z from 'zod';
import { createOptimizedServer, OptimizedMCPServer } from '../../src/index.ts';

class Busy extends OptimizedMCPServer {
  protected override setup(): void {
    const inputSchema = z.object({ cpuMs: z.number(), waitMs: z.number() });
    for (const name of ['light', 'heavy', 'waiting'])
      this.registerTool(name, { inputSchema }, async ({ cpuMs, waitMs }) => {
        const end = performance.now() + cpuMs;
        while (performance.now() < end);
        if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
        return { content: [{ type: 'text', text: 'done' }] };
      });
  }
}

const server = createOptimizedServer(Busy, {
  name: 'busy',
  version: '1.0.0',
  description: 'A server that is asked for too much',
  http: { port: 0 },
  overload: { shed: process.argv[2] !== 'none' },
});
const { url } = await server.start();
console.log(new URL(String(url)).port);

/** A server over stdio whose code writes to stdout, and which would never end by itself. */
import { once } from 'node:events';
import { createOptimizedServer, OptimizedMCPServer } from 'peregrine-mcp';
import * as z from 'zod';

setInterval(() => {}, 60_000);

class Noisy extends OptimizedMCPServer {
  protected override setup(): void {
    console.log('noise of setup');
    this.registerTool('noise', {}, () => {
      console.log('noise of a tool', { a: 1 });
      console.table([{ a: 1 }]);
      process.stdout.write('noise without console\n');
      return { content: [{ type: 'text', text: 'done' }] };
    });
    this.registerTool('long', { inputSchema: z.object({ length: z.number() }) }, ({ length }) => ({
      content: [{ type: 'text', text: 'x'.repeat(length) }],
    }));
    this.registerTool('until', { inputSchema: z.object({ event: z.string() }) }, async ({ event }) => {
      process.stderr.write('waiting\n');
      await once(event === 'end' ? process.stdin : process, event);
      await new Promise((resolve) => setImmediate(resolve));
      return { content: [{ type: 'text', text: `answered after ${event}` }] };
    });
  }
}

await createOptimizedServer(Noisy, { name: 'noisy', version: '1', description: 'Noise', stdio: true }).start();
console.log('noise after the start');

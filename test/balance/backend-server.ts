/**
 * A replica of a server, as a process of its own. Arguments: its name and a file to which each execution of `buy` appends the
 * order's number, so that it can be counted whatever becomes of the process. Tells its URL by IPC.
 */
import { appendFileSync } from 'node:fs';
import * as z from 'zod';
import { createOptimizedServer, OptimizedMCPServer } from '../../src/index.ts';

const [name = 'replica', orders = ''] = process.argv.slice(2);
const text = (value: string) => ({ content: [{ type: 'text' as const, text: value }] });

class Shop extends OptimizedMCPServer {
  protected override setup(): void {
    this.registerTool('who', {}, () => text(name));
    this.registerTool('buy', { inputSchema: z.object({ order: z.number() }) }, ({ order }) => {
      appendFileSync(orders, `${order}\n`);
      return text(`bought ${order}`);
    });
    this.registerTool('hang', {}, () => new Promise(() => {}));
    this.registerTool('slowly', {}, async ({ mcpReq: { signal }, progress }) => {
      progress(1, 2);
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      process.send?.('cancelled');
      return text('never heard');
    });
  }
}

const server = createOptimizedServer(Shop, {
  name: 'shop',
  version: '1.0.0',
  description: 'Counts what is bought',
  http: { port: 0, reportLoad: true },
  cacheHints: { 'tools/list': { ttlMs: 0, cacheScope: 'private' } },
  handleSignals: false,
});
process.on('disconnect', () => process.exit(0));
process.send?.((await server.start()).url);

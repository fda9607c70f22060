/** A server whose one tool keeps 800 kB of the heap for each call. Argument: `guarded` or `unguarded`. Tells its URL by IPC. */
import { createOptimizedServer, OptimizedMCPServer } from '../../src/index.ts';

const held: object[] = [];

class Holder extends OptimizedMCPServer {
  protected override async setup(): Promise<void> {
    for (let index = 0; index < 2_000; index++) await this.cache.set(`key ${index}`, index);
    this.registerTool('hold', {}, () => {
      held.push(Array.from({ length: 20_000 }, (_, index) => ({ index, half: index / 2 })));
      return { content: [{ type: 'text', text: 'held' }] };
    });
  }
}

const server = createOptimizedServer(Holder, {
  name: 'holder',
  version: '1.0.0',
  description: 'Holds memory',
  http: { port: 0 },
  performance: process.argv[2] === 'guarded' ? { memoryGuard: { intervalMs: 100 } } : false,
});
process.on('message', (message) => {
  if (message === 'free') held.length = 0;
  process.send?.(server.getPerformanceMetrics().optimizer);
});
process.on('disconnect', () => process.exit(0));
process.send?.((await server.start()).url);

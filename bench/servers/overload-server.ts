/** A server whose one tool keeps the thread busy for 5 ms. Argument: `control` or `none`. Prints its port. */
import { createOptimizedServer, OptimizedMCPServer } from '../../dist/index.js';
import { announce } from './announce.ts';

const BUSY_MS = 5;

class BusyServer extends OptimizedMCPServer {
  protected override setup(): void {
    this.registerTool('busy', {}, () => {
      const end = performance.now() + BUSY_MS;
      while (performance.now() < end);
      return { content: [{ type: 'text', text: 'done' }] };
    });
  }
}

const server = createOptimizedServer(BusyServer, {
  name: 'busy',
  version: '1.0.0',
  description: 'A server that is asked for too much',
  http: { port: 0 },
  overload: { shed: process.argv[2] !== 'none' },
});
const { url } = await server.start();
announce(Number(new URL(url as string | URL).port));

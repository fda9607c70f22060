/** What `peregrine start` runs in the suite "scale": a tool that answers at once, and one that works. */
import { createHash } from 'node:crypto';
import { createOptimizedServer, OptimizedMCPServer } from '../../dist/index.js';

/** The digest of this takes some 150 microseconds. */
const WORK_BYTES = Buffer.alloc(262_144, 7);

class ScaleServer extends OptimizedMCPServer {
  protected override setup(): void {
    this.registerTool('answer', {}, () => ({ content: [{ type: 'text', text: 'here' }] }));
    this.registerTool('work', {}, () => ({
      content: [{ type: 'text', text: createHash('sha256').update(WORK_BYTES).digest('hex') }],
    }));
  }
}

const server = createOptimizedServer(ScaleServer, {
  name: 'scale',
  version: '1.0.0',
  description: 'One of several instances',
  http: { port: 0 },
});
await server.start();

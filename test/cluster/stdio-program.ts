/** A server over stdio, for tests of gateways. */
import { createOptimizedServer, OptimizedMCPServer } from '../../src/index.ts';

class Program extends OptimizedMCPServer {
  protected override setup(): void {
    this.registerTool('who', {}, () => ({ content: [{ type: 'text', text: String(process.pid) }] }));
  }
}

const server = createOptimizedServer(Program, {
  name: 'stdio',
  version: '1.0.0',
  description: 'Of tests',
  stdio: true,
});
await server.start();

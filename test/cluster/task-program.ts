/** A server with tasks, for tests of supervised instances. */
import { createOptimizedServer, OptimizedMCPServer } from 'peregrine-mcp';
import { registerTaskTools } from '../conformance/fixture-parts/task-tools.ts';

const text = (value: unknown) => ({ content: [{ type: 'text' as const, text: String(value) }] });

class Program extends OptimizedMCPServer {
  protected override setup(): void {
    registerTaskTools(this);
    this.registerTool('who', {}, () => text(process.pid));
  }
}

await createOptimizedServer(Program, {
  ...{ name: 'tasks', version: '1.0.0', description: 'For tests of tasks' },
  http: { port: 0 },
  monitor: { prometheusPort: 0, dashboardPort: false },
}).start();

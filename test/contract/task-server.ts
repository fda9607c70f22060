import { createOptimizedServer, OptimizedMCPServer } from 'peregrine-mcp';
import { registerTaskTools } from '../conformance/fixture-parts/task-tools.ts';

/** An instance of a server with tasks; where they are kept is its first argument, its name the second. */
class TaskServer extends OptimizedMCPServer {
  protected override setup(): void {
    registerTaskTools(this);
  }
}

const [stateStore = '', name = ''] = process.argv.slice(2);
const server = createOptimizedServer(TaskServer, {
  ...{ name, version: '1.0.0', description: 'Takes its time' },
  ...{ http: { port: 0 }, stateStore, drainTimeoutMs: 100 },
});
console.log((await server.start()).url);

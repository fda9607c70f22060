import { createOptimizedServer, OptimizedMCPServer } from 'peregrine-mcp';
import { registerTaskTools } from '../conformance/fixture-parts/task-tools.ts';

/** An instance of a server with tasks; where they are kept is its first argument, its name the second. */
class TaskServer extends OptimizedMCPServer {
  protected override setup(): void {
    registerTaskTools(this);
  }
}

const [url = '', name = ''] = process.argv.slice(2);
const server = createOptimizedServer(TaskServer, {
  ...{ name, version: '1.0.0', description: 'Takes its time' },
  ...{ http: { port: 0 }, drainTimeoutMs: 100 },
  stateStore: { url, timeoutMs: 10_000 }, // A busy machine that runs tests is slower than one that serves.
});
server.on('fault', ({ error }) => console.error(error));
console.log((await server.start()).url);

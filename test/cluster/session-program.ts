/** A server with sessions; its arguments are a `stateStore` and a prefix of keys, or nothing. */
import { setTimeout as delay } from 'node:timers/promises';
import { createOptimizedServer, OptimizedMCPServer } from '../../src/index.ts';

const text = (value: unknown) => ({ content: [{ type: 'text' as const, text: String(value) }] });

class Program extends OptimizedMCPServer {
  protected override setup(): void {
    this.registerTool('who', {}, () => text(process.pid));
    this.registerTool('walk', {}, async ({ mcpReq }) => {
      await mcpReq.log('info', process.pid);
      for (let step = 0; step < 20; step++) {
        await delay(100);
        await mcpReq.log('info', step);
      }
      return text('arrived');
    });
    this.registerTool('ask', {}, async ({ mcpReq }) =>
      text(JSON.stringify(await mcpReq.send({ method: 'roots/list' }))),
    );
  }
}

const [url, keyPrefix] = process.argv.slice(2);
const server = createOptimizedServer(Program, {
  ...{ name: 'sessions', version: '1.0.0', description: 'For tests of sessions' },
  http: { port: 0 },
  sessions: { mode: true, eventTtlSeconds: 60 },
  monitor: { prometheusPort: 0, dashboardPort: false },
  ...(url === undefined ? {} : { stateStore: keyPrefix === undefined ? url : { url, keyPrefix } }),
});
console.log(`serves at ${(await server.start()).url}`);

/** A server with a CPU-bound tool that runs inline, in threads or in processes, and an innocent one. */
import * as z from 'zod';
import { createOptimizedServer, OptimizedMCPServer } from '../../dist/index.js';
import { announce } from '../servers/announce.ts';
import { fibonacci } from './tasks.ts';

const mode = process.argv[2] as 'inline' | 'thread' | 'process';

class BusyServer extends OptimizedMCPServer {
  protected override setup(): void {
    this.registerTask('fibonacci', new URL('./tasks.ts', import.meta.url), { export: 'fibonacci' });
    this.registerTool('innocent', {}, () => ({ content: [{ type: 'text', text: 'here' }] }));
    this.registerTool('fibonacci', { inputSchema: { n: z.number() } }, async ({ n }) => {
      const found =
        mode === 'inline'
          ? fibonacci(n)
          : await this.processCPUIntensiveTask<number>(n, { task: 'fibonacci', pool: mode });
      return { content: [{ type: 'text', text: String(found) }] };
    });
  }
}

const server = createOptimizedServer(BusyServer, {
  name: 'busy',
  version: '1.0.0',
  description: 'Beside a CPU-bound tool',
  http: { port: 0 },
  workers: { keptWarm: 16 },
});
const { url } = await server.start();
announce(Number(new URL(url as string).port));

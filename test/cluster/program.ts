/** A server for tests of supervised instances, which they start as a program. */
import { createOptimizedServer, OptimizedMCPServer } from '../../src/index.ts';

const text = (value: unknown) => ({ content: [{ type: 'text' as const, text: String(value) }] });

class Program extends OptimizedMCPServer {
  protected override setup(): void {
    const readOnly = { annotations: { readOnlyHint: true } } as const;
    let computed = 0;
    this.registerTool('who', readOnly, () => text(`${process.pid} ${process.argv.slice(2).join(' ')}`));
    this.registerTool('kept', { ...readOnly, cache: { ttlSeconds: 600, scope: 'public', tags: ['kept'] } }, () =>
      text(`${process.pid} computed ${++computed}`),
    );
    this.registerTool('invalidate', {}, async () => text(await this.cache.invalidate({ tags: ['kept'] })));
    this.registerTool('share', {}, () => {
      const { cores, memoryBytes } = this.optimizer.report().profile;
      return text(JSON.stringify({ flags: process.execArgv, cores, memoryBytes }));
    });
    this.registerTool('touch', {}, () => {
      this.sendToolListChanged();
      return text(process.pid);
    });
    this.registerTool('spin', {}, () => {
      for (;;);
    });
    this.registerTool('die', {}, () => process.exit(3));
    this.registerTool('wait', {}, async ({ signal }) => {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 1_500);
        signal.addEventListener('abort', () => resolve(clearTimeout(timer)));
      });
      return text(process.pid);
    });
  }
}

await createOptimizedServer(Program, {
  ...{ name: 'program', version: '1.0.0', description: 'For tests of instances' },
  http: { port: 0 },
  monitor: { prometheusPort: 0, dashboardPort: false },
}).start();

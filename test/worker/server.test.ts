import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import * as z from 'zod';
import { createOptimizedServer, OptimizedMCPServer } from '../../src/server.ts';
import { callTool } from '../unit/support/http.ts';
import { textOf } from '../unit/support/messages.ts';
import { Peer } from '../unit/support/peer.ts';
import { IDENTITY, text } from '../unit/support/test-server.ts';
import { KINDS, Lookout, taskModule } from './support.ts';
import { fibonacci } from './tasks/good.ts';

const kind = z.enum(KINDS).optional();

class Busy extends OptimizedMCPServer {
  failure: unknown;

  protected override setup(): void {
    this.registerTask('double', taskModule('good.ts'));
    this.registerTask('spinUntil', taskModule('good.ts'), { export: 'spinUntil' });
    this.registerTask('spin', taskModule('bad.ts'), { export: 'spin' });
    this.registerTask('fibonacci', taskModule('good.ts'), { export: 'fibonacci' });
    this.registerTool('fibonacci', { inputSchema: { n: z.number() } }, async ({ n }) =>
      text(await this.processCPUIntensiveTask<number>(n, { task: 'fibonacci' })),
    );
    this.registerTool('innocent', {}, () => text('here'));
    this.registerTool('double', { inputSchema: { n: z.number(), kind } }, async ({ n, kind: pool }) =>
      text(await this.processCPUIntensiveTask<number>(n, { task: 'double', pool })),
    );
    this.registerTool('heavy', { inputSchema: { path: z.string(), kind } }, async ({ path, kind: pool }) =>
      text(await this.processCPUIntensiveTask(path, { task: 'spinUntil', pool })),
    );
    this.registerTool('endless', { inputSchema: { port: z.number() } }, async ({ port }) => {
      await this.processCPUIntensiveTask(port, { task: 'spin' }).catch((error: unknown) => {
        this.failure = error;
      });
      return text('ended');
    });
    this.registerTool('mistyped', {}, async () => text(await this.processCPUIntensiveTask(1, { task: 'duoble' })));
  }

  process(input: unknown): Promise<unknown> {
    return this.processCPUIntensiveTask(input, { task: 'double' });
  }
}

function busy(): Busy {
  const server = createOptimizedServer(Busy, {
    ...{ ...IDENTITY, http: false, workers: { threads: 4, processes: 2 } },
    overload: { shed: false }, // A busy machine would have calls refused.
  });
  onTestFinished(() => server.stop());
  return server;
}

/** Waits until so many workers have started, each of which has begun a task then. */
function started(server: Busy, count: number): Promise<void> {
  let missing = count;
  return new Promise((resolve) => {
    server.signals.worker.on(({ kind: what }) => {
      if (what === 'started' && --missing === 0) resolve();
    });
  });
}

describe('processCPUIntensiveTask', () => {
  it.each(KINDS)('runs a registered task for a tool (%s)', async (pool) => {
    expect(textOf(await callTool(busy(), 'double', { n: 21, kind: pool }))).toBe('42');
  });

  it('tells a tool’s author which task was meant', async () => {
    expect(textOf(await callTool(busy(), 'mistyped'))).toBe('there is no task "duoble" (did you mean "double"?)');
  });

  it('can be called outside of a request', async () => {
    const server = busy();
    await server.ready();
    expect(await server.process(2)).toBe(4);
  });

  it.each([
    ['thread', 4, 'threads'],
    ['process', 2, 'processes'],
  ] as const)('leaves the event loop to other requests while 8 CPU-bound calls run (%s)', async (pool, size, name) => {
    const folder = mkdtempSync(join(tmpdir(), 'peregrine-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const path = join(folder, 'go');
    const server = busy();
    await server.ready();
    const running = started(server, size);
    let done = 0;
    const heavy = Array.from({ length: 8 }, async () => {
      const answer = textOf(await callTool(server, 'heavy', { path, kind: pool }));
      done++;
      return answer;
    });
    await running;
    expect(server.getPerformanceMetrics().pools[name]).toMatchObject({ utilization: 1, waiting: 8 - size });
    for (let count = 0; count < 200; count++) expect(textOf(await callTool(server, 'innocent'))).toBe('here');
    expect(done).toBe(0);
    writeFileSync(path, '');
    expect(await Promise.all(heavy)).toEqual(Array.from({ length: 8 }, () => 'done'));
  });

  it('keeps the event loop far more responsive than the same calls in it', async () => {
    const server = createOptimizedServer(Busy, { ...IDENTITY, http: false, workers: { threads: 2 } });
    onTestFinished(() => server.stop());
    const n = 33;
    server.registerTool('inline', {}, () => text(fibonacci(n)));
    const turnsDuring = async (call: () => Promise<unknown>): Promise<number> => {
      await callTool(server, 'fibonacci', { n: 1 }); // its worker has started
      let turns = 0;
      let isOver = false;
      const turn = (): void => {
        turns++;
        if (!isOver) setImmediate(turn);
      };
      setImmediate(turn);
      await Promise.all(Array.from({ length: 8 }, call));
      isOver = true;
      return turns;
    };
    const inline = await turnsDuring(() => callTool(server, 'inline'));
    const beside = await turnsDuring(() => callTool(server, 'fibonacci', { n }));
    expect(inline).toBeLessThan(10);
    expect(beside).toBeGreaterThan(1_000);
  });

  it('ends the task of a call that its client cancels', async () => {
    const lookout = await Lookout.open();
    const server = busy();
    const peer = await Peer.to(server);
    void peer.modern('tools/call', { name: 'endless', arguments: { port: lookout.port } }, { id: 'a' });
    const closed = await lookout.spinning();
    peer.notify('notifications/cancelled', { requestId: 'a' });
    await closed();
    expect(server.failure).toMatchObject({ code: 'TASK_CANCELLED' });
  });

  it('ends with the server', async () => {
    const server = busy();
    await server.ready();
    await server.process(1);
    await server.stop();
    await expect(server.process(1)).rejects.toMatchObject({ code: 'WORKER_POOL_CLOSED' });
    expect(server.getPerformanceMetrics().pools['threads']).toMatchObject({ utilization: 0, waiting: 0 });
  });
});

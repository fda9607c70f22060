import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { WorkerPools } from '../../src/worker/worker.ts';
import { createPools, KINDS, Lookout } from './support.ts';

/** A crash is that of one task: another one, under way all the time in the same pool, is answered. */
async function besideOthers(pools: WorkerPools, pool: 'thread' | 'process', crash: () => Promise<unknown>) {
  const folder = mkdtempSync(join(tmpdir(), 'peregrine-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'go');
  const other = pools.run(path, { task: 'spinUntil', pool });
  const failure = await crash().then(
    () => undefined,
    (error: unknown) => error,
  );
  writeFileSync(path, '');
  expect(await other).toBe('done');
  expect(await pools.run(21, { task: 'double', pool })).toBe(42);
  return failure;
}

describe.each(KINDS)('a %s that crashes', (pool) => {
  it.each([0, 7])('by process.exit(%d) fails its task alone', async (exitCode) => {
    const pools = createPools();
    expect(await besideOthers(pools, pool, () => pools.run(exitCode, { task: 'exit', pool }))).toMatchObject({
      code: 'WORKER_CRASHED',
      task: 'exit',
      exitCode,
    });
  });

  it('by an error that nobody catches fails its task alone, with that error', async () => {
    const pools = createPools();
    expect(await besideOthers(pools, pool, () => pools.run(undefined, { task: 'throwLater', pool }))).toMatchObject({
      code: 'WORKER_CRASHED',
      cause: { name: 'TeapotError', message: 'nobody caught it', stack: expect.stringContaining('bad.ts') },
    });
  });

  it('by exhausting its heap fails its task alone', async () => {
    const pools = createPools({ threadHeapMb: 24, processHeapMb: 24 });
    expect(await besideOthers(pools, pool, () => pools.run(undefined, { task: 'bomb', pool }))).toMatchObject({
      code: 'WORKER_OUT_OF_MEMORY',
      task: 'bomb',
    });
  });
});

describe('a process', () => {
  it.each(['killOneself', 'leave'])('that is gone (%s) fails its task alone', async (task) => {
    const pools = createPools();
    expect(await besideOthers(pools, 'process', () => pools.run(undefined, { task, pool: 'process' }))).toMatchObject({
      code: 'WORKER_CRASHED',
      signal: 'SIGKILL',
    });
  });
});

describe.each(KINDS)('an infinite loop in a %s', (pool) => {
  it('is ended by its time-out, and the next task runs', async () => {
    const pools = createPools({ threads: 1, processes: 1 });
    const lookout = await Lookout.open();
    await pools.run(1, { task: 'double', pool });
    const [ended] = await Promise.all([
      lookout.spinning().then((closed) => closed()),
      expect(pools.run(lookout.port, { task: 'spin', pool, timeoutMs: 1_500 })).rejects.toMatchObject({
        code: 'TASK_TIMEOUT',
        retryable: false,
      }),
    ]);
    expect(ended).toBeDefined();
    expect(await pools.run(21, { task: 'double', pool })).toBe(42);
  });

  it('is ended by cancellation, and the next task runs', async () => {
    const pools = createPools({ threads: 1, processes: 1 });
    const lookout = await Lookout.open();
    const controller = new AbortController();
    const running = pools.run(lookout.port, { task: 'spin', pool, signal: controller.signal });
    const closed = await lookout.spinning();
    controller.abort(new Error('enough'));
    await expect(running).rejects.toMatchObject({ code: 'TASK_CANCELLED', name: 'AbortError' });
    await closed();
    expect(await pools.run(21, { task: 'double', pool })).toBe(42);
  });

  it('is ended by closing', async () => {
    const pools = createPools();
    const lookout = await Lookout.open();
    const running = pools.run(lookout.port, { task: 'spin', pool });
    const closed = await lookout.spinning();
    await Promise.all([
      expect(running).rejects.toMatchObject({ code: 'WORKER_POOL_CLOSED' }),
      pools.close(0),
      closed(),
    ]);
  });
});

describe.each(KINDS)('a task that listens, in a %s', (pool) => {
  it('keeps its worker when it is cancelled', async () => {
    const pools = createPools({ threads: 1, processes: 1 });
    const before = await pools.run<object>(undefined, { task: 'countCalls', pool });
    const controller = new AbortController();
    const running = pools.run(undefined, { task: 'untilAborted', pool, signal: controller.signal });
    controller.abort();
    await expect(running).rejects.toMatchObject({ code: 'TASK_CANCELLED' });
    expect(await pools.run(undefined, { task: 'countCalls', pool })).toEqual({ ...before, calls: 2 });
  });
});

import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { createPools, KINDS } from './support.ts';

describe.each(KINDS)('a task in a %s', (pool) => {
  it('is a function that a module of TypeScript or JavaScript exports', async () => {
    const pools = createPools();
    const run = (task: string, input: unknown) => pools.run(input, { task, pool });
    expect(await Promise.all([run('double', 21), run('upperCase', 'abc'), run('fibonacci', 15)])).toEqual([
      42,
      'ABC',
      610,
    ]);
  });

  it('is loaded once by each worker, which is used again', async () => {
    const pools = createPools();
    const counted: unknown[] = [];
    for (let count = 0; count < 3; count++) counted.push(await pools.run(undefined, { task: 'countCalls', pool }));
    expect(counted).toEqual([1, 2, 3].map((calls) => ({ pid: expect.any(Number), calls })));
  });

  it('gets and answers what structured clone carries', async () => {
    const pools = createPools();
    const bytes = new Uint8Array([1, 2, 3]);
    expect(await pools.run(bytes, { task: 'fill', pool })).toEqual(new Uint8Array([2, 3, 4]));
    expect(bytes).toHaveLength(3);
  });

  it('fails by its own error, with class, message, stack, code and cause', async () => {
    const pools = createPools();
    const failure = await pools.run(undefined, { task: 'throwOwn', pool }).catch((error: unknown) => error);
    expect(failure).toMatchObject({
      code: 'TASK_FAILED',
      task: 'throwOwn',
      cause: {
        name: 'TeapotError',
        message: 'short and stout',
        code: 'TEAPOT',
        stack: expect.stringContaining('bad.ts'),
        cause: { name: 'RangeError', message: 'the spout' },
      },
    });
  });

  it('that fails says what its author wrote, and not what the runtime did', async () => {
    const pools = createPools();
    const message = (task: string) => pools.run(undefined, { task, pool }).catch((error: Error) => error.message);
    expect(await message('throwString')).toBe('task "throwString" failed: just text');
    expect(await message('throwRuntime')).toBe('task "throwRuntime" failed (TypeError)');
  });

  it('with an input or a result that cannot be cloned fails alone, and its worker goes on', async () => {
    const pools = createPools({ threads: 1, processes: 1 });
    const first = await pools.run<object>(undefined, { task: 'countCalls', pool });
    await expect(pools.run({ f: () => 1 }, { task: 'double', pool })).rejects.toMatchObject({
      code: 'TASK_NOT_CLONEABLE',
      message: expect.stringContaining('the input of task "double"'),
    });
    await expect(pools.run(undefined, { task: 'answerFunction', pool })).rejects.toMatchObject({
      code: 'TASK_NOT_CLONEABLE',
      message: expect.stringContaining('the result of task "answerFunction"'),
    });
    expect(await pools.run(undefined, { task: 'countCalls', pool })).toEqual({ ...first, calls: 2 });
  });

  it.each(['broken', 'missing', 'noSuchExport', 'deadly'])(
    'of a module that cannot be loaded (%s) says so',
    async (task) => {
      const pools = createPools();
      await expect(pools.run(undefined, { task, pool })).rejects.toMatchObject({
        code: 'TASK_LOAD_FAILED',
        message: `the module of task "${task}" could not be loaded`,
        cause: expect.any(Error),
      });
      expect(await pools.run(1, { task: 'double', pool })).toBe(2);
    },
  );
});

describe('what is transferred', () => {
  it('to and from a thread is moved, not copied', async () => {
    const pools = createPools();
    const bytes = new Uint8Array([1, 2, 3]);
    const answer = await pools.run(bytes, { task: 'fill', transfer: [bytes.buffer] });
    expect(answer).toEqual(new Uint8Array([2, 3, 4]));
    expect(bytes).toHaveLength(0);
  });

  it('can be a port', async () => {
    const pools = createPools();
    const { port1, port2 } = new MessageChannel();
    const message = once(port1, 'message');
    await pools.run(port2, { task: 'answerThrough', transfer: [port2] });
    expect(await message).toEqual(['through the port']);
    port1.close();
  });

  it('to a process is copied', async () => {
    const pools = createPools();
    const bytes = new Uint8Array([1, 2, 3]);
    await pools.run(bytes, { task: 'fill', pool: 'process', transfer: [bytes.buffer] });
    expect(bytes).toHaveLength(3);
  });
});

import { describe, expect, it } from 'vitest';
import { OptionError } from '../../../src/kernel/errors.ts';
import { inheritedArguments } from '../../../src/worker/entry.ts';
import { fromPortable, toPortable } from '../../../src/worker/messages.ts';
import { resolveWorkersOptions, WorkerPools, type WorkersOptions } from '../../../src/worker/worker.ts';

const GIGABYTE = 2 ** 30;
const MODULE = new URL('file:///tasks.js');

describe('the sizes of the pools', () => {
  it.each([
    [16, 32, { threads: 16, processes: 8, threadHeapMb: 1_024, processHeapMb: 2_048 }],
    [2, 0.5, { threads: 2, processes: 1, threadHeapMb: 128, processHeapMb: 256 }],
    [0.5, 0.25, { threads: 1, processes: 1, threadHeapMb: 128, processHeapMb: 128 }],
    [64, 2, { threads: 64, processes: 32, threadHeapMb: 64, processHeapMb: 64 }],
  ])('of %d cores and %d GB', (cores, gigabytes, expected) => {
    const facts = { cores, memoryBytes: gigabytes * GIGABYTE };
    const rest = { maxQueue: 1_000, idleMs: 30_000, keptWarm: 0, timeoutMs: 30_000 };
    expect(resolveWorkersOptions(undefined, facts)).toEqual({ ...rest, ...expected });
  });

  it.each<[WorkersOptions | object, string]>([
    [{ threads: 0 }, 'workers.threads'],
    [{ maxQueue: 1.5 }, 'workers.maxQueue'],
    [{ idle: 1 }, 'workers.idle'],
  ])('refuses %j', (options, option) => {
    expect(() => new WorkerPools(options)).toThrow(expect.objectContaining({ option }) as OptionError);
  });
});

describe('registerTask and run', () => {
  it.each<[string, URL | string, object | undefined]>([
    ['', MODULE, undefined],
    ['a\nb', MODULE, undefined],
    ['taken', MODULE, undefined],
    ['relative', './tasks.js', undefined],
    ['bare', 'tasks', undefined],
    ['remote', 'https://example.org/tasks.js', undefined],
    ['a', MODULE, { exports: 'x' }],
    ['a', MODULE, { cancelGraceMs: -1 }],
    ['a', MODULE, { processOnly: 'yes' }],
  ])('refuse a task %j', (name, module, options) => {
    const pools = new WorkerPools();
    pools.registerTask('taken', MODULE);
    expect(() => pools.registerTask(name, module, options)).toThrow(OptionError);
  });

  it('name the nearest task to one that is unknown', async () => {
    const pools = new WorkerPools();
    pools.registerTask('thumbnail', MODULE);
    await expect(pools.run(1, { task: 'thumbnial' })).rejects.toMatchObject({
      code: 'TASK_UNKNOWN',
      message: 'there is no task "thumbnial" (did you mean "thumbnail"?)',
    });
  });

  it('refuse options that are not valid', async () => {
    const pools = new WorkerPools();
    await expect(pools.run(1)).rejects.toMatchObject({ option: 'task' });
    pools.registerTask('heavy', MODULE, { processOnly: true });
    pools.registerTask('light', MODULE);
    const { port1, port2 } = new MessageChannel();
    const refused = { pool: 'thread', task: 'heavy' } as const;
    await expect(pools.run(1)).rejects.toMatchObject({ option: 'task' });
    await expect(pools.run(1, refused)).rejects.toMatchObject({ option: 'pool' });
    await expect(pools.run(1, { task: 'light', pool: 'fibre' as 'auto' })).rejects.toMatchObject({ option: 'pool' });
    await expect(pools.run(1, { task: 'light', timeoutMs: 0 })).rejects.toMatchObject({ option: 'timeoutMs' });
    await expect(pools.run(1, { task: 'heavy', transfer: [port1] })).rejects.toMatchObject({ option: 'transfer' });
    port2.close();
  });
});

describe('what workers inherit', () => {
  it('are the arguments that concern them', () => {
    const given = [
      '--import',
      './hook.js',
      '--inspect=9229',
      '--max-old-space-size=100',
      '--conditions=dev',
      '--watch',
    ];
    expect(inheritedArguments('process', given)).toEqual(['--import', './hook.js', '--conditions=dev']);
    expect(inheritedArguments('thread', given)).toBeUndefined();
  });

  it('is not a script', () => {
    const given = ['--input-type=module', '--no-warnings', '-e', 'run()'];
    expect(inheritedArguments('process', given)).toEqual(['--no-warnings']);
    expect(inheritedArguments('thread', given)).toEqual([]);
  });
});

describe('an error on its way between workers', () => {
  it('keeps name, message, stack, code and causes', () => {
    class PotError extends Error {
      readonly code = 'E_POT';
    }
    const thrown = new PotError('cracked', { cause: new RangeError('heat') });
    const error = fromPortable(structuredClone(toPortable(thrown)));
    expect(error).toMatchObject({ name: 'PotError', message: 'cracked', stack: thrown.stack, code: 'E_POT' });
    expect(error.cause).toMatchObject({ name: 'RangeError', message: 'heat' });
  });

  it('survives causes without end and things that are no errors', () => {
    const circular = new Error('round');
    circular.cause = circular;
    expect(toPortable(circular).name).toBe('Error');
    expect(fromPortable(toPortable({ big: 1 })).message).toBe('an object was thrown');
    expect(fromPortable(toPortable(undefined)).message).toBe('undefined was thrown');
  });
});

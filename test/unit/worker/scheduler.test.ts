import { describe, expect, it } from 'vitest';
import { Signal, type WorkerEvent } from '../../../src/signal/signal.ts';
import { FakeClock } from '../../../src/testing/testing.ts';
import { type TaskRunOptions, WorkerPools, type WorkersOptions } from '../../../src/worker/worker.ts';
import { FakeDriver } from './fake-driver.ts';

const MODULE = new URL('file:///tasks.js');

function setUp(options: WorkersOptions = {}) {
  const clock = new FakeClock();
  const driver = new FakeDriver('thread');
  const processes = new FakeDriver('process');
  const signal = new Signal<WorkerEvent>();
  const events: string[] = [];
  signal.on(({ kind, workers, task }) => events.push(`${kind} ${workers}${task === undefined ? '' : ` ${task}`}`));
  const pools = new WorkerPools(
    { threads: 2, processes: 1, ...options },
    { clock, random: () => 1, signal, drivers: { thread: driver, process: processes } },
  );
  for (const name of ['a', 'b']) pools.registerTask(name, MODULE, { export: name });
  pools.registerTask('listening', MODULE, { cancelGraceMs: 50 });
  pools.registerTask('heavy', MODULE, { processOnly: true });
  const outcomes: string[] = [];
  /** Runs a task and notes how it ended, under the input's name. */
  const run = (input: unknown, run: TaskRunOptions = {}): Promise<void> =>
    pools.run(input, { task: 'a', ...run }).then(
      (result) => void outcomes.push(`${input}: ${result}`),
      (error: { code: string }) => void outcomes.push(`${typeof input === 'function' ? 'f' : input}: ${error.code}`),
    );
  return { clock, driver, processes, pools, run, outcomes, events };
}

describe('the pool of workers', () => {
  it('starts workers only when tasks wait, up to the bound, and runs tasks in the order of the calls', async () => {
    const { driver, run, outcomes, pools } = setUp();
    expect(driver.workers).toHaveLength(0);
    const all = [1, 2, 3, 4].map((input) => run(input));
    expect(driver.workers).toHaveLength(2);
    expect(pools.statistics().threads).toMatchObject({ size: 0, max: 2, inUse: 0, waiting: 4 });
    driver.at(0).ready();
    driver.at(1).ready();
    expect(pools.statistics().threads).toMatchObject({ size: 2, inUse: 2, waiting: 2, utilization: 1 });
    driver.at(1).answer('second');
    driver.at(0).answer('first');
    driver.at(1).answer('third');
    driver.at(0).answer('fourth');
    await Promise.all(all);
    expect(outcomes).toEqual(['2: second', '1: first', '3: third', '4: fourth']);
    expect([driver.at(0).inputs, driver.at(1).inputs]).toEqual([
      [1, 4],
      [2, 3],
    ]);
    expect(pools.statistics().threads).toMatchObject({ idle: 2, acquired: 4, errors: 0, timeouts: 0 });
  });

  it('tells a worker where a task is only until it has loaded it', async () => {
    const { driver, run } = setUp({ threads: 1 });
    const first = run(1);
    driver.at(0).ready();
    driver.at(0).answer(1);
    const second = run(2);
    driver.at(0).answer(2);
    await Promise.all([first, second]);
    expect(driver.at(0).posted).toEqual([
      { run: 1, task: 'a', input: 1, from: { module: 'file:///tasks.js', exportName: 'a' } },
      { run: 2, task: 'a', input: 2 },
    ]);
  });

  it('keeps the process alive only while tasks wait or run', async () => {
    const { driver, run } = setUp({ threads: 1 });
    const done = run(1);
    expect(driver.at(0).isHeld).toBe(true);
    driver.at(0).ready();
    expect(driver.at(0).isHeld).toBe(true);
    driver.at(0).answer(1);
    await done;
    expect(driver.at(0).isHeld).toBe(false);
  });

  it('ends workers that are idle for too long, those first that were idle for longest, but for those kept warm', async () => {
    const { clock, driver, run, events } = setUp({ idleMs: 1_000, keptWarm: 1 });
    const all = [run(1), run(2)];
    for (const worker of driver.workers) worker.ready();
    driver.at(0).answer(1);
    clock.advance(300);
    driver.at(1).answer(2);
    await Promise.all(all);
    clock.advance(900);
    expect(driver.workers.map(({ state }) => state)).toEqual(['asked to end', 'alive']);
    clock.advance(1_000);
    expect(driver.at(0).state).toBe('killed');
    driver.at(0).exit();
    expect(events).toEqual(['started 2', 'started 2', 'ended 1']);
    expect(clock.timers).toBe(0);
  });

  it('refuses a task when too many wait, as something that can be tried again', async () => {
    const { run, outcomes, pools } = setUp({ threads: 1, maxQueue: 2 });
    void run(1);
    void run(2);
    await expect(pools.run(3, { task: 'a' })).rejects.toMatchObject({ code: 'WORKER_QUEUE_FULL', retryable: true });
    expect(outcomes).toEqual([]);
    expect(pools.statistics().threads).toMatchObject({ waiting: 2, timeouts: 1 });
  });

  it('measures how long tasks waited', async () => {
    const { clock, driver, run, pools } = setUp({ threads: 1 });
    const all = [run(1), run(2)];
    driver.at(0).ready();
    clock.advance(100);
    driver.at(0).answer(1);
    driver.at(0).answer(2);
    await Promise.all(all);
    expect(pools.statistics().threads.waitTime.average).toBeCloseTo(50);
  });

  it('sends a task for processes only to the process pool', () => {
    const { driver, processes, run } = setUp();
    void run(1, { task: 'heavy', pool: 'auto' });
    expect([driver.workers.length, processes.workers.length]).toEqual([0, 1]);
  });
});

describe('time-out and cancellation', () => {
  it('end the worker of a task that runs and only take away one that waits', async () => {
    const { clock, driver, run, outcomes, events, pools } = setUp({ threads: 1 });
    const all = [run('runs', { timeoutMs: 100 }), run('waits', { timeoutMs: 50 }), run('next', { task: 'b' })];
    driver.at(0).ready();
    clock.advance(50);
    expect(driver.at(0).state).toBe('alive');
    clock.advance(50);
    expect(driver.at(0).state).toBe('killed');
    driver.at(1).ready();
    driver.at(0).exit({ code: 1 });
    driver.at(1).answer('done');
    await Promise.all(all);
    expect(outcomes).toEqual(['waits: TASK_TIMEOUT', 'runs: TASK_TIMEOUT', 'next: done']);
    expect(driver.at(1).tasks).toEqual(['b']);
    expect(events).toEqual(['started 1', 'timed-out 1 a', 'timed-out 1 a', 'started 1', 'ended 1 a']);
    expect(pools.statistics().threads).toMatchObject({ timeouts: 2, errors: 0, size: 1 });
  });

  it('cancels for the caller at once, with an AbortError that has the reason', async () => {
    const { driver, pools } = setUp({ threads: 1 });
    const controller = new AbortController();
    const running = pools.run(1, { task: 'a', signal: controller.signal });
    const waiting = pools.run(2, { task: 'a', signal: controller.signal });
    driver.at(0).ready();
    const reason = new Error('the client went away');
    controller.abort(reason);
    const expected = { code: 'TASK_CANCELLED', name: 'AbortError', cause: reason };
    await expect(running).rejects.toMatchObject(expected);
    await expect(waiting).rejects.toMatchObject(expected);
    expect(driver.at(0).state).toBe('killed');
    const startedBefore = driver.workers.length;
    await expect(pools.run(3, { task: 'a', signal: controller.signal })).rejects.toMatchObject(expected);
    expect(driver.workers).toHaveLength(startedBefore);
  });

  it('leaves a worker whose task listens some time to notice', async () => {
    const { clock, driver, run, outcomes } = setUp({ threads: 1 });
    const first = run('first', { task: 'listening', timeoutMs: 100 });
    driver.at(0).ready();
    clock.advance(100);
    await first;
    expect(driver.at(0).posted.at(-1)).toEqual({ cancel: 1 });
    clock.advance(49);
    driver.at(0).answer('too late for anybody');
    const second = run('second', { task: 'listening', timeoutMs: 100 });
    clock.advance(149);
    expect(driver.at(0).state).toBe('alive');
    clock.advance(1);
    expect(driver.at(0).state).toBe('killed');
    await second;
    expect(outcomes).toEqual(['first: TASK_TIMEOUT', 'second: TASK_TIMEOUT']);
  });

  it('takes a deadline that is nearer than the time-out, and starts nothing after it', async () => {
    const { clock, driver, run, outcomes } = setUp();
    clock.advance(1_000);
    const late = run('late', { deadline: 1_000 });
    const near = run('near', { deadline: 1_010 });
    expect(driver.workers).toHaveLength(1);
    clock.advance(10);
    await Promise.all([late, near]);
    expect(outcomes).toEqual(['late: TASK_TIMEOUT', 'near: TASK_TIMEOUT']);
  });

  it('forgets timers and signals of tasks that are done', async () => {
    const { clock, driver, run } = setUp({ threads: 1, idleMs: 10 });
    const { signal } = new AbortController();
    const done = run(1, { signal });
    driver.at(0).ready();
    driver.at(0).answer(1);
    await done;
    clock.advance(20);
    driver.at(0).exit();
    expect(clock.timers).toBe(0);
  });
});

describe('a failure', () => {
  it('of a task is its own, and the worker goes on', async () => {
    const { driver, run, outcomes } = setUp({ threads: 1 });
    const all = [run(1), run(2), run(() => 3), run(4)];
    driver.at(0).ready();
    driver.at(0).load();
    driver.at(0).fail('run', 'no');
    driver.at(0).fail('clone', 'no');
    driver.at(0).answer('fine');
    await Promise.all(all);
    expect(outcomes.toSorted()).toEqual([
      '1: TASK_FAILED',
      '2: TASK_NOT_CLONEABLE',
      '4: fine',
      'f: TASK_NOT_CLONEABLE',
    ]);
    expect(driver.workers).toHaveLength(1);
  });

  it('of a worker is that of its task alone', async () => {
    const { driver, run, outcomes, events, pools } = setUp();
    const all = [run(1), run(2), run(3)];
    for (const worker of driver.workers) worker.ready();
    driver.at(0).load();
    driver.at(0).exit({ code: 7 });
    driver.at(2).ready();
    driver.at(1).answer('fine');
    driver.at(2).answer('on another one');
    await Promise.all(all);
    expect(outcomes).toEqual(['1: WORKER_CRASHED', '2: fine', '3: on another one']);
    expect(events).toContain('crashed 1 a');
    expect(pools.statistics().threads).toMatchObject({ errors: 1, size: 2 });
  });

  it('of an idle worker is nobody’s', async () => {
    const { driver, run, outcomes } = setUp({ threads: 1 });
    const first = run(1);
    driver.at(0).ready();
    driver.at(0).answer('one');
    await first;
    driver.at(0).exit({ code: 1 });
    const second = run(2);
    driver.at(1).ready();
    driver.at(1).answer('two');
    await second;
    expect(outcomes).toEqual(['1: one', '2: two']);
  });

  it.each(['load', 'exit'] as const)('to load a module (%s) is not tried again in a hot loop', async (how) => {
    const { clock, driver, run, outcomes } = setUp({ threads: 1 });
    const all = [run(1), run(2), run('other', { task: 'b' })];
    driver.at(0).ready();
    if (how === 'load') driver.at(0).fail('load', 'no such file');
    else driver.at(0).exit({ code: 1 });
    await run(3);
    driver.at(1).ready();
    driver.at(1).answer('fine');
    await Promise.all(all);
    expect(outcomes.toSorted()).toEqual([
      '1: TASK_LOAD_FAILED',
      '2: TASK_LOAD_FAILED',
      '3: TASK_LOAD_FAILED',
      'other: fine',
    ]);
    clock.advance(100);
    const again = run('again');
    driver.at(1).answer('loaded by now');
    await again;
    expect(outcomes.at(-1)).toBe('again: loaded by now');
    expect(driver.workers).toHaveLength(2);
  });

  it('to start fails those who wait, and attempts are spaced out', async () => {
    const { clock, driver, run, outcomes } = setUp();
    driver.failure = new Error('no more processes');
    await Promise.all([run(1), run(2)]);
    driver.failure = undefined;
    await run(3);
    expect(driver.workers).toHaveLength(0);
    clock.advance(100);
    const fine = run(4);
    driver.at(0).exit({ code: 1 });
    await fine;
    expect(outcomes).toEqual([1, 2, 3, 4].map((input) => `${input}: WORKER_CRASHED`));
    clock.advance(199);
    await run(5);
    expect(driver.workers).toHaveLength(1);
    clock.advance(1);
    void run(6);
    expect(driver.workers).toHaveLength(2);
  });

  it('to start beside a worker that works is tried again later', async () => {
    const { clock, driver, run, outcomes } = setUp();
    const all = [run(1), run(2)];
    driver.at(0).ready();
    driver.at(1).exit({ code: 1 });
    expect(driver.workers).toHaveLength(2);
    clock.advance(100);
    driver.at(2).ready();
    driver.at(2).answer('two');
    driver.at(0).answer('one');
    await Promise.all(all);
    expect(outcomes).toEqual(['2: two', '1: one']);
  });

  it('to say that it is ready in time ends a worker', () => {
    const { clock, driver, run } = setUp({ threads: 1 });
    void run(1, { timeoutMs: 100_000 });
    clock.advance(30_000);
    expect(driver.at(0).state).toBe('killed');
  });
});

describe('closing', () => {
  it('fails what waits, waits for what runs, and then ends the workers', async () => {
    const { driver, run, outcomes, pools, clock } = setUp({ threads: 1 });
    const all = [run('runs'), run('waits')];
    driver.at(0).ready();
    const closed = pools.close(5_000);
    await run('new');
    driver.at(0).answer('done');
    expect(driver.at(0).state).toBe('asked to end');
    driver.at(0).exit();
    await Promise.all([...all, closed, pools.close(5_000)]);
    expect(outcomes.toSorted()).toEqual(['new: WORKER_POOL_CLOSED', 'runs: done', 'waits: WORKER_POOL_CLOSED']);
    expect(clock.timers).toBe(0);
  });

  it('kills what is not done after the grace', async () => {
    const { driver, run, outcomes, pools, clock } = setUp();
    const all = [run(1), run(2)];
    driver.at(0).ready();
    const closed = pools.close(5_000);
    expect(driver.at(1).state).toBe('asked to end');
    driver.at(1).exit();
    clock.advance(4_999);
    expect(driver.at(0).state).toBe('alive');
    clock.advance(1);
    await Promise.all(all);
    expect(driver.at(0).state).toBe('killed');
    driver.at(0).exit({ code: 1 });
    await closed;
    expect(outcomes).toEqual(['2: WORKER_POOL_CLOSED', '1: WORKER_POOL_CLOSED']);
  });

  it('does not wait for ever for a worker that cannot be killed', async () => {
    const { driver, run, pools, clock } = setUp({ threads: 1 });
    void run(1);
    driver.at(0).ready();
    const closed = pools.close(0);
    clock.advance(0);
    await Promise.resolve();
    await Promise.resolve();
    clock.advance(2_000);
    await closed;
    expect(driver.at(0)).toMatchObject({ state: 'killed', isHeld: false });
  });
});

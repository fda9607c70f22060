import { describe, expect, it } from 'vitest';
import { inputRequired, type ServerContext } from '../../../src/registry/registry.ts';
import { type MemoryStateStore, type StateStore, StateStoreError } from '../../../src/state/state.ts';
import { ErrorCode } from '../../../src/wire/wire.ts';
import { codeOf, textOf } from '../support/messages.ts';
import { sharedState, TaskInstance } from '../support/task-instance.ts';
import { gate, settle, text } from '../support/test-server.ts';

const AT_ONCE = { immediateMs: 0 } as const;
const ASKS = inputRequired({ inputRequests: { roots: inputRequired.listRoots() } });
const CAN = { capabilities: { roots: {}, extensions: { 'io.modelcontextprotocol/tasks': {} } } };

/** Two instances of one server, with a tool that waits until it is told to go on, or aborted. */
function two(options = {}) {
  const shared = sharedState();
  const done = gate<string>();
  const aborted: unknown[] = [];
  const instances = ['one', 'two'].map((name) => {
    const instance = new TaskInstance(name, shared, options);
    instance.registry.registerTool('waits', { task: AT_ONCE }, async ({ signal }: ServerContext) => {
      signal.addEventListener('abort', () => aborted.push((signal.reason as Error).message));
      return text(`${name} ${await done.opened}`);
    });
    instance.registry.registerTool('asks', { task: AT_ONCE }, ({ mcpReq }: ServerContext) =>
      mcpReq.inputResponses === undefined ? ASKS : text(`answered on ${name}`),
    );
    return instance;
  });
  const [one, two] = instances as [TaskInstance, TaskInstance];
  return { ...shared, one, two, done, aborted };
}

describe('a task of another instance', () => {
  it('is answered for, and cancelled, by any', async () => {
    const { one, two: other, aborted, done } = two();
    const { taskId } = await one.begin('waits');
    expect(await other.get(taskId)).toMatchObject({ status: 'working' });
    expect((await other.ask('tasks/cancel', { taskId })).result).toMatchObject({ resultType: 'complete' });
    expect(aborted).toEqual(['The task was cancelled']);
    done.open('too late');
    await settle();
    for (const instance of [one, other]) expect(await instance.get(taskId)).toMatchObject({ status: 'cancelled' });
    expect((await one.ask('tasks/cancel', { taskId })).result).toMatchObject({ resultType: 'complete' });
  });

  it('goes on wherever its answers come', async () => {
    const { one, two: other } = two();
    const { taskId } = await one.begin('asks', {}, CAN);
    await one.dispatcher.tasks.close(Promise.resolve()); // A task that waits for its client needs no instance.
    await other.ask('tasks/update', { taskId, inputResponses: { roots: { roots: [] } } });
    await settle();
    expect(await other.get(taskId)).toMatchObject({ status: 'completed', result: text('answered on two') });
  });

  it('fails once the lease of an instance that was killed has lapsed, and not before', async () => {
    const { one, two: other, clock } = two();
    const { taskId } = await one.begin('waits');
    for (let at = 0; at < 120_000; at += 5_000) {
      clock.advance(5_000);
      await settle();
    }
    expect(await other.get(taskId)).toMatchObject({ status: 'working' });
    one.kill();
    clock.advance(24_000);
    expect(await other.get(taskId)).toMatchObject({ status: 'working' });
    clock.advance(6_001);
    const error = { code: ErrorCode.InternalError, message: expect.stringContaining('ended before it was finished') };
    expect(await other.get(taskId)).toMatchObject({ status: 'failed', error });
  });

  it('is not failed for want of a lease that a store has lost for a while', async () => {
    const { one, store, clock, done } = two();
    const { taskId } = await one.begin('waits');
    const put = store.put.bind(store);
    store.put = () => {
      throw new StateStoreError('down');
    };
    clock.advance(40_000);
    await settle();
    store.put = put;
    expect(await one.get(taskId)).toMatchObject({ status: 'working' });
    clock.advance(5_000);
    done.open('done');
    await settle();
    expect(await one.get(taskId)).toMatchObject({ status: 'completed' });
  });
});

describe('a task that nothing was heard of', () => {
  it('is ended at the next beat when it was cancelled and the message was lost', async () => {
    const { one, two: other, clock, bus, aborted } = two();
    const { taskId } = await one.begin('waits');
    const publish = bus.publish.bind(bus);
    bus.publish = () => {};
    await other.ask('tasks/cancel', { taskId });
    bus.publish = publish;
    expect(aborted).toEqual([]);
    clock.advance(5_000);
    await settle();
    expect(aborted).toEqual(['The task is over']);
  });
});

describe('a task whose time is over', () => {
  it('is gone, and its handler aborted', async () => {
    const { one, clock, aborted, store } = two({ ttlSeconds: 60 });
    const { taskId } = await one.begin('waits');
    const { taskId: asking } = await one.begin('asks', {}, CAN);
    clock.advance(59_999);
    await settle();
    expect(await one.get(taskId)).toMatchObject({ status: 'working' });
    clock.advance(1);
    for (const id of [taskId, asking])
      expect(codeOf(await one.ask('tasks/get', { taskId: id }))).toBe(ErrorCode.InvalidParams);
    clock.advance(5_000);
    await settle();
    expect(aborted).toEqual(['The task has expired']);
    clock.advance(60_000);
    expect((store as MemoryStateStore).size).toEqual({ texts: 0, logs: 0, sets: 0, characters: 0 });
  });
});

describe('a server that stops', () => {
  it('lets tasks finish', async () => {
    const { one, two: other, done } = two();
    const { taskId } = await one.begin('waits');
    const deadline = gate();
    const closed = one.dispatcher.tasks.close(deadline.opened);
    done.open('in time');
    await closed;
    expect(await other.get(taskId)).toMatchObject({ status: 'completed', result: text('one in time') });
  });

  it('fails those that do not in time, and begins none', async () => {
    const { one, two: other, aborted, clock } = two();
    const { taskId } = await one.begin('waits');
    const deadline = gate();
    const closed = one.dispatcher.tasks.close(deadline.opened);
    const { error } = await one.ask('tools/call', { name: 'waits' });
    expect(error?.code).toBe(ErrorCode.Overloaded);
    deadline.open();
    await closed;
    const why = 'The server stopped before the task was finished';
    expect(aborted).toEqual([why]);
    expect(await other.get(taskId)).toMatchObject({ status: 'failed', statusMessage: why });
    one.dispatcher.close();
    clock.advance(100_000);
    expect(clock.timers).toBe(1); // The overload guard’s of the other instance.
  });
});

describe('bounds', () => {
  it('of how many run, of how many are kept: what does not fit is refused and not begun', async () => {
    const { one, done } = two({ maxRunning: 2, maxTasks: 3 });
    let begun = 0;
    one.registry.registerTool('counts', { task: AT_ONCE }, async () => text(++begun));
    await one.begin('waits');
    await one.begin('waits');
    const refused = await one.ask('tools/call', { name: 'counts' });
    expect(refused.error).toMatchObject({ code: ErrorCode.Overloaded, data: { retryAfterMs: 1_000 } });
    done.open('');
    await settle();
    await one.begin('counts');
    expect(codeOf(await one.ask('tools/call', { name: 'counts' }))).toBe(ErrorCode.Overloaded);
    expect(begun).toBe(1);
  });

  it('do not stop a call that was begun: it is answered plainly, however long it takes', async () => {
    const { one, clock } = two({ maxTasks: 1 });
    const end = gate();
    one.registry.registerTool('long', { task: true }, async () => {
      await end.opened;
      return text('at last');
    });
    await one.begin('asks', {}, CAN);
    const answer = one.ask('tools/call', { name: 'long' });
    await settle();
    clock.advance(10_000);
    await settle();
    end.open();
    expect(textOf(await answer)).toBe('at last');
  });

  it('of a tool hold while a task runs, and not while it waits for its client', async () => {
    const { one, done, clock } = two();
    one.registry.registerTool('one', { task: AT_ONCE, limits: { concurrency: 1, queue: 0 } }, async () =>
      text(await done.opened),
    );
    one.registry.registerTool('asking', { task: AT_ONCE, limits: { concurrency: 1, queue: 0 } }, () => ASKS);
    await one.begin('one');
    expect(codeOf(await one.ask('tools/call', { name: 'one' }))).toBe(ErrorCode.Overloaded);
    await one.begin('asking', {}, CAN);
    await one.begin('asking', {}, CAN);
    const guard = one.dispatcher.limitStatistics();
    expect(guard.inFlight).toBe(0); // Its client has its answer.
    done.open('');
    await settle();
    clock.advance(1_000);
    await one.begin('one');
  });

  it('of a tool refuse answers for which there is no place; nothing of them is kept, so they may come again', async () => {
    const { one } = two();
    const end = gate();
    let rounds = 0;
    const limits = { concurrency: 1, queue: 0 };
    one.registry.registerTool('busy', { task: AT_ONCE, limits }, async ({ mcpReq }: ServerContext) => {
      if (mcpReq.inputResponses !== undefined) return text('went on');
      if (++rounds === 1) return ASKS;
      await end.opened;
      return text('');
    });
    const { taskId } = await one.begin('busy', {}, CAN);
    await one.begin('busy', {}, CAN);
    const answers = { taskId, inputResponses: { roots: { roots: [] } } };
    expect(codeOf(await one.ask('tasks/update', answers))).toBe(ErrorCode.Overloaded);
    expect(await one.get(taskId)).toMatchObject({ status: 'input_required', inputRequests: { roots: {} } });
    end.open();
    await settle();
    await one.ask('tasks/update', answers);
    await settle();
    expect(await one.get(taskId)).toMatchObject({ status: 'completed', result: text('went on') });
  });
});

describe('a store that is down', () => {
  function broken(store: StateStore, method: 'get' | 'put'): () => void {
    const works = store[method].bind(store);
    store[method] = (async () => {
      throw new StateStoreError('the store is down');
    }) as never;
    return () => {
      store[method] = works as never;
    };
  }

  it('refuses for now, and says nothing of tasks that are not there', async () => {
    const { one, store } = two();
    const { taskId } = await one.begin('waits');
    const repair = broken(store, 'get');
    for (const method of ['tasks/get', 'tasks/update', 'tasks/cancel']) {
      const { error } = await one.ask(method, { taskId, inputResponses: {} });
      expect(error).toMatchObject({ code: ErrorCode.Overloaded, data: { retryAfterMs: 1_000 } });
    }
    repair();
    expect(await one.get(taskId)).toMatchObject({ status: 'working' });
  });

  it('refuses calls that are tasks before they begin, and answers others plainly', async () => {
    const { one, store, clock } = two();
    const end = gate();
    let begun = 0;
    one.registry.registerTool('first', { task: AT_ONCE }, () => text(++begun));
    one.registry.registerTool('later', { task: true }, async () => {
      await end.opened;
      return text('plain');
    });
    const repair = broken(store, 'put');
    expect(codeOf(await one.ask('tools/call', { name: 'first' }))).toBe(ErrorCode.Overloaded);
    expect(begun).toBe(0);
    const answer = one.ask('tools/call', { name: 'later' });
    await settle();
    clock.advance(50);
    await settle();
    end.open();
    expect(textOf(await answer)).toBe('plain');
    expect(one.faults).toHaveLength(1);
    repair();
  });

  it('gets the outcome of a task once it is back', async () => {
    const { one, store, clock, done } = two();
    const { taskId } = await one.begin('waits');
    const repair = broken(store, 'put');
    done.open('kept later');
    await settle();
    clock.advance(5_000);
    await settle();
    repair();
    expect(await one.get(taskId)).toMatchObject({ status: 'working' });
    clock.advance(5_000);
    await settle();
    expect(await one.get(taskId)).toMatchObject({ status: 'completed', result: text('one kept later') });
  });
});

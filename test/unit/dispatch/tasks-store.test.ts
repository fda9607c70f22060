import { describe, expect, it } from 'vitest';
import { inputRequired, type ServerContext } from '../../../src/registry/registry.ts';
import { type MemoryStateStore, type StateStore, StateStoreError } from '../../../src/state/state.ts';
import { ErrorCode } from '../../../src/wire/wire.ts';
import { codeOf, textOf } from '../support/messages.ts';
import { AT_ONCE, CAN, two } from '../support/task-pair.ts';
import { gate, settle, text } from '../support/test-server.ts';

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

describe('a store that is full', () => {
  function filled(): ReturnType<typeof two> & { readonly room: (characters: number) => void } {
    const made = two();
    const store = made.store as MemoryStateStore;
    const room = (characters: number): void => {
      store.maxCharacters = store.size.characters + characters;
    };
    return { ...made, room };
  }

  it('fails a task whose result is larger than it can keep, and gives its place back', async () => {
    const { one, done, room } = filled();
    const { taskId } = await one.begin('waits');
    room(1_000);
    done.open('x'.repeat(10_000));
    await settle();
    const message = 'There is no room to keep what became of this task';
    expect(await one.get(taskId)).toMatchObject({
      status: 'failed',
      error: { code: ErrorCode.InternalError, message },
    });
    await one.dispatcher.tasks.close(new Promise(() => {})); // Nothing runs any more.
    expect(one.faults).toHaveLength(1);
  });

  it('refuses answers that it cannot keep, for now', async () => {
    const { one, room } = filled();
    const { listRoots } = inputRequired;
    one.registry.registerTool('both', { task: AT_ONCE }, ({ mcpReq }: ServerContext) =>
      mcpReq.inputResponses === undefined
        ? inputRequired({ inputRequests: { first: listRoots(), second: listRoots() } })
        : text('answered'),
    );
    const { taskId } = await one.begin('both', {}, CAN);
    room(10);
    const roots = { roots: [{ uri: `file:///${'x'.repeat(1_000)}` }] };
    for (const inputResponses of [{ first: roots }, { first: roots, second: roots }])
      expect(codeOf(await one.ask('tasks/update', { taskId, inputResponses }))).toBe(ErrorCode.Overloaded);
    room(10_000);
    await one.ask('tasks/update', { taskId, inputResponses: { first: roots, second: roots } });
    await settle();
    expect(await one.get(taskId)).toMatchObject({ status: 'completed' });
  });
});

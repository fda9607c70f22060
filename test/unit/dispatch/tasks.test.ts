import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { acceptedContent, inputRequired, type ServerContext } from '../../../src/registry/registry.ts';
import { ErrorCode, ProtocolError, TASKS_EXTENSION } from '../../../src/wire/wire.ts';
import { codeOf, textOf } from '../support/messages.ts';
import { FOLLOWS, sharedState, TaskInstance } from '../support/task-instance.ts';
import { gate, settle, text } from '../support/test-server.ts';

const AT_ONCE = { immediateMs: 0 } as const;
const REQUIRED = { requiredCapabilities: { extensions: { [TASKS_EXTENSION]: {} } } };

function instance(options = {}) {
  const state = sharedState();
  return { clock: state.clock, server: new TaskInstance('one', state, options) };
}

describe('a call of a tool whose calls become tasks', () => {
  it('is answered plainly when its handler is soon done, or fails soon', async () => {
    const { server, clock } = instance();
    server.registry.registerTool('quick', { task: true }, () => text('now'));
    server.registry.registerTool('soon', { task: true }, async () => text('soon'));
    server.registry.registerTool('fails', { task: true }, async () => Promise.reject(new ProtocolError(-32000, 'no')));
    expect(textOf(await server.ask('tools/call', { name: 'quick' }))).toBe('now');
    expect(textOf(await server.ask('tools/call', { name: 'soon' }))).toBe('soon');
    expect(codeOf(await server.ask('tools/call', { name: 'fails' }))).toBe(-32000);
    expect(clock.timers).toBe(1); // The overload guard’s.
  });

  it('becomes one when its handler takes longer than immediateMs', async () => {
    const { server, clock } = instance();
    const done = gate();
    server.registry.registerTool('slow', { task: { immediateMs: 50 } }, async () => {
      await done.opened;
      return text('done');
    });
    const answer = server.ask('tools/call', { name: 'slow' });
    await settle();
    clock.advance(50);
    const { result } = await answer;
    const { resultType, taskId, status, ttlMs, pollIntervalMs, createdAt } = result ?? {};
    expect([resultType, status, ttlMs, pollIntervalMs]).toEqual(['task', 'working', 3_600_000, 1_000]);
    expect(createdAt).toBe('2026-01-01T00:00:00.000Z');
    expect(taskId).toMatch(/^[\w-]{32}$/);
    expect(await server.get(String(taskId))).toMatchObject({ status: 'working' });
    done.open();
    await settle();
    const completed = await server.get(String(taskId));
    expect(completed).toMatchObject({ status: 'completed', result: { resultType: 'complete', ...text('done') } });
  });

  it('has a lifetime and a pace of its own where its tool says so, as far as the server lets it', async () => {
    const { server } = instance({ maxTtlSeconds: 7_200 });
    const task = { ...AT_ONCE, ttlSeconds: 9_000, pollIntervalMs: 20 };
    server.registry.registerTool('own', { task }, () => text(''));
    expect(await server.begin('own')).toMatchObject({ ttlMs: 7_200_000, pollIntervalMs: 20 });
  });

  it('is checked before: wrong arguments, unknown tools and refusals make no task', async () => {
    const { server } = instance();
    let calls = 0;
    const config = { task: AT_ONCE, inputSchema: z.object({ n: z.number() }), limits: { ratePerSecond: 1 } };
    server.registry.registerTool('strict', config, () => text(++calls));
    const wrong = await server.ask('tools/call', { name: 'strict', arguments: { n: 'x' } });
    expect(wrong.result).toMatchObject({ resultType: 'complete', isError: true });
    expect(codeOf(await server.ask('tools/call', { name: 'none' }))).toBe(ErrorCode.InvalidParams);
    await server.begin('strict', { n: 1 });
    expect(codeOf(await server.ask('tools/call', { name: 'strict', arguments: { n: 1 } }))).toBe(ErrorCode.Overloaded);
    expect(calls).toBe(1);
  });
});

describe('a client that does not declare the extension', () => {
  it('gets the plain answer', async () => {
    const { server } = instance();
    server.registry.registerTool('tool', { task: AT_ONCE }, (ctx: ServerContext) => text(String(ctx.task)));
    for (const capabilities of [{}, { extensions: {} }, { extensions: { [TASKS_EXTENSION]: null } }])
      expect(textOf(await server.ask('tools/call', { name: 'tool' }, { capabilities }))).toBe('undefined');
  });

  it('is refused where a task is required, before anything is done', async () => {
    const { server } = instance();
    let calls = 0;
    server.registry.registerTool('tool', { task: 'required' }, () => text(++calls));
    const { error } = await server.ask('tools/call', { name: 'tool' }, { capabilities: {} });
    expect(error).toMatchObject({ code: ErrorCode.MissingClientCapability, data: REQUIRED });
    expect(calls).toBe(0);
    expect(textOf(await server.ask('tools/call', { name: 'tool' }))).toBe('1');
  });

  it.each(['tasks/get', 'tasks/update', 'tasks/cancel'])(
    'is refused %s, whether there is such a task or not',
    async (method) => {
      const { server } = instance();
      server.registry.registerTool('tool', { task: AT_ONCE }, () => text(''));
      const { taskId } = await server.begin('tool');
      for (const id of [taskId, 'x'.repeat(32), undefined]) {
        const { error } = await server.ask(method, { taskId: id, inputResponses: {} }, { capabilities: {} });
        expect(error).toMatchObject({ code: ErrorCode.MissingClientCapability, data: REQUIRED });
      }
    },
  );
});

describe('how a task ends', () => {
  const { server } = instance();
  server.registry.registerTool('wrong', { task: AT_ONCE }, () => ({ ...text('bad'), isError: true }));
  server.registry.registerTool('throws', { task: AT_ONCE }, () => {
    throw new Error('the author’s words');
  });
  server.registry.registerTool('bug', { task: AT_ONCE }, () => {
    throw new TypeError('secret of the program');
  });
  server.registry.registerTool('protocol', { task: AT_ONCE }, async () => {
    throw new ProtocolError(-32001, 'chosen', { why: 'because' });
  });
  server.registry.registerTool('nothing', { task: AT_ONCE }, () => undefined as never);
  server.registry.registerTool('schema', { task: AT_ONCE, outputSchema: z.object({ n: z.number() }) }, () => ({
    structuredContent: { n: 'x' },
  }));

  it.each([
    ['wrong', { status: 'completed', result: { isError: true } }],
    ['throws', { status: 'completed', result: { isError: true, ...text('the author’s words') } }],
    ['bug', { status: 'completed', result: { isError: true, ...text('Tool bug failed') } }],
    ['protocol', { status: 'failed', error: { code: -32001, message: 'chosen', data: { why: 'because' } } }],
    ['nothing', { status: 'failed', error: { code: ErrorCode.InternalError, message: 'Internal error' } }],
    ['schema', { status: 'completed', result: { isError: true } }],
  ])('%s', async (tool, expected) => {
    const { taskId } = await server.begin(tool);
    expect(await server.get(taskId)).toMatchObject(expected);
  });

  it('tells the operator what the client is not told', () => {
    const messages = server.faults.map((error) => (error as Error).message);
    expect(messages).toContain('secret of the program');
    expect(messages).toContain('tool "nothing" must return an object');
  });
});

describe('what a handler knows of its task', () => {
  it('is its id, and how to say how far it is', async () => {
    const { server, clock } = instance();
    const contexts: ServerContext[] = [];
    const done = gate();
    server.registry.registerTool('says', { task: AT_ONCE }, async (ctx: ServerContext) => {
      contexts.push(ctx);
      ctx.task?.update('begun');
      await done.opened;
      return text('');
    });
    const { taskId } = await server.begin('says');
    const [ctx] = contexts as [ServerContext];
    expect(ctx.task?.id).toBe(taskId);
    expect((await server.get(taskId)).statusMessage).toBe('begun');
    // One word each half second is kept, the newest.
    ctx.progress(1, 3);
    ctx.progress(2, 3, 'copying');
    await settle();
    expect((await server.get(taskId)).statusMessage).toBe('begun');
    clock.advance(500);
    await settle();
    expect((await server.get(taskId)).statusMessage).toBe('copying (2 of 3)');
    clock.advance(500);
    await ctx.mcpReq.notify({ method: 'notifications/progress', params: { progress: 3 } });
    await ctx.mcpReq.log('info', 'goes nowhere');
    await settle();
    expect((await server.get(taskId)).statusMessage).toBe('3');
    ctx.task?.update('too late to be kept');
    done.open();
    await settle();
    expect(await server.get(taskId)).toMatchObject({ status: 'completed' });
    expect((await server.get(taskId)).statusMessage).toBeUndefined();
    expect(clock.timers).toBe(2); // The overload guard’s, and the sweep of the store.
  });

  it('cannot ask the client by requests', async () => {
    const { server } = instance();
    server.registry.registerTool('asks', { task: AT_ONCE }, async (ctx: ServerContext) => {
      await ctx.mcpReq.elicitInput({});
      return text('');
    });
    const { taskId } = await server.begin('asks');
    const meta = { 'peregrine/error': { code: 'SESSION_REQUIRED' } };
    expect(await server.get(taskId)).toMatchObject({ status: 'completed', result: { isError: true, _meta: meta } });
  });
});

describe('a task that asks its client', () => {
  const NAME = z.object({ name: z.string() });
  const elicit = (message: string) => inputRequired.elicit({ message, requestedSchema: NAME });

  function asking() {
    const made = instance();
    made.server.registry.registerTool(
      'greet',
      { task: AT_ONCE, inputSchema: z.object({ word: z.string() }) },
      ({ word }, ctx) => {
        const { inputResponses } = ctx.mcpReq;
        const state = ctx.mcpReq.requestState();
        const given = acceptedContent(inputResponses, 'name', NAME);
        if (given === undefined && state !== undefined)
          return inputRequired({ inputRequests: { name: elicit('Again?') }, requestState: 'asked twice' });
        if (given === undefined)
          return inputRequired({
            inputRequests: { name: elicit('Name?'), other: elicit('Other?') },
            requestState: 'asked',
          });
        return text(`${word} ${given.name}, ${state}, ${Object.keys(inputResponses ?? {})}`);
      },
    );
    return made.server;
  }
  const accept = (name: string) => ({ action: 'accept', content: { name } });

  it('waits for all of it, and enters the handler again with its state and arguments', async () => {
    const server = asking();
    const { taskId } = await server.begin('greet', { word: 'Hello' });
    const waiting = await server.get(taskId);
    expect(waiting).toMatchObject({
      status: 'input_required',
      inputRequests: { name: { method: 'elicitation/create' }, other: {} },
    });
    expect(JSON.stringify(waiting)).not.toContain('asked');
    const first = await server.ask('tasks/update', { taskId, inputResponses: { other: accept('x'), unknown: 1 } });
    expect(Object.keys(first.result ?? {}).sort()).toEqual(['_meta', 'resultType']);
    expect(Object.keys((await server.get(taskId)).inputRequests ?? {})).toEqual(['name']);
    await server.ask('tasks/update', { taskId, inputResponses: { name: accept('Ada') } });
    await settle();
    expect(await server.get(taskId)).toMatchObject({
      status: 'completed',
      result: text('Hello Ada, asked, other,name'),
    });
  });

  it('may ask again, by another key', async () => {
    const server = asking();
    const { taskId } = await server.begin('greet', { word: 'Hello' });
    await server.ask('tasks/update', { taskId, inputResponses: { name: { action: 'decline' }, other: accept('x') } });
    await settle();
    expect(Object.keys((await server.get(taskId)).inputRequests ?? {})).toEqual(['name#2']);
    await server.ask('tasks/update', { taskId, inputResponses: { name: accept('stale') } });
    await settle();
    expect((await server.get(taskId)).status).toBe('input_required');
    await server.ask('tasks/update', { taskId, inputResponses: { 'name#2': accept('Ada') } });
    await settle();
    expect(await server.get(taskId)).toMatchObject({
      status: 'completed',
      result: text('Hello Ada, asked twice, name'),
    });
  });

  it('fails when its client cannot be asked that', async () => {
    const server = asking();
    const capabilities = { extensions: FOLLOWS.extensions };
    const { taskId } = await server.begin('greet', { word: 'Hello' }, { capabilities });
    expect(await server.get(taskId)).toMatchObject({
      status: 'failed',
      error: { code: ErrorCode.MissingClientCapability },
    });
  });

  it('takes answers only as an object, and none once it is over', async () => {
    const server = asking();
    const { taskId } = await server.begin('greet', { word: 'Hello' });
    expect(codeOf(await server.ask('tasks/update', { taskId, inputResponses: [] }))).toBe(ErrorCode.InvalidParams);
    await server.ask('tasks/cancel', { taskId });
    expect((await server.ask('tasks/update', { taskId, inputResponses: { name: accept('x') } })).result).toBeDefined();
    expect(await server.get(taskId)).toMatchObject({ status: 'cancelled', statusMessage: 'Cancelled by the client' });
  });

  it('fails when its tool is gone by then', async () => {
    const server = asking();
    const { taskId } = await server.begin('greet', { word: 'Hello' });
    server.registry.tools.get('greet')?.remove();
    await server.ask('tasks/update', { taskId, inputResponses: { name: accept('Ada'), other: accept('x') } });
    expect(await server.get(taskId)).toMatchObject({ status: 'failed', error: { message: 'Unknown tool: greet' } });
  });

  it('asks before it becomes a task, where its handler does so soon', async () => {
    const { server, clock } = instance();
    const done = gate();
    server.registry.registerTool('late', { task: true }, async ({ mcpReq }: ServerContext) => {
      const given = acceptedContent(mcpReq.inputResponses, 'name', NAME);
      if (given === undefined)
        return inputRequired({ inputRequests: { name: elicit('Name?') }, requestState: 'sealed' });
      await done.opened;
      return text(`${given.name} ${mcpReq.requestState()}`);
    });
    const first = await server.ask('tools/call', { name: 'late' });
    expect(first.result).toMatchObject({ resultType: 'input_required' });
    const requestState = first.result?.requestState;
    expect(requestState).not.toBe('sealed');
    const later = server.ask('tools/call', { name: 'late', inputResponses: { name: accept('Ada') }, requestState });
    await settle();
    clock.advance(50);
    const { result } = await later;
    expect(result).toMatchObject({ resultType: 'task', status: 'working' });
    expect(result).not.toHaveProperty('requestState');
    done.open();
    await settle();
    expect(await server.get(String(result?.taskId))).toMatchObject({ result: text('Ada sealed') });
  });

  it('needs something that it asks for', async () => {
    const { server } = instance();
    for (const [name, asked] of [
      ['state', { requestState: 'x' }],
      ['none', { inputRequests: {} }],
    ] as const) {
      server.registry.registerTool(name, { task: AT_ONCE }, () => inputRequired(asked));
      const { taskId } = await server.begin(name);
      expect(await server.get(taskId)).toMatchObject({ status: 'failed', error: { code: ErrorCode.InternalError } });
    }
  });
});

describe('the methods of tasks', () => {
  it.each([undefined, 1, '', 'x'.repeat(32), 'x'.repeat(100_000), '../lease/one', '__proto__'])(
    'know no task %s',
    async (taskId) => {
      const { server } = instance();
      server.registry.registerTool('tool', { task: true }, () => text(''));
      for (const method of ['tasks/get', 'tasks/update', 'tasks/cancel'])
        expect(codeOf(await server.ask(method, { taskId, inputResponses: {} }))).toBe(ErrorCode.InvalidParams);
    },
  );

  it('are there once a tool has tasks', async () => {
    const { server } = instance();
    server.registry.registerTool('tool', {}, () => text(''));
    expect(server.dispatcher.findModern('tasks/get')).toBeUndefined();
    expect((await server.ask('server/discover')).result?.capabilities).not.toHaveProperty('extensions');
    server.registry.tools.get('tool')?.update({ task: true });
    expect(server.dispatcher.findModern('tasks/get')).toBeDefined();
    expect(server.dispatcher.find('tasks/get')).toBeUndefined();
    expect((await server.ask('server/discover')).result?.capabilities).toMatchObject({
      extensions: { [TASKS_EXTENSION]: {} },
    });
    for (const removed of ['tasks/list', 'tasks/result']) expect(server.dispatcher.findModern(removed)).toBeUndefined();
  });
});

import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../src/testing/testing.ts';
import { ErrorCode, MetaKey, TASKS_EXTENSION } from '../../../src/wire/wire.ts';
import { callTool, eventsOf, legacy, modern, openModern } from '../support/http.ts';
import { codeOf, type Rpc, textOf } from '../support/messages.ts';
import { Peer } from '../support/peer.ts';
import { gate, serverWith, settle, type TestServer, text } from '../support/test-server.ts';

const FOLLOWS = { capabilities: { extensions: { [TASKS_EXTENSION]: {} } } };

function waiting(limits = {}) {
  const done = gate();
  const clock = new FakeClock();
  const server = serverWith(
    (made) => {
      made.registerTool('waits', { task: { immediateMs: 0 } }, async () => {
        await done.opened;
        return text('done');
      });
      made.registerTool('short', { task: 'required' }, () => text('short'));
    },
    { clock, limits },
  );
  return { server, done, clock };
}

async function begin(server: TestServer): Promise<string> {
  const { result } = await callTool(server, 'waits', undefined, FOLLOWS);
  return String(result?.taskId);
}

async function listen(server: TestServer, taskIds: readonly unknown[], options: object = FOLLOWS) {
  const response = await openModern(server, 'subscriptions/listen', { notifications: { taskIds } }, options);
  const events = eventsOf(response);
  const next = async (): Promise<Rpc> => (await events.next()).value as Rpc;
  return { next, acknowledged: (await next()).params?.notifications, events };
}

describe('a stream of changes with taskIds', () => {
  it('tells how its tasks are, and how they come to be, just as tasks/get does', async () => {
    const { server, done } = waiting();
    const taskId = await begin(server);
    const { next, acknowledged } = await listen(server, [taskId, taskId, 'x'.repeat(32)]);
    expect(acknowledged).toEqual({ taskIds: [taskId] });
    const first = await next();
    expect(first).toMatchObject({ method: 'notifications/tasks', params: { taskId, status: 'working' } });
    expect(first.params?._meta).toEqual({ [MetaKey.subscriptionId]: 1 });
    done.open();
    const { params } = await next();
    const { _meta, ...told } = params ?? {};
    const { resultType, _meta: meta, ...got } = (await modern(server, 'tasks/get', { taskId }, FOLLOWS)).result ?? {};
    expect(told).toEqual(got);
    expect(told).toMatchObject({ status: 'completed', result: text('done') });
  });

  it('tells of a task that was over before anybody listened', async () => {
    const { server, done } = waiting();
    const taskId = await begin(server);
    done.open();
    await settle();
    const { next } = await listen(server, [taskId]);
    expect(await next()).toMatchObject({ params: { status: 'completed' } });
  });

  it('is refused to clients that do not declare the extension', async () => {
    const { server } = waiting();
    const taskId = await begin(server);
    const reply = await modern(server, 'subscriptions/listen', { notifications: { taskIds: [taskId] } });
    expect(reply.status).toBe(400);
    expect(reply.error?.data).toEqual({ requiredCapabilities: { extensions: { [TASKS_EXTENSION]: {} } } });
    expect(codeOf(reply)).toBe(ErrorCode.MissingClientCapability);
  });

  it.each([['not a list'], [[1]], [['a', 'b', 'c']]])('is bounded, and checked: %j', async (taskIds) => {
    const { server } = waiting({ maxWatchedResources: 2 });
    const reply = await modern(server, 'subscriptions/listen', { notifications: { taskIds } }, FOLLOWS);
    expect(codeOf(reply)).toBe(ErrorCode.InvalidParams);
  });

  it('leaves nothing behind when its client goes', async () => {
    const { server, clock, done } = waiting();
    const taskId = await begin(server);
    await settle();
    const before = clock.timers;
    const { next, events } = await listen(server, [taskId]);
    await next();
    expect(clock.timers).toBeGreaterThan(before);
    await events.return(undefined);
    await settle();
    expect(clock.timers).toBe(before);
    done.open();
  });

  it('is ignored by servers without tasks', async () => {
    const server = serverWith((made) => made.registerTool('plain', {}, () => text('')));
    expect((await listen(server, ['x'], {})).acknowledged).toEqual({});
  });
});

describe('tasks over HTTP', () => {
  it('are found by their header, which must name the same', async () => {
    const { server } = waiting();
    const taskId = await begin(server);
    const headers = { 'Mcp-Name': 'another' };
    const wrong = await modern(server, 'tasks/get', { taskId }, { ...FOLLOWS, headers });
    expect([wrong.status, codeOf(wrong)]).toEqual([400, ErrorCode.HeaderMismatch]);
    const none = await modern(server, 'tasks/get', { taskId }, { ...FOLLOWS, headers: { 'Mcp-Name': null } });
    expect([none.status, codeOf(none)]).toEqual([400, ErrorCode.HeaderMismatch]);
    const undeclared = await modern(server, 'tasks/get', { taskId });
    expect([undeclared.status, codeOf(undeclared)]).toEqual([400, ErrorCode.MissingClientCapability]);
  });

  it('outlive the request and the connection that they began on', async () => {
    const { server, done } = waiting();
    const peer = await Peer.to(server);
    const { result } = await peer.modern('tools/call', { name: 'waits' }, FOLLOWS);
    peer.close();
    done.open();
    await settle();
    const { result: task } = await modern(server, 'tasks/get', { taskId: result?.taskId }, FOLLOWS);
    expect(task).toMatchObject({ status: 'completed' });
  });

  it('are cancelled with the request until the client has the handle', async () => {
    const clock = new FakeClock();
    const reasons: unknown[] = [];
    const server = serverWith(
      (made) =>
        made.registerTool('waits', { task: { immediateMs: 100 } }, async ({ signal }) => {
          await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
          reasons.push((signal.reason as Error).name);
          return text('');
        }),
      { clock },
    );
    const leaving = new AbortController();
    const answer = callTool(server, 'waits', undefined, { ...FOLLOWS, signal: leaving.signal }).catch(() => undefined);
    await settle();
    leaving.abort();
    await answer;
    await settle();
    clock.advance(100);
    expect(reasons).toEqual(['AbortError']);
  });

  it('are nothing that legacy clients know: their calls are answered, but for those that must be tasks', async () => {
    const { server, done } = waiting();
    done.open();
    expect(textOf(await legacy(server, 'tools/call', { name: 'waits' }))).toBe('done');
    expect((await legacy(server, 'tools/call', { name: 'short' })).result).toMatchObject({ isError: true });
    expect(codeOf(await legacy(server, 'tasks/get', { taskId: 'x'.repeat(32) }))).toBe(ErrorCode.MethodNotFound);
    const { result } = await legacy(server, 'initialize', {
      ...{ protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'old', version: '1' } },
    });
    expect(result?.capabilities).not.toHaveProperty('extensions');
    expect(result?.capabilities).not.toHaveProperty('tasks');
  });

  it('finish, or fail, when the server stops', async () => {
    const { server, clock } = waiting();
    const taskId = await begin(server);
    await settle();
    const stopped = server.stop();
    await settle();
    clock.advance(25_000);
    await stopped;
    expect(taskId).toHaveLength(32);
    expect(clock.timers).toBe(0);
  });
});

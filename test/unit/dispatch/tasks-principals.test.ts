import { describe, expect, it } from 'vitest';
import { inputRequired, type ServerContext } from '../../../src/registry/registry.ts';
import { type DetailedTask, ErrorCode } from '../../../src/wire/wire.ts';
import { codeOf } from '../support/messages.ts';
import { sharedState, TaskInstance } from '../support/task-instance.ts';
import { settle, text } from '../support/test-server.ts';

const CAN = { capabilities: { roots: {}, extensions: { 'io.modelcontextprotocol/tasks': {} } } };
const ASKS = inputRequired({ inputRequests: { roots: inputRequired.listRoots() } });

function asking(options = {}) {
  const shared = sharedState();
  const server = new TaskInstance('one', shared, options);
  server.registry.registerTool(
    'asks',
    { task: { immediateMs: 0 }, inputSchema: { type: 'object' } },
    ({ of }: { of?: unknown }, { mcpReq }: ServerContext) =>
      mcpReq.inputResponses === undefined ? ASKS : text(`secret of ${of}`),
  );
  return { server, ...shared };
}

describe('100 principals in parallel', () => {
  it('each see their own tasks and no other’s', async () => {
    const { server } = asking();
    const names = Array.from({ length: 100 }, (_, index) =>
      index === 0 ? '' : index === 1 ? undefined : `issuer|${index}`,
    );
    const tasks = await Promise.all(
      names.map((principal) => server.begin('asks', { of: principal }, { ...CAN, principal })),
    );
    expect(new Set(tasks.map(({ taskId }) => taskId)).size).toBe(100);

    const attempts = names.map(async (principal, mine) => {
      for (const [theirs, { taskId }] of tasks.entries()) {
        if (theirs === mine) continue;
        for (const method of ['tasks/get', 'tasks/update', 'tasks/cancel']) {
          const params = { taskId, inputResponses: { roots: { roots: [mine] } } };
          expect(codeOf(await server.ask(method, params, { ...CAN, principal }))).toBe(ErrorCode.InvalidParams);
        }
      }
    });
    await Promise.all(attempts);

    await Promise.all(
      names.map((principal, index) => {
        const params = { taskId: tasks[index]?.taskId, inputResponses: { roots: { roots: [] } } };
        return server.ask('tasks/update', params, { ...CAN, principal });
      }),
    );
    await settle();
    for (const [index, principal] of names.entries()) {
      const { taskId } = tasks[index] as DetailedTask;
      expect(await server.get(taskId, { principal })).toMatchObject({ result: text(`secret of ${principal}`) });
    }
  }, 60_000);
});

describe('maxPerPrincipal', () => {
  it('bounds each of those that can be told apart, and forgets what is over', async () => {
    const { server, clock } = asking({ maxPerPrincipal: 2, ttlSeconds: 60 });
    const begin = (principal: string) => server.ask('tools/call', { name: 'asks' }, { ...CAN, principal });
    for (const principal of ['a', 'a', 'b', 'b', '', '', '']) expect((await begin(principal)).result).toBeDefined();
    expect(codeOf(await begin('a'))).toBe(ErrorCode.Overloaded);
    clock.advance(60_000);
    expect((await begin('a')).result).toBeDefined();
  });
});

import { expect, it } from 'vitest';
import { inputRequired, type ServerContext } from '../../../src/registry/registry.ts';
import { ErrorCode } from '../../../src/wire/wire.ts';
import { eventsOf, type HttpOptions, modern, openModern } from '../support/http.ts';
import { codeOf } from '../support/messages.ts';
import { FOLLOWS } from '../support/task-instance.ts';
import { settle, text } from '../support/test-server.ts';
import { guardedServer } from './guarded-server.ts';

it('a task is for tokens that may use its tool: it is not gone on with, shown or told of to others of the same user', async () => {
  let given = 0;
  const register: Parameters<typeof guardedServer>[0] = (server) =>
    server.registerTool('erase', { scopes: ['erase'], task: { immediateMs: 0 } }, ({ mcpReq }: ServerContext) => {
      if (mcpReq.inputResponses === undefined)
        return inputRequired({ inputRequests: { roots: inputRequired.listRoots() } });
      given++;
      return text('erased');
    });
  const { server, bearer } = await guardedServer(register, {
    authorization: { impliedScopes: { admin: ['erase'] } },
  } as never);
  const asks = async (scope: string): Promise<HttpOptions> => ({
    headers: await bearer({ claims: { scope } }),
    capabilities: { ...FOLLOWS, roots: {} },
  });
  const [may, less, implied] = await Promise.all([asks('read erase'), asks('read'), asks('admin')]);
  const { taskId } = (await modern(server, 'tools/call', { name: 'erase' }, may)).result as { taskId: string };
  await settle();
  const answers = { taskId, inputResponses: { roots: { roots: [] } } };
  for (const method of ['tasks/update', 'tasks/get'])
    expect(codeOf(await modern(server, method, answers, less))).toBe(ErrorCode.InvalidRequest);
  await settle();
  expect(given).toBe(0);
  const stream = eventsOf(
    await openModern(server, 'subscriptions/listen', { notifications: { taskIds: [taskId] } }, less),
  );
  expect((await stream.next()).value?.params?.notifications).toEqual({});
  await stream.return();
  await modern(server, 'tasks/update', answers, implied);
  await settle();
  expect((await modern(server, 'tasks/get', { taskId }, may)).result).toMatchObject({ status: 'completed' });
  await modern(server, 'tasks/cancel', { taskId }, less); // Ending it gives nothing away.
});

import { setTimeout as delay } from 'node:timers/promises';
import { ErrorCode, ProtocolError } from 'peregrine-mcp';
import * as z from 'zod';
import { acceptedContent, type FixtureServer, inputRequired } from '../api.ts';
import { textResult } from './samples.ts';

const CONFIRM = z.object({ confirm: z.boolean() });
const NAME = z.object({ name: z.string() });
/** Each call is a task, before its handler says anything. */
const AT_ONCE = { immediateMs: 0 } as const;

/** Tools whose calls become tasks, and one whose calls never do. */
export function registerTaskTools(server: FixtureServer): void {
  server.registerTool('greet', { description: 'Greets', inputSchema: NAME }, ({ name }) =>
    textResult(`Hello, ${name}!`),
  );
  const computing = { seconds: z.number().min(0).max(600), label: z.string().optional() };
  server.registerTool(
    'slow_compute',
    { description: 'Takes as long as it is told to', inputSchema: z.object(computing), task: true },
    async ({ seconds, label }, ctx) => {
      if (seconds > 0) await delay(seconds * 1_000, undefined, { signal: ctx.signal });
      return textResult(`${label ?? 'unnamed'} took ${seconds} s`);
    },
  );
  const failing = { required: true, ...AT_ONCE } as const;
  server.registerTool('failing_job', { description: 'Fails after a second', task: failing }, async () => {
    await delay(1_000);
    return { ...textResult('It did not work out'), isError: true };
  });
  server.registerTool('protocol_error_job', { description: 'Ends with a JSON-RPC error', task: AT_ONCE }, () => {
    throw new ProtocolError(ErrorCode.InternalError, 'The job broke down');
  });
  registerAskingTasks(server);
}

function registerAskingTasks(server: FixtureServer): void {
  const confirm = (message: string) => inputRequired.elicit({ message, requestedSchema: CONFIRM });

  server.registerTool(
    'confirm_delete',
    { description: 'Asks before it deletes', inputSchema: z.object({ filename: z.string() }), task: AT_ONCE },
    ({ filename }, { mcpReq }) => {
      const answer = acceptedContent(mcpReq.inputResponses, 'sure', CONFIRM);
      if (answer === undefined) return inputRequired({ inputRequests: { sure: confirm(`Delete ${filename}?`) } });
      return textResult(answer.confirm ? `${filename} deleted` : `${filename} kept`);
    },
  );

  server.registerTool('multi_input', { description: 'Asks two things at once', task: AT_ONCE }, ({ mcpReq }) => {
    if (mcpReq.inputResponses === undefined)
      return inputRequired({ inputRequests: { first: confirm('First?'), second: confirm('Second?') } });
    return textResult(Object.keys(mcpReq.inputResponses).join(' and '));
  });

  server.registerTool(
    'test_tool_with_task',
    { description: 'Asks for a name before it becomes a task', task: 'required' },
    async ({ mcpReq }) => {
      const given = acceptedContent(mcpReq.inputResponses, 'user_name', NAME);
      if (given === undefined) {
        const user_name = inputRequired.elicit({ message: 'What is your name?', requestedSchema: NAME });
        return inputRequired({ inputRequests: { user_name } });
      }
      await delay(500);
      return textResult(`Hello, ${given.name}!`);
    },
  );
}

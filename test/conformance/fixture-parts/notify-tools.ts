import { setTimeout as delay } from 'node:timers/promises';
import type { FixtureServer } from '../api.ts';
import { textResult } from './samples.ts';

const STEP_MS = 50;

/** Tools that log, report progress or change the server's lists. */
export function registerNotifyTools(server: FixtureServer): void {
  server.registerTool('test_tool_with_logging', { description: 'Logs three messages while it runs' }, async (ctx) => {
    await ctx.mcpReq.log('info', 'Tool execution started');
    await delay(STEP_MS);
    await ctx.mcpReq.log('info', 'Tool processing data');
    await delay(STEP_MS);
    await ctx.mcpReq.log('info', 'Tool execution completed');
    return textResult('Three messages logged');
  });

  server.registerTool('test_logging_tool', { description: 'Logs one message' }, async (ctx) => {
    await ctx.mcpReq.log('info', 'A message for who asked for messages');
    return textResult('One message logged');
  });

  server.registerTool(
    'test_tool_with_progress',
    { description: 'Reports its progress in three steps' },
    async (ctx) => {
      const progressToken = ctx.mcpReq._meta?.progressToken;
      for (const progress of [0, 50, 100]) {
        if (progress > 0) await delay(STEP_MS);
        if (progressToken === undefined) continue;
        await ctx.mcpReq.notify({ method: 'notifications/progress', params: { progressToken, progress, total: 100 } });
      }
      return textResult('Progress reported');
    },
  );

  server.registerTool('test_reconnection', { description: 'Ends its event stream before it answers' }, async (ctx) => {
    ctx.http?.closeSSE?.();
    await delay(STEP_MS);
    return textResult('The answer came on another stream');
  });

  registerListTriggers(server);
}

/** Tools that change an entry in place, so that the lists' order stays while their contents move. */
function registerListTriggers(server: FixtureServer): void {
  let toolChanges = 0;
  const changingTool = server.registerTool('test_changing_tool', { description: 'Its description changes' }, () =>
    textResult(`Changed ${toolChanges} times`),
  );
  server.registerTool('test_trigger_tool_change', { description: 'Changes the list of tools' }, () => {
    toolChanges++;
    changingTool.update({ description: `Its description changed ${toolChanges} times` });
    return textResult('The list of tools changed');
  });

  let promptChanges = 0;
  const changingPrompt = server.registerPrompt(
    'test_changing_prompt',
    { description: 'Its description changes' },
    () => ({
      messages: [{ role: 'user', content: { type: 'text', text: `Changed ${promptChanges} times` } }],
    }),
  );
  server.registerTool('test_trigger_prompt_change', { description: 'Changes the list of prompts' }, () => {
    promptChanges++;
    changingPrompt.update({ description: `Its description changed ${promptChanges} times` });
    return textResult('The list of prompts changed');
  });
}

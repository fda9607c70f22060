import type { OptimizedMCPServer } from 'peregrine-mcp';
import * as z from 'zod';
import type { Rendezvous } from './rendezvous.ts';

export function textResult(text: string): { content: [{ type: 'text'; text: string }] } {
  return { content: [{ type: 'text', text }] };
}

/** Tools for the plain features: arguments, results, errors and logging. */
export function registerPlainTools(server: OptimizedMCPServer): void {
  server.registerTool(
    'add',
    {
      description: 'Adds two numbers',
      inputSchema: z.object({ a: z.number(), b: z.number() }),
      outputSchema: z.object({ sum: z.number() }),
      annotations: { readOnlyHint: true },
    },
    ({ a, b }) => ({ ...textResult(String(a + b)), structuredContent: { sum: a + b } }),
  );

  server.registerTool('fail', { description: 'Always fails' }, () => {
    throw new Error('failed on purpose');
  });

  server.registerTool('chatter', { description: 'Logs once in passing and once in earnest' }, async (ctx) => {
    await ctx.mcpReq.log('debug', 'in passing', 'sample');
    await ctx.mcpReq.log('warning', 'in earnest', 'sample');
    return textResult('said twice');
  });
}

/** Tools that wait for events, and tools that tell of them to clients in another process. */
export function registerWaitingTools(server: OptimizedMCPServer, events: Rendezvous): void {
  const named = z.object({ name: z.string() });

  // A client may drop progress that its call's result overtakes, so each step waits until the one before was seen.
  server.registerTool(
    'count',
    {
      description: 'Counts up, each step once the last was seen',
      inputSchema: z.object({ name: z.string(), to: z.int() }),
    },
    async ({ name, to }, ctx) => {
      const progressToken = ctx.mcpReq._meta?.progressToken;
      for (let progress = 1; progressToken !== undefined && progress <= to; progress++) {
        const params = { progressToken, progress, total: to, message: `step ${progress}` };
        await ctx.mcpReq.notify({ method: 'notifications/progress', params });
        await events.wait(`${name}:${progress}`);
      }
      return textResult(`counted to ${to}`);
    },
  );

  server.registerTool(
    'hang',
    { description: 'Runs until it is cancelled or released', inputSchema: named },
    async ({ name }, ctx) => {
      const { signal } = ctx.mcpReq;
      const aborted = new Promise<string>((resolve) => {
        signal.addEventListener('abort', () => resolve('aborted'), { once: true });
      });
      events.reach(`${name}:hanging`);
      const ending = await Promise.race([aborted, events.wait(`${name}:release`).then(() => 'released')]);
      events.reach(`${name}:ended`, ending);
      return textResult(ending);
    },
  );

  server.registerTool(
    'hold',
    { description: 'Answers what it is released with', inputSchema: named },
    async ({ name }) => {
      events.reach(`${name}:holding`);
      return textResult(await events.wait(`${name}:release`));
    },
  );

  server.registerTool(
    'wait_for',
    { description: 'Answers once the event has happened', inputSchema: z.object({ event: z.string() }) },
    async ({ event }) => textResult(await events.wait(event)),
  );

  server.registerTool(
    'reach',
    { description: 'Makes the event happen', inputSchema: z.object({ event: z.string() }) },
    ({ event }) => {
      events.reach(event);
      return textResult(event);
    },
  );
}

/** Tools that change what the server offers while it runs, for clients that watch it. */
export function registerChangingTools(server: OptimizedMCPServer): void {
  server.registerTool(
    'grow',
    { description: 'Registers one more tool', inputSchema: z.object({ name: z.string() }) },
    ({ name }) => {
      server.registerTool(name, { description: 'Came later' }, () => textResult(`${name} at your service`));
      return textResult(name);
    },
  );

  server.registerTool(
    'touch',
    { description: 'Says that a resource changed', inputSchema: z.object({ uri: z.string() }) },
    ({ uri }) => {
      server.sendResourceUpdated({ uri });
      return textResult(uri);
    },
  );
}

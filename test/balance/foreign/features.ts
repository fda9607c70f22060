/** What the servers of both official TypeScript SDKs offer, so that they differ in nothing but the SDK. */
import { appendFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import * as z from 'zod';

/** What a tool needs of its call, whatever the SDK calls it. */
export interface CallFace {
  readonly signal: AbortSignal;
  readonly progressToken: string | number | undefined;
  notify(notification: { method: 'notifications/progress'; params: Record<string, unknown> }): Promise<void>;
}

export const GREETING_URI = 'greeting://world';

export const ECHO = { description: 'Gives back what it gets', inputSchema: z.object({ text: z.string() }) };
export const ADD = {
  description: 'Adds two numbers',
  inputSchema: z.object({ a: z.number(), b: z.number() }),
  outputSchema: z.object({ sum: z.number() }),
};
export const SLOW = {
  description: 'Takes some steps, and writes into a file when it is cancelled',
  inputSchema: z.object({ steps: z.number().int(), file: z.string().optional() }),
};
export const GREET = { description: 'A greeting', argsSchema: z.object({ name: z.string() }) };

const textResult = (text: string) => ({ content: [{ type: 'text' as const, text }] });

export const echo = ({ text }: { text: string }) => {
  if (text === 'fail') throw new Error('failed on purpose');
  return textResult(text);
};

export const add = ({ a, b }: { a: number; b: number }) => ({
  ...textResult(String(a + b)),
  structuredContent: { sum: a + b },
});

export async function slow({ steps, file }: { steps: number; file?: string | undefined }, call: CallFace) {
  for (let step = 1; step <= steps; step++) {
    if (call.progressToken !== undefined)
      await call.notify({
        method: 'notifications/progress',
        params: { progressToken: call.progressToken, progress: step, total: steps },
      });
    await delay(20, undefined, { signal: call.signal }).catch(() => {});
    if (!call.signal.aborted) continue;
    if (file !== undefined) appendFileSync(file, 'cancelled\n');
    break;
  }
  return textResult(`${steps} steps`);
}

export const greeting = (kind: string) => ({ contents: [{ uri: GREETING_URI, text: `hello from ${kind}` }] });

export const greet = ({ name }: { name: string }) => ({
  messages: [{ role: 'user' as const, content: { type: 'text' as const, text: `Greet ${name}` } }],
});

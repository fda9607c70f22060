import type { ServerContext, ToolCacheConfig, ToolConfig } from '../../../src/registry/registry.ts';
import { FakeClock } from '../../../src/testing/testing.ts';
import type { CallToolResult, InputRequiredResult } from '../../../src/wire/wire.ts';
import { serverWith, type TestServer, text } from '../support/test-server.ts';

type Config = NonNullable<Parameters<typeof serverWith>[1]>;

/** One run of a handler: what it got. */
export interface Run {
  readonly args: Record<string, unknown>;
  readonly context: ServerContext;
  /** Which one it is, counted from 1. */
  readonly number: number;
}

export type Answering = (
  run: Run,
) => CallToolResult | InputRequiredResult | Promise<CallToolResult | InputRequiredResult>;

export const READ_ONLY = { annotations: { readOnlyHint: true } } as const;

/** A server whose tool `find` keeps its answers, with all runs of its handler. */
export interface CachedTool {
  readonly server: TestServer;
  readonly clock: FakeClock;
  readonly runs: Run[];
}

/** By default the tool takes any arguments, keeps its answers for a minute and says which run made them. */
export function cachedTool(
  cache: ToolCacheConfig = { ttlSeconds: 60 },
  answer: Answering = ({ number }) => text(`run ${number}`),
  { tool = {}, server: config = {} }: { tool?: ToolConfig; server?: Config } = {},
): CachedTool {
  const clock = new FakeClock();
  const runs: Run[] = [];
  const server = serverWith(
    (each) => {
      const handler = (args: Record<string, unknown>, context: ServerContext) => {
        const run = { args, context, number: runs.length + 1 };
        runs.push(run);
        return answer(run);
      };
      const whole = { inputSchema: { type: 'object' }, ...READ_ONLY, cache, ...tool };
      each.registerTool('find', whole as ToolConfig, handler as never);
    },
    { clock, ...config },
  );
  return { server, clock, runs };
}

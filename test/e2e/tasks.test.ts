import type { Client } from '@modelcontextprotocol/client';
import {
  createTaskSessionFromClient,
  type RawClientDispatch,
  resultFromTaskOutcome,
  type TaskEnabledSession,
} from '@modelcontextprotocol/ext-tasks/client';
import { createOptimizedServer, OptimizedMCPServer } from 'peregrine-mcp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { registerTaskTools } from '../conformance/fixture-parts/task-tools.ts';
import { createClient, createTransport, textOf } from './peers.ts';

class TaskServer extends OptimizedMCPServer {
  protected override setup(): void {
    registerTaskTools(this);
  }
}

const server = createOptimizedServer(TaskServer, {
  ...{ name: 'tasks', version: '1.0.0', description: 'Takes its time', http: { port: 0 }, handleSignals: false },
  tasks: { pollIntervalMs: 20 },
});
let url: URL;
let client: Client;
let session: TaskEnabledSession;
let lastId = 0;

/** The way of a request that the client's own codec does not know. */
const rawDispatch: RawClientDispatch = async (request) => {
  const { method, params } = request as { method: string; params: Record<string, string> };
  const name = method === 'tools/call' ? params.name : params.taskId;
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      Accept: 'application/json, text/event-stream',
      ...{ 'MCP-Protocol-Version': '2026-07-28', 'Mcp-Method': method, 'Mcp-Name': name ?? '' },
    },
    body: JSON.stringify({ ...(request as object), jsonrpc: '2.0', id: `raw-${++lastId}` }),
  });
  return (await response.json()) as Awaited<ReturnType<RawClientDispatch>>;
};

beforeAll(async () => {
  const started = await server.start();
  url = new URL(started.url ?? '');
  client = createClient('modern', { elicitation: {} });
  await client.connect(createTransport('http', url));
  session = createTaskSessionFromClient(client, {
    endpointId: 'end-to-end',
    rawDispatch,
    v2RequestFraming: {
      protocolVersion: '2026-07-28',
      clientInfo: { name: 'end-to-end', version: '1.0.0' },
      clientCapabilities: { elicitation: {} },
    },
    onInputRequest: async () => ({ action: 'accept', content: { confirm: true, name: 'Ada' } }) as never,
  });
});
afterAll(async () => {
  await session?.close();
  await client?.close();
  await server.stop();
});

describe('the official client of the extension', () => {
  it('sees that the server has it', () => {
    expect(session.capabilities).toMatchObject({ execution: true, cancellation: true, inputResponses: true });
  });

  async function run(name: string, args = {}) {
    const execution = await session.callTool(name, args);
    const { outcome } = await execution.settle();
    return { kind: execution.kind, outcome };
  }

  it('gets a quick answer at once', async () => {
    const { kind, outcome } = await run('slow_compute', { seconds: 0, label: 'quick' });
    expect(kind).toBe('immediate');
    expect(textOf(resultFromTaskOutcome(outcome) as never)).toBe('quick took 0 s');
  });

  it('follows a task to its result', async () => {
    const { kind, outcome } = await run('slow_compute', { seconds: 0.2, label: 'slow' });
    expect(kind).toBe('task');
    expect(textOf(resultFromTaskOutcome(outcome) as never)).toBe('slow took 0.2 s');
  });

  it('answers what a task asks, all that it asks at once, and what is asked before there is one', async () => {
    const deleted = await run('confirm_delete', { filename: 'a.txt' });
    expect(textOf(resultFromTaskOutcome(deleted.outcome) as never)).toBe('a.txt deleted');
    const both = await run('multi_input');
    expect(textOf(resultFromTaskOutcome(both.outcome) as never)).toMatch(/^(first and second|second and first)$/);
    const named = await run('test_tool_with_task');
    expect(textOf(resultFromTaskOutcome(named.outcome) as never)).toBe('Hello, Ada!');
  });

  it('sees how a task failed', async () => {
    const { outcome } = await run('protocol_error_job');
    expect(outcome).toMatchObject({ status: 'failed', error: { code: -32603, message: 'The job broke down' } });
  });

  it('cancels a task', async () => {
    const execution = await session.callTool('slow_compute', { seconds: 600 });
    await execution.cancel();
    expect((await execution.settle()).outcome).toMatchObject({ status: 'cancelled' });
  });
});

describe('the official client without the extension', () => {
  it('gets the plain answer, or is told what it lacks', async () => {
    const answer = await client.callTool({ name: 'slow_compute', arguments: { seconds: 0.1, label: 'plain' } });
    expect(textOf(answer)).toBe('plain took 0.1 s');
    await expect(client.callTool({ name: 'failing_job' })).rejects.toMatchObject({ code: -32021 });
  });

  it('of an earlier revision gets the plain answer', async () => {
    const old = createClient('legacy');
    await old.connect(createTransport('http', url));
    const answer = await old.callTool({ name: 'slow_compute', arguments: { seconds: 0.1, label: 'old' } });
    expect(textOf(answer)).toBe('old took 0.1 s');
    await old.close();
  });
});

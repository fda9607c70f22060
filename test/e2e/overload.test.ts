import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { runOpenLoop } from '../../bench/load/open-loop.ts';
import { preparePost } from '../../bench/load/request-source.ts';
import { modernFields } from '../unit/support/http.ts';
import { envelope } from '../unit/support/messages.ts';

/** What a tool of 5 ms can do in a second is 200: this is four times as much, whatever the machine. */
const LOAD = { requestsPerSecond: 800, connections: 256, ms: 4_000, deadlineMs: 1_000 };

async function startServer(control: 'control' | 'none'): Promise<number> {
  const script = fileURLToPath(new URL('overload-server.ts', import.meta.url));
  const child = spawn(process.execPath, [script, control], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [line] = await once(child.stdout, 'data');
  return Number(String(line));
}

/** A request as its header fields and its body. */
function partsOf(id: number, method: string, params: Record<string, unknown> = {}) {
  const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
  return {
    headers: { ...headers, ...modernFields(method, params) },
    body: JSON.stringify({ jsonrpc: '2.0', id, method, params: { ...params, _meta: envelope() } }),
  };
}

const callOf = (id: number, name: string, cpuMs: number, waitMs: number) =>
  partsOf(id, 'tools/call', { name, arguments: { cpuMs, waitMs } });

function prepared(port: number, { headers, body }: ReturnType<typeof partsOf>) {
  return preparePost({ host: `127.0.0.1:${port}`, path: '/mcp', headers: Object.entries(headers), body });
}

async function underLoad(control: 'control' | 'none') {
  const port = await startServer(control);
  let id = 0;
  const source = () => prepared(port, callOf(++id, 'light', 5, 0));
  return runOpenLoop({ ...LOAD, port, source, greeting: prepared(port, partsOf(0, 'server/discover')) });
}

describe('a server that is asked for four times what it can do', () => {
  it('does much more that is of use, and does it sooner, than one that refuses nothing', async () => {
    const without = await underLoad('none');
    const control = await underLoad('control');
    expect([without.shed, without.errors, control.errors]).toEqual([0, 0, 0]);
    expect(control.shed).toBeGreaterThan(0);
    expect(control.inTime).toBeGreaterThan(2 * without.inTime);
    expect(control.latency.p99Us).toBeLessThan(without.latency.p99Us / 2);
  });

  it('refuses nothing when only the mix of tools changes', async () => {
    const port = await startServer('control');
    const statuses = new Set<number>();
    let id = 0;
    const caller = async (calls: number, name: string, cpuMs: number, waitMs: number): Promise<void> => {
      for (let count = 0; count < calls; count++) {
        const request = { method: 'POST', ...callOf(++id, name, cpuMs, waitMs) };
        const response = await fetch(`http://127.0.0.1:${port}/mcp`, request);
        statuses.add(response.status);
        await response.text();
      }
    };
    for (const [calls, name, cpuMs, waitMs] of [
      [40, 'light', 1, 0],
      [10, 'heavy', 15, 0],
      [10, 'waiting', 0, 60],
      [10, 'heavy', 15, 0],
    ] as const)
      await Promise.all([1, 2].map(() => caller(calls, name, cpuMs, waitMs)));
    expect([...statuses]).toEqual([200]);
  });
});

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const SCRIPT = fileURLToPath(new URL('./stdio-server.ts', import.meta.url));
const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
};
const INITIALIZE = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '1' } };

let child: ChildProcessWithoutNullStreams;
let lines: AsyncIterableIterator<string>;
beforeEach(() => {
  child = spawn(process.execPath, [SCRIPT]);
  child.stderr.pipe(process.stderr);
  lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
});
afterEach(async () => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
});

function send(message: object): void {
  child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
}

async function receive(): Promise<Record<string, unknown>> {
  const { value, done } = await lines.next();
  if (done === true) throw new Error('stdout ended');
  return JSON.parse(value) as Record<string, unknown>;
}

describe('the stdio transport', () => {
  it('answers an initialize after a discover: the probe pins no era', async () => {
    send({ id: 1, method: 'server/discover', params: { _meta: META } });
    expect(await receive()).toMatchObject({
      id: 1,
      result: { supportedVersions: expect.arrayContaining(['2026-07-28']) },
    });
    send({ id: 2, method: 'initialize', params: INITIALIZE });
    expect(await receive()).toMatchObject({ id: 2, result: { protocolVersion: '2025-11-25' } });
    send({ method: 'notifications/initialized' });
    send({ id: 3, method: 'ping' });
    expect(await receive()).toEqual({ jsonrpc: '2.0', id: 3, result: {} });
  });

  it('goes on after a line that is not JSON', async () => {
    child.stdin.write('{ not json\n');
    send({ id: 'next', method: 'tools/list', params: { _meta: META } });
    const [complaint, answer] = [await receive(), await receive()];
    expect(complaint).toMatchObject({ error: { code: -32700 } });
    expect(complaint.id ?? null).toBeNull();
    expect(answer).toMatchObject({ id: 'next', result: { resultType: 'complete' } });
  });

  it('takes messages that come in pieces and several at once', async () => {
    const discover = (id: number): string =>
      `${JSON.stringify({ jsonrpc: '2.0', id, method: 'server/discover', params: { _meta: META } })}\n`;
    const [first, both] = [discover(1), discover(2) + discover(3)];
    child.stdin.write(first.slice(0, 40));
    child.stdin.write(first.slice(40) + both);
    const ids = [await receive(), await receive(), await receive()].map((message) => message.id);
    expect(ids.toSorted()).toEqual([1, 2, 3]);
  });

  it('keeps a line of text in several languages whole', async () => {
    const name = 'Ünïcødé 漢字 🚀';
    send({ id: 1, method: 'tools/call', params: { name: 'reach', arguments: { event: name }, _meta: META } });
    expect(await receive()).toMatchObject({ id: 1, result: { content: [{ type: 'text', text: name }] } });
  });

  it('frees the id of a subscription that was cancelled', async () => {
    const listen = {
      method: 'subscriptions/listen',
      params: { notifications: { toolsListChanged: true }, _meta: META },
    };
    send({ id: 'watch', ...listen });
    expect(await receive()).toMatchObject({ method: 'notifications/subscriptions/acknowledged' });
    send({ method: 'notifications/cancelled', params: { requestId: 'watch', _meta: META } });
    send({ id: 'watch', ...listen });
    expect(await receive()).toMatchObject({ method: 'notifications/subscriptions/acknowledged' });
  });

  it('ends with its input, and stdout has carried nothing but messages', async () => {
    send({ id: 1, method: 'tools/list', params: { _meta: META } });
    expect(await receive()).toMatchObject({ id: 1 });
    const exited = once(child, 'exit');
    child.stdin.end();
    expect(await lines.next()).toMatchObject({ done: true });
    expect(await exited).toEqual([0, null]);
  });
});

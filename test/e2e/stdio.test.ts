import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

const SCRIPT = fileURLToPath(new URL('./stdio-server.ts', import.meta.url));
const NOISY = fileURLToPath(new URL('./noisy-stdio-server.ts', import.meta.url));
const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
};
const INITIALIZE = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '1' } };

let child: ChildProcessWithoutNullStreams;
let lines: AsyncIterableIterator<string>;
let said = '';
function start(script: string): void {
  child = spawn(process.execPath, [script]);
  said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
}
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
  beforeEach(() => start(SCRIPT));

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

  it('serves a client that never initializes, and one that does, by turns on one connection', async () => {
    send({ id: 1, method: 'tools/list', params: { _meta: META } });
    expect(await receive()).toMatchObject({ id: 1, result: { resultType: 'complete' } });
    send({ id: 2, method: 'initialize', params: INITIALIZE });
    expect(await receive()).toMatchObject({ id: 2, result: { protocolVersion: '2025-11-25' } });
    send({ method: 'notifications/initialized' });
    send({ id: 3, method: 'prompts/list' });
    const legacy = (await receive()) as { result: object };
    expect(legacy).toMatchObject({ id: 3, result: { prompts: expect.any(Array) } });
    expect(Object.keys(legacy.result)).toEqual(['prompts']);
    send({ id: 4, method: 'prompts/list', params: { _meta: META } });
    expect(await receive()).toMatchObject({ id: 4, result: { resultType: 'complete', ttlMs: expect.anything() } });
    const other = { ...META, 'io.modelcontextprotocol/protocolVersion': '2099-01-01' };
    send({ id: 5, method: 'server/discover', params: { _meta: other } });
    expect(await receive()).toMatchObject({ id: 5, error: { code: -32022, data: { supported: ['2026-07-28'] } } });
    send({ id: 6, method: 'ping' });
    expect(await receive()).toEqual({ jsonrpc: '2.0', id: 6, result: {} });
  });

  it('takes a byte order mark, ends of line as on Windows, and a last message without one', async () => {
    const request = (id: number): string =>
      JSON.stringify({ jsonrpc: '2.0', id, method: 'server/discover', params: { _meta: META } });
    child.stdin.end(`\ufeff${request(1)}\r\n\r\n${request(2)}`);
    expect([(await receive()).id, (await receive()).id]).toEqual([1, 2]);
    expect(await lines.next()).toMatchObject({ done: true });
  });

  it('complains of bytes that are no text, of a line that is too long and of a message that breaks off', async () => {
    child.stdin.write(Buffer.from([0x7b, 0xff, 0xfe, 0x7d, 0x0a]));
    expect(await receive()).toMatchObject({ error: { code: -32700 } });
    child.stdin.write(`"${'x'.repeat(5_000_000)}"\n`);
    expect(await receive()).toMatchObject({ error: { code: -32600 } });
    child.stdin.end('{"jsonrpc":"2.0","id":1,"method":"server/disc');
    expect(await receive()).toMatchObject({ error: { code: -32700 } });
    expect(await lines.next()).toMatchObject({ done: true });
  });
});

describe('a program of which stdout is not the messages’ alone', () => {
  const call = (id: number, name: string, args: object = {}): void =>
    send({ id, method: 'tools/call', params: { name, arguments: args, _meta: META } });
  const until = (event: string) => ({ result: { content: [{ type: 'text', text: `answered after ${event}` }] } });
  beforeEach(() => start(NOISY));

  it('says on stderr what its code writes', async () => {
    call(1, 'noise');
    expect(await receive()).toMatchObject({ id: 1, result: { content: [{ type: 'text', text: 'done' }] } });
    const exited = once(child, 'exit');
    child.stdin.end();
    expect(await lines.next()).toMatchObject({ done: true });
    expect(await exited).toEqual([0, null]);
    for (const noise of ['of setup', 'after the start', 'of a tool { a: 1 }', 'without console'])
      expect(said).toContain(`noise ${noise}\n`);
    expect(said).toContain('│ 0');
  });

  it('gives every answer where more waits than a pipe holds', async () => {
    const count = 60;
    for (let id = 0; id < count; id++) call(id, 'long', { length: 300_000 });
    const seen = new Set<unknown>();
    for (let id = 0; id < count; id++) seen.add((await receive()).id);
    expect(seen.size).toBe(count);
  });

  it.each(['SIGTERM', 'end'])('gives the answers that are under way on %s, and exits', async (event) => {
    call(1, 'until', { event });
    await vi.waitFor(() => expect(said).toContain('waiting'), 60_000);
    const exited = once(child, 'exit');
    if (event === 'end') child.stdin.end();
    else child.kill('SIGTERM');
    expect(await receive()).toMatchObject({ id: 1, ...until(event) });
    expect(await lines.next()).toMatchObject({ done: true });
    expect(await exited).toEqual([0, null]);
  });
});

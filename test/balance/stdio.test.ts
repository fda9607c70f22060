import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type StdioOptions, StdioTarget } from '../../src/balance/balance.ts';
import { legacy, modern, resultOf, send } from './call-target.ts';
import { commandOf, FOREIGN } from './foreign/foreign.ts';
import { groupGone, groupOf, membersOf } from './process-groups.ts';
import { temporaryFolder } from './temporary-folder.ts';

const QUIET = { info: () => {}, warn: () => {} };
const open = new Set<StdioTarget>();

function start(options: Omit<StdioOptions, 'name'>): StdioTarget {
  const target = new StdioTarget({ name: 'behind', ...options }, { logger: QUIET });
  open.add(target);
  return target;
}

afterEach(async () => {
  await Promise.all([...open].map((target) => target.close()));
  open.clear();
});

/** A shell that has a child beside the server, as wrappers do; both are deaf to the end of input and to SIGTERM. */
function stubborn(): { command: string; args: string[] } {
  const { command, args } = commandOf('sdk-v1', 'stdio');
  const script = `trap '' TERM; sleep 1000 & "$@"; wait`;
  return { command: '/bin/sh', args: ['-c', script, 'sh', command, ...args] };
}

describe.each(FOREIGN)('a server of $name', ({ name }) => {
  let target: StdioTarget;
  const folder = temporaryFolder();
  beforeAll(() => {
    target = new StdioTarget({ name, ...commandOf(name, 'stdio') }, { logger: QUIET });
  });
  afterAll(() => target.close());

  it('is discovered by modern clients', async () => {
    const result = await resultOf(target, modern('server/discover'));
    expect(result).toMatchObject({ resultType: 'complete', supportedVersions: ['2026-07-28'], ttlMs: 0 });
    expect(result['capabilities']).toMatchObject({ tools: { listChanged: true } });
    expect(JSON.stringify(result['capabilities'])).not.toContain('subscribe');
  });

  it('shakes hands with legacy clients, in the revision that they ask for', async () => {
    const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'old', version: '1' } };
    expect(await resultOf(target, legacy('initialize', params))).toMatchObject({
      protocolVersion: '2025-06-18',
      serverInfo: { name },
    });
  });

  it('answers a modern call with the members of that era, and a legacy one without', async () => {
    const params = { name: 'add', arguments: { a: 2, b: 3 } };
    const ofModern = await resultOf(target, modern('tools/call', params));
    expect(ofModern).toMatchObject({ resultType: 'complete', structuredContent: { sum: 5 } });
    expect(ofModern['_meta']).toMatchObject({ 'io.modelcontextprotocol/serverInfo': { name } });
    const ofLegacy = await resultOf(target, legacy('tools/call', params));
    expect(ofLegacy).toMatchObject({ structuredContent: { sum: 5 } });
    expect(ofLegacy).not.toHaveProperty('resultType');
  });

  it("streams progress under the client's own token", async () => {
    const params = { name: 'slow', arguments: { steps: 2 } };
    const request = modern('tools/call', params, { progressToken: 'mine' });
    const { messages, contentType } = await send(target, request).answer;
    expect(contentType).toBe('text/event-stream');
    expect(messages.slice(0, 2).map((message) => message['params'])).toMatchObject([
      { progressToken: 'mine', progress: 1 },
      { progressToken: 'mine', progress: 2 },
    ]);
    expect(messages.at(-1)).toMatchObject({ id: 1, result: { content: [{ text: '2 steps' }] } });
  });

  it('is told when a modern client leaves, and serves on', async () => {
    const file = join(folder, 'left');
    const slow = { name: 'slow', arguments: { steps: 100_000, file } };
    const leaving = send(target, modern('tools/call', slow, { progressToken: 1 }));
    await leaving.started;
    leaving.abort();
    await expect
      .poll(() => readFileSync(file, { encoding: 'utf8', flag: 'a+' }), { timeout: 20_000 })
      .toBe('cancelled\n');
    expect(await resultOf(target, modern('tools/call', { name: 'echo', arguments: { text: 'on' } }))).toMatchObject({
      content: [{ text: 'on' }],
    });
  });

  it('refuses what its revision does not know, by its own error', async () => {
    const { messages } = await send(target, modern('nobody/knows')).answer;
    expect(messages).toMatchObject([{ id: 1, error: { code: -32601 } }]);
  });
});

it('fails the calls of a child that is killed as lost, and starts another one', async () => {
  const target = start({ ...commandOf('sdk-v1', 'stdio'), restart: { firstMs: 10 } });
  const running = send(
    target,
    modern('tools/call', { name: 'slow', arguments: { steps: 100_000 } }, { progressToken: 1 }),
  );
  await running.started;
  const [first = 0] = target.pids;
  process.kill(first, 'SIGKILL');
  const { failure } = await running.answer;
  expect(failure).toMatchObject({ reason: 'lost', message: 'server "behind" was ended by SIGKILL' });
  expect(await resultOf(target, legacy('tools/call', { name: 'echo', arguments: { text: 'again' } }))).toMatchObject({
    content: [{ text: 'again' }],
  });
  expect(target.pids).not.toContain(first);
});

it('ends all that a child started, whether it listens to signals or not', async () => {
  const target = start({ ...stubborn(), graceMs: 100 });
  await resultOf(target, legacy('tools/list'));
  const [group = 0] = target.pids;
  await groupOf(group, 3); // The shell, its other child, and the server.
  await target.close();
  await groupGone(group);
});

it('takes away what a child leaves behind when it ends', async () => {
  const { command, args } = commandOf('sdk-v1', 'stdio');
  const target = start({ command: '/bin/sh', args: ['-c', 'sleep 1000 & exec "$@"', 'sh', command, ...args] });
  await resultOf(target, legacy('tools/list'));
  const [group = 0] = target.pids;
  await groupOf(group, 2);
  process.kill(group, 'SIGKILL');
  await groupGone(group);
});

it('leaves no orphan when the gateway is killed', async () => {
  const { command, args } = stubborn();
  const script = fileURLToPath(new URL('gateway-process.ts', import.meta.url));
  const gateway = spawn(process.execPath, [script, command, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(createInterface({ input: gateway.stdout }), 'line');
  const group = Number(line);
  expect(membersOf(group).length).toBeGreaterThanOrEqual(3);
  gateway.kill('SIGKILL');
  await groupGone(group);
});

it('says why a server that does not stay up is not available, and when it is tried again', async () => {
  const target = start({ command: '/bin/sh', args: ['-c', 'exit 3'], restart: { firstMs: 10, maxMs: 60_000 } });
  const { failure } = await send(target, modern('tools/list')).answer;
  expect(failure?.reason).toBe('unavailable');
  expect(failure?.message).toMatch(
    /^server "behind" does not stay up: it ended with code 3 \(3 times; next start in \d+ s\)$/,
  );
  expect(failure?.retryAfterSeconds).toBeGreaterThanOrEqual(1);
});

it('says that a program is missing', async () => {
  const target = start({ command: '/nowhere/server', restart: { firstMs: 10 } });
  const { failure } = await send(target, modern('tools/list')).answer;
  expect(failure?.message).toContain('could not be started: spawn /nowhere/server ENOENT');
});

it('survives that a process cannot be started, however the system says so', async () => {
  const target = start({ command: '/dev/null/server', restart: { firstMs: 10 } });
  const { failure } = await send(target, modern('tools/list')).answer;
  expect(failure?.message).toContain('could not be started: spawn ENOTDIR');

  const script = fileURLToPath(new URL('starved-process.ts', import.meta.url));
  const command = 'ulimit -n 200; exec "$@"';
  const starved = spawn('/bin/sh', ['-c', command, 'sh', process.execPath, script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  starved.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  await once(starved, 'close');
  expect(said).toContain('could not be started: spawn /bin/sh EMFILE');
});

it('ends a child that reads nothing before its input fills the memory', async () => {
  const script = `process.stdin.once('data', () => {
    process.stdin.pause();
    const result = { protocolVersion: '2025-11-25', capabilities: {}, serverInfo: { name: 'deaf', version: '1' } };
    for (const id of ['discover', 'initialize'])
      console.log(JSON.stringify({ jsonrpc: '2.0', id, result }));
    setInterval(() => {}, 1_000);
  });`;
  const target = start({ command: process.execPath, args: ['-e', script], maxMessageBytes: 1_024 });
  const text = 'x'.repeat(4_194_304);
  const calls = Array.from({ length: 6 }, () => send(target, legacy('tools/call', { name: 'a', arguments: { text } })));
  for (const { answer } of calls)
    expect((await answer).failure?.message).toBe('server "behind" did not read its input');
});

it('gives a child what is listed of the environment and what is harmless, and nothing else', async () => {
  process.env['PEREGRINE_TEST_SECRET'] = 'not for children';
  const script = `require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
    const { id, method } = JSON.parse(line);
    const result = method === 'initialize'
      ? { protocolVersion: '2025-11-25', capabilities: {}, serverInfo: { name: 'env', version: '1' } }
      : { env: Object.keys(process.env), given: process.env.GIVEN };
    const answer = method === 'server/discover' ? { error: { code: -32601, message: 'no' } } : { result };
    if (id !== undefined) console.log(JSON.stringify({ jsonrpc: '2.0', id, ...answer }));
  });`;
  const target = start({ command: process.execPath, args: ['-e', script], env: { GIVEN: 'yes' } });
  const { env, given } = (await resultOf(target, legacy('show/environment'))) as { env: string[]; given: string };
  delete process.env['PEREGRINE_TEST_SECRET'];
  expect(given).toBe('yes');
  expect(env).toContain('PATH');
  expect(env).not.toContain('PEREGRINE_TEST_SECRET');
});

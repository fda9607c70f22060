import { afterEach, expect, it } from 'vitest';
import { MergedEndpoint, StdioTarget } from '../../src/balance/balance.ts';
import { createClient, createTransport, textOf } from '../e2e/peers.ts';
import { commandOf } from './foreign/foreign.ts';
import { BEHIND, type Stage, startStage } from './merged-stage.ts';
import { groupGone } from './process-groups.ts';
import { serve } from './serve.ts';

const pick = (...prefixes: string[]) => BEHIND.filter(({ prefix }) => prefixes.includes(prefix));
const undo: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const one of undo.splice(0).reverse()) await one();
});

async function stageOf(prefixes: string[], options: Parameters<typeof startStage>[1] = {}): Promise<Stage> {
  const stage = await startStage(pick(...prefixes), options);
  undo.push(() => stage.stop());
  return stage;
}

async function clientOf(url: URL, era: 'modern' | 'legacy' = 'modern') {
  const client = createClient(era);
  await client.connect(createTransport('http', url));
  undo.push(() => client.close());
  return client;
}

it('opens a new session when a server has forgotten the one before', async () => {
  const stage = await stageOf(['sdk-v1-http']);
  const client = await clientOf(stage.url);
  const call = { name: 'sdk-v1-http_echo', arguments: { text: 'hello' } };
  expect(textOf(await client.callTool(call))).toBe('hello');
  await fetch(new URL('/forget', stage.servers.get('sdk-v1-http')?.url)).then((answer) => answer.text());
  expect(textOf(await client.callTool(call))).toBe('hello');
});

it('serves the others when a server dies, says so of its tools, and leaves them out', async () => {
  const lists = { minTtlMs: 10, maxTtlMs: 10, staleMs: 200 };
  const stage = await stageOf(['sdk-v1-http', 'sdk-v2-http', 'python-http'], { lists });
  const client = await clientOf(stage.url);
  await stage.servers.get('sdk-v2-http')?.stop();
  await expect(client.callTool({ name: 'sdk-v2-http_echo', arguments: { text: 'x' } })).rejects.toThrow(
    /-32010|503|sdk-v2-http/,
  );
  for (const prefix of ['sdk-v1-http', 'python-http'])
    expect(textOf(await client.callTool({ name: `${prefix}_echo`, arguments: { text: 'x' } }))).toBe('x');
  const namesNow = async () => (await client.listTools()).tools.map(({ name }) => name.split('_')[0]);
  await expect
    .poll(async () => new Set(await namesNow()), { timeout: 20_000 })
    .toEqual(new Set(['sdk-v1-http', 'python-http']));
});

it('fails the call that a dying process had, and serves the next one', async () => {
  const target = new StdioTarget(
    { name: 'python', ...commandOf('python', 'stdio'), restart: { firstMs: 10 } },
    { logger: { info: () => {}, warn: () => {} } },
  );
  const endpoint = new MergedEndpoint({ name: 'm', version: '1', servers: [{ prefix: 'py', target }], logger: false });
  undo.push(() => endpoint.close());
  const served = await serve(endpoint);
  undo.push(() => served.stop());
  const client = await clientOf(served.url, 'legacy');
  const [pid = 0] = target.pids;
  const call = client.callTool(
    { name: 'py_slow', arguments: { steps: 100_000 } },
    { onprogress: ({ progress }) => progress === 2 && process.kill(pid, 'SIGKILL') },
  );
  await expect(call).rejects.toThrow('server "python" was ended by SIGKILL');
  await groupGone(pid);
  expect(textOf(await client.callTool({ name: 'py_echo', arguments: { text: 'back' } }))).toBe('back');
});

import { expect, it } from 'vitest';
import { ask, call, Orders, startGateway, startReplica } from './shop.ts';

/** A server over stdio with one tool, in a few lines. */
const STDIO = `
const { createInterface } = require('node:readline');
const answers = {
  initialize: { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'pipe', version: '1' } },
  'tools/list': { tools: [{ name: 'echo', inputSchema: { type: 'object' } }] },
  'tools/call': { content: [{ type: 'text', text: 'from a pipe' }] },
};
createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method } = JSON.parse(line);
  const result = answers[method];
  if (id === undefined) return;
  const body = result === undefined ? { error: { code: -32601, message: 'Method not found' } } : { result };
  process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, ...body }) + '\\n');
});
`;

it('several servers are one behind one endpoint, and go on being it by another configuration', async () => {
  const orders = new Orders();
  const [a, b] = await Promise.all([startReplica('a', orders), startReplica('b', orders)]);
  const servers = {
    shop: { endpoints: [a.url] },
    pipe: { stdio: { command: process.execPath, args: ['-e', STDIO] }, path: '/pipe' },
  };
  const { gateway, urls } = await startGateway(servers.shop, { servers, merge: {} });
  const { merged = '' } = urls;
  expect(urls.servers).toEqual({ pipe: new URL('/pipe', merged).href });

  const toolsOf = async (): Promise<string[]> => {
    const { body } = await ask(merged, 'tools/list');
    return JSON.parse(body).result.tools.map(({ name }: { name: string }) => name);
  };
  expect(new Set(await toolsOf()).isSupersetOf(new Set(['shop_who', 'shop_buy', 'pipe_echo']))).toBe(true);
  expect((await call(merged, 'shop_who')).text).toBe('a');
  expect((await call(merged, 'pipe_echo')).text).toBe('from a pipe');
  expect((await call(urls.servers['pipe'] as string, 'echo')).text).toBe('from a pipe');
  expect(gateway.getStatistics().servers['pipe']?.processes?.length).toBe(1);

  // Other replicas: the merged endpoint stays. Other prefixes: it is another one.
  const moved = { ...servers, shop: { endpoints: [b.url] } };
  expect(await gateway.reload({ servers: moved, merge: {} })).toBe(true);
  expect((await call(merged, 'shop_who')).text).toBe('b');
  expect(await gateway.reload({ servers: moved, merge: { servers: { shop: 's', pipe: 'p' } } })).toBe(true);
  expect((await call(merged, 's_who')).text).toBe('b');
  expect((await call(merged, 'p_echo')).text).toBe('from a pipe');
  expect(await gateway.reload({ servers: { shop: moved.shop } })).toBe(true);
  expect((await call(merged, 'who')).text).toBe('b'); // The path is that of the server now.
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { createOptimizedServer, OptimizedMCPServer } from 'peregrine-mcp';
import { afterAll, beforeAll, expect, it } from 'vitest';
import * as z from 'zod';
import { THRESHOLD_FIGURES } from '../../src/load/load.ts';
import { readDocument } from '../unit/support/samples.ts';
import { runCli } from './run-cli.ts';

class Shop extends OptimizedMCPServer {
  protected override setup(): void {
    const inputSchema = z.object({ category: z.string().optional() });
    this.registerTool('search_products', { inputSchema }, () => ({ content: [{ type: 'text', text: 'none' }] }));
  }
}

const { text } = readDocument('docs/guides/load-testing.md');
const commands = [...text.matchAll(/^peregrine (bench .*)$/gm)].map(([, command = '']) => command);

const folder = mkdtempSync(`${tmpdir()}/load-guide-`);
const server = createOptimizedServer(Shop, {
  ...{ name: 'shop', version: '1.0.0', description: 'A shop', http: { port: 0 }, handleSignals: false },
});
let url = '';
beforeAll(async () => {
  ({ url = '' } = await server.start());
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

it.each(commands)('the guide to load testing has a command that works: %s', async (command) => {
  const words = [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
  const args = words.map((word) =>
    word.replace('http://127.0.0.1:3000/mcp', url).replace(/^run\.(json|html)$/, `${folder}/run.$1`),
  );
  const { code, stderr } = await runCli(...args, '--requests', '60', '--connections', '4', '--warm-up', '20ms');
  expect([code, stderr]).toEqual([0, '']);
});

it('the guide to load testing names every figure of --fail-if', () => {
  expect(commands).toHaveLength(8);
  for (const figure of THRESHOLD_FIGURES) expect(text).toContain(`\`${figure}\``);
});

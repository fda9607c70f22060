import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import * as z from 'zod';
import * as peregrine from '../../../src/index.ts';
import { callTool } from '../support/http.ts';
import { readDocument, runSample } from '../support/samples.ts';

const { text: guide, samples } = readDocument('docs/guides/databases.md');

it('has a server with a query and a transaction', async () => {
  class Prepared extends peregrine.OptimizedMCPServer {
    override async ready(): Promise<void> {
      await super.ready();
      await this.queryDatabase('CREATE TABLE IF NOT EXISTS product (id INTEGER PRIMARY KEY, stock INTEGER)');
      await this.queryDatabase('CREATE TABLE IF NOT EXISTS purchase (product_id INTEGER)');
      await this.queryDatabase('INSERT OR IGNORE INTO product VALUES (1, 1)');
    }
  }
  const create: typeof peregrine.createOptimizedServer = (Class, config) =>
    peregrine.createOptimizedServer(Class, { ...config, http: false, database: 'sqlite::memory:' });
  const values = { z, OptimizedMCPServer: Prepared, createOptimizedServer: create };
  const server = (await runSample(samples[0], values, 'server')) as Prepared;
  const textOf = async (tool: string) => JSON.stringify((await callTool(server, tool, { id: 1 })).result);
  expect(await textOf('order')).toContain('ordered');
  expect(await textOf('order')).toContain('out of stock');
  expect(await textOf('find_product')).toContain('{\\"id\\":1,\\"stock\\":0}');
  await server.stop();
});

it('has a batch, a stream and health', async () => {
  const lines: unknown[][] = [];
  await runSample(samples[1], { ...peregrine, console: { log: (...line: unknown[]) => lines.push(line) } });
  expect(lines).toEqual([['lamp', 'desk'], ['lamp'], ['desk'], ['up']]);
  expect(samples).toHaveLength(2);
});

it('names every code of an error', async () => {
  const { DatabaseError } = peregrine;
  const source = readFileSync(new URL('../../../src/pool/errors.ts', import.meta.url), 'utf8');
  const codes = new Set(source.match(/\b(?:DB|POOL)_[A-Z]+(?:_[A-Z]+)*\b/g));
  expect([...codes].filter((code) => !guide.includes(`\`${code}\``))).toEqual([]);
  expect(new DatabaseError('DB_FAILED', 'shop').message).toBe('database "shop": the statement failed');
});

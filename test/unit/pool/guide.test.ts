import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { expect, it } from 'vitest';
import * as z from 'zod';
import * as peregrine from '../../../src/index.ts';
import { callTool } from '../support/http.ts';

const guide = readFileSync(new URL('../../../docs/guides/databases.md', import.meta.url), 'utf8');
const samples = [...guide.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code = '']) => code);
const AsyncFunction = (async () => {}).constructor as new (
  ...parts: string[]
) => (...values: unknown[]) => Promise<unknown>;

/** Runs a sample, whose imports stand in as values, and answers what it names at its end. */
function run(code: string, values: object, answer = 'undefined'): Promise<unknown> {
  const bare = stripTypeScriptTypes(code.replace(/^import .*$/gm, ''));
  return new AsyncFunction(...Object.keys(values), `${bare}\nreturn ${answer};`)(...Object.values(values));
}

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
  const server = (await run(samples[0] ?? '', values, 'server')) as Prepared;
  const textOf = async (tool: string) => JSON.stringify((await callTool(server, tool, { id: 1 })).result);
  expect(await textOf('order')).toContain('ordered');
  expect(await textOf('order')).toContain('out of stock');
  expect(await textOf('find_product')).toContain('{\\"id\\":1,\\"stock\\":0}');
  await server.stop();
});

it('has a batch, a stream and health', async () => {
  const lines: unknown[][] = [];
  await run(samples[1] ?? '', { ...peregrine, console: { log: (...line: unknown[]) => lines.push(line) } });
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

import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { describe, expect, it } from 'vitest';
import { resolveHttpPoolOptions } from '../../../src/pool/http/http-pool-options.ts';
import { HttpPool } from '../../../src/pool/pool.ts';
import { startServer } from './support.ts';

const guide = readFileSync(new URL('../../../docs/guides/http.md', import.meta.url), 'utf8');
const samples = [...guide.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code = ''], index) => [index + 1, code] as const);
const AsyncFunction = (async () => {}).constructor as new (
  ...parts: string[]
) => (...values: unknown[]) => Promise<void>;

describe('the guide to the HTTP pool', () => {
  it.each(samples)('has samples that run: %i', async (_number, code) => {
    const server = await startServer((_request, response) => response.end('{"ok":true}'));
    const run = new AsyncFunction('HttpPool', 'url', 'signal', stripTypeScriptTypes(code));
    await run(HttpPool, server.url, new AbortController().signal);
  });

  it('lists every option with its default', () => {
    const options = resolveHttpPoolOptions({}, 'http', { cores: 16, memoryBytes: 32e9 });
    const rows = new Map(
      [...guide.matchAll(/^\| `(\w+)` \| ([^|]+?) \|/gm)].map(([, key = '', value = '']) => [key, value]),
    );
    for (const [key, value] of Object.entries(options)) {
      const shown = rows.get(key);
      if (typeof value === 'number' || typeof value === 'boolean')
        expect([key, shown]).toEqual([key, expect.stringContaining(String(value))]);
      else expect([key, shown]).toEqual([key, expect.any(String)]);
    }
  });
});

import { describe, expect, it } from 'vitest';
import { resolveHttpPoolOptions } from '../../../src/pool/http/http-pool-options.ts';
import { HttpPool } from '../../../src/pool/pool.ts';
import { readDocument, runSample } from '../support/samples.ts';
import { startServer } from './support.ts';

const { text: guide, samples } = readDocument('docs/guides/http.md');

describe('the guide to the HTTP pool', () => {
  it.each(samples)('has a sample that runs', async (code) => {
    const server = await startServer((_request, response) => response.end('{"ok":true}'));
    await runSample(code, { HttpPool, url: server.url, signal: new AbortController().signal });
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

import { afterEach, describe, expect, it, vi } from 'vitest';
import * as z from 'zod';
import { resolveCacheOptions } from '../../../src/cache/cache.ts';
import { checkResourceCache, checkToolCache } from '../../../src/registry/cache-rule.ts';
import type { ToolCacheConfig } from '../../../src/registry/registry.ts';
import { createOptimizedServer, OptimizedMCPServer } from '../../../src/server.ts';
import { callTool } from '../support/http.ts';
import { textOf } from '../support/messages.ts';
import { readDocument, runSample } from '../support/samples.ts';
import { serverWith } from '../support/test-server.ts';

const { text: guide, samples } = readDocument('docs/guides/caching.md');

/** Runs a sample, and returns what it made under these names. */
async function run(sample: string | undefined, values: object, made: readonly string[]) {
  return (await runSample(sample, values, `{ ${made.join(', ')} }`)) as Record<string, unknown>;
}

/** The rows of the table under a heading: its first two cells. */
function rowsUnder(heading: string): Map<string, string> {
  const section = guide.slice(guide.indexOf(`\n## ${heading}\n`)).split('\n## ')[1] ?? '';
  return new Map([...section.matchAll(/^\| `(\w+)` \| ([^|]+?) \|/gm)].map(([, key = '', value = '']) => [key, value]));
}

afterEach(() => void vi.restoreAllMocks());

describe('the guide to caching', () => {
  it('has a sample of a server that keeps answers until a tool changes what they say', async () => {
    const asked: unknown[] = [];
    const products = {
      find: async (query: string, limit: number) => `${query} ${limit}, time ${asked.push(query)}`,
      take: async (sku: string) => void asked.push(sku),
    };
    const { server } = await run(samples[0], { OptimizedMCPServer, createOptimizedServer, z, products }, ['server']);
    const shop = server as OptimizedMCPServer;
    const search = async () => textOf(await callTool(shop, 'search_products', { query: 'tea' }));
    expect([await search(), await search()]).toEqual(['tea 10, time 1', 'tea 10, time 1']);
    expect(textOf(await callTool(shop, 'checkout', { sku: 'a' }))).toBe('bought a');
    expect(await search()).toBe('tea 10, time 3');
  });

  it('has a sample of values of one’s own', async () => {
    const fetchRates = vi.fn(async (currency: string, signal: AbortSignal) => ({ currency, aborted: signal.aborted }));
    const server = serverWith();
    const told = vi.spyOn(server, 'sendResourceUpdated');
    const made = await run(samples[1], { server, fetchRates, currency: 'NOK' }, ['rates', 'greeting']);
    expect(made).toEqual({ rates: { currency: 'NOK', aborted: false }, greeting: { text: 'hello' } });
    expect([fetchRates.mock.calls.length, told.mock.calls.length]).toEqual([1, 1]);
    expect(await server.cache.get('greeting')).toBeUndefined();
    expect(await server.cache.get('rates:NOK')).toBeUndefined();
  });

  it('has a sample of metrics', async () => {
    const server = serverWith();
    await server.cache.getOrCompute('a', () => 1);
    await server.cache.getOrCompute('a', () => 1);
    const names = 'hitRate size coalesced computations evictions tooLarge errors droppedWrites'.split(' ');
    const { off, ...numbers } = await run(samples[2], { server }, [...names, 'off']);
    expect(Object.values(numbers)).toEqual([0.5, 1, 0, 1, 0, 0, 0, 0]);
    const written = vi.spyOn(console, 'error').mockImplementation(() => {});
    server.signals.cache.emit({ kind: 'garbage', count: 2 });
    (off as () => void)();
    server.signals.cache.emit({ kind: 'garbage', count: 3 });
    expect(written.mock.calls).toEqual([['cache', 'garbage', 2, undefined]]);
    expect(samples).toHaveLength(3);
  });

  it('lists every option of the configuration with its default', () => {
    const rows = rowsUnder('Configuration');
    const resolved = Object.entries(resolveCacheOptions({}, 'shop'));
    const fixed = resolved.filter(([key]) => !['maxMemoryBytes', 'keyPrefix'].includes(key));
    expect([...rows.keys()]).toEqual(resolved.map(([key]) => key));
    expect(fixed.map(([key]) => [key, rows.get(key)?.replaceAll('`', '')])).toEqual(
      fixed.map(([key, value]) => [key, String(value)]),
    );
  });

  it('is right about the two defaults that it puts into words', () => {
    const memoryOf = (memoryBytes: number) => resolveCacheOptions({}, 'shop', { memoryBytes } as never).maxMemoryBytes;
    const MIB = 2 ** 20;
    expect([0, 4_096 * MIB, 2 ** 50].map(memoryOf)).toEqual([16 * MIB, 64 * MIB, 512 * MIB]);
    expect(resolveCacheOptions({}, 'shop').keyPrefix).toBe('peregrine:shop');
  });

  it('lists every option of a tool, and which of them resources lack', () => {
    const every: Required<ToolCacheConfig> = {
      ttlSeconds: 1,
      scope: 'public',
      tags: [],
      staleSeconds: 1,
      staleIfErrorSeconds: 1,
      key: () => 1,
      evenIfNotReadOnly: true,
    };
    const section = guide.slice(guide.indexOf('\n## Options of a tool'));
    expect([...rowsUnder('Options of a tool and a resource').keys()]).toEqual(Object.keys(every));
    expect(checkToolCache('x', every, undefined)).toBeDefined();
    for (const [key, value] of Object.entries(every)) {
      const isForTools =
        section.includes(`| \`${key}\` |`) &&
        /tools only/.test(section.split(`| \`${key}\` |`)[1]?.split('\n')[0] ?? '');
      const check = () => checkResourceCache('x', { [key]: value });
      if (isForTools) expect(check).toThrow();
      else expect(check()).toBeDefined();
    }
  });
});

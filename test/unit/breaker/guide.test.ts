import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { stripTypeScriptTypes } from 'node:module';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { CircuitBreaker, CircuitBreakers, CircuitOpenError } from '../../../src/breaker/breaker.ts';
import { CIRCUIT_KEYS, resolveCircuitOptions } from '../../../src/breaker/options.ts';
import { createOptimizedServer } from '../../../src/server.ts';
import { IDENTITY, TestServer } from '../support/test-server.ts';

const guide = readFileSync(new URL('../../../docs/guides/circuit-breaker.md', import.meta.url), 'utf8');
const samples = [...guide.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code = '']) => code);
const AsyncFunction = (async () => {}).constructor as new (
  ...parts: string[]
) => (...values: unknown[]) => Promise<void>;

/** Runs a sample against a server, and returns what it wrote. */
async function run(sample: string | undefined, listener: RequestListener): Promise<string[]> {
  const written: string[] = [];
  vi.spyOn(console, 'error').mockImplementation((...parts) => void written.push(parts.join(' ')));
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const values = {
    CircuitBreaker,
    CircuitBreakers,
    CircuitOpenError,
    createOptimizedServer,
    Shop: TestServer,
    identity: IDENTITY,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    signal: new AbortController().signal,
  };
  try {
    const code = stripTypeScriptTypes(sample ?? 'throw new Error("no sample")');
    await new AsyncFunction(...Object.keys(values), code)(...Object.values(values));
  } finally {
    server.closeAllConnections();
    server.close();
  }
  return written;
}

afterEach(() => void vi.restoreAllMocks());

describe('the guide to circuit breakers', () => {
  it('has a sample of one call', async () => {
    const asked: (string | undefined)[] = [];
    const written = await run(samples[0], (request, response) => {
      asked.push(request.url);
      response.end('rain');
    });
    expect({ asked, written }).toEqual({ asked: ['/forecast/Oslo', '/forecast/Rome'], written: [] });
  });

  it('has a sample of many calls', async () => {
    expect(await run(samples[1], (_request, response) => response.end('[]'))).toEqual(['orders closed 0 0']);
  });

  it('has a sample of a server', async () => {
    expect(samples).toHaveLength(3);
    expect(await run(samples[2], () => {})).toEqual(['default closed 0 0']);
  });

  it('lists every option with its default', () => {
    const rows = new Map([...guide.matchAll(/^\| `(\w+)` \| ([^|]+?) \|/gm)].map(([, key, value]) => [key, value]));
    const resolved = resolveCircuitOptions({});
    for (const key of CIRCUIT_KEYS) {
      const value = resolved[key];
      const shown = typeof value === 'number' ? String(value) : expect.any(String);
      expect([key, rows.get(key)]).toEqual([key, shown]);
    }
  });
});

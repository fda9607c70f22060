import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { CircuitBreaker, CircuitBreakers, CircuitOpenError } from '../../../src/breaker/breaker.ts';
import { CIRCUIT_KEYS, resolveCircuitOptions } from '../../../src/breaker/options.ts';
import { createOptimizedServer } from '../../../src/server.ts';
import { captureErrors, readDocument, runSample } from '../support/samples.ts';
import { IDENTITY, TestServer } from '../support/test-server.ts';

const { text: guide, samples } = readDocument('docs/guides/circuit-breaker.md');

/** Runs a sample against a server, and returns what it wrote. */
async function run(sample: string | undefined, listener: RequestListener): Promise<string[]> {
  const written = captureErrors();
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
    await runSample(sample, values);
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

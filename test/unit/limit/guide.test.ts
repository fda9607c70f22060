import { afterEach, describe, expect, it, vi } from 'vitest';
import { batch, ConcurrencyLimiter, debounce, RateLimiter, resolveOverload } from '../../../src/limit/limit.ts';
import { createOptimizedServer, type OptimizedMCPServer } from '../../../src/server.ts';
import { FakeClock } from '../../../src/testing/testing.ts';
import { callTool } from '../support/http.ts';
import { captureErrors, readDocument, runSample } from '../support/samples.ts';
import { IDENTITY, serverWith, TestServer, text } from '../support/test-server.ts';

const { text: guide, samples } = readDocument('docs/guides/overload.md');

/** Runs a sample with what it takes as given, and returns what it wrote. */
async function run(sample: string | undefined, values: object, result?: string) {
  const written = captureErrors();
  return { written, result: await runSample(sample, values, result) };
}

afterEach(() => void vi.restoreAllMocks());

describe('the guide to overload', () => {
  it('has a sample of tools with limits', async () => {
    const server = serverWith();
    const done = () => text('done');
    await run(samples[0], { server, createReport: done, sendMail: done, readStatus: done });
    for (const name of ['report', 'mail', 'status']) expect((await callTool(server, name)).status).toBe(200);
  });

  it('has a sample of a server with limits', async () => {
    const create: typeof createOptimizedServer = (Server, config) =>
      createOptimizedServer(Server, { ...config, clock: new FakeClock() }); // A busy machine is late, and would tell.
    const values = { createOptimizedServer: create, Reports: TestServer, identity: IDENTITY };
    const { result, written } = await run(samples[1], values, 'server');
    const server = result as OptimizedMCPServer;
    server.registerTool('t', {}, () => text('done'));
    const calls = await Promise.all(Array.from({ length: 45 }, () => callTool(server, 't')));
    expect(new Set(calls.map(({ status }) => status))).toEqual(new Set([200, 503]));
    expect(written[0]).toMatch(/^shed rate t \d+$/);
  });

  it('has a sample of code of one’s own', async () => {
    const seen: string[] = [];
    const { written } = await run(samples[2], {
      ...{ ConcurrencyLimiter, RateLimiter, debounce, batch },
      customer: 'one',
      signal: new AbortController().signal,
      callPartner: async () => void seen.push('called'),
      writeState: () => seen.push('written'),
      insertRows: (rows: string[]) => rows.map((row) => `id-${row}`),
    });
    expect(samples).toHaveLength(3);
    expect([seen, written]).toEqual([['called', 'written'], ['id-a id-b']]);
  });

  it('lists every option of a server with its default', () => {
    const rows = new Map(
      [...guide.matchAll(/^\| `(\w+)`[^|]* \| ([^|]+?) \|/gm)].map(([, key, value]) => [key, value]),
    );
    const { rate: _rate, ...resolved } = resolveOverload({});
    for (const [key, value] of Object.entries(resolved)) {
      const isShown = Number.isFinite(value) && key !== 'maxInFlight';
      expect([key, rows.get(key)]).toEqual([key, isShown ? String(value) : expect.any(String)]);
    }
    expect(rows.has('requestsPerSecond')).toBe(true);
  });
});

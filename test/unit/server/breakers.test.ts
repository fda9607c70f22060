import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { OptionError } from '../../../src/kernel/errors.ts';
import { createOptimizedServer, OptimizedMCPServer } from '../../../src/server.ts';
import type { OptimizedServerConfig } from '../../../src/server-config.ts';
import type { BreakerEvent } from '../../../src/signal/signal.ts';
import { FakeClock } from '../../../src/testing/testing.ts';
import { callTool } from '../support/http.ts';
import { IDENTITY, serverWith, text } from '../support/test-server.ts';

/** Nothing listens there. */
const NOWHERE = 'postgres://user:secret@127.0.0.1:1/shop';

class Asking extends OptimizedMCPServer {
  protected override setup(): void {
    this.registerTool('ask', {}, async () => text(await this.queryDatabase('SELECT 1')));
  }
}

function setUp(config: Partial<OptimizedServerConfig>) {
  const clock = new FakeClock();
  const server = createOptimizedServer(Asking, { ...IDENTITY, clock, ...config });
  const events: BreakerEvent[] = [];
  server.signals.breaker.on((event) => events.push(event));
  onTestFinished(() => server.stop());
  return { clock, server, events };
}

describe('the breakers of a server', () => {
  it('refuse queries of a database that cannot be reached, with a code for programs', async () => {
    const { server, events, clock } = setUp({ database: NOWHERE });
    for (let count = 0; count < 5; count++)
      expect(await callTool(server, 'ask')).toMatchObject({
        result: { _meta: { 'peregrine/error': { code: 'DB_UNAVAILABLE' } } },
      });
    expect(await callTool(server, 'ask')).toMatchObject({
      result: { isError: true, _meta: { 'peregrine/error': { code: 'CIRCUIT_OPEN', retryable: true } } },
    });
    expect(events).toMatchObject([{ name: 'default', from: 'closed', to: 'open', failures: 5 }]);
    const { breakers } = server.getPerformanceMetrics();
    expect(breakers).toMatchObject({
      default: { state: 'open', calls: 6, failures: 5, failuresInRow: 5, refused: 1, opened: 1 },
      http: { state: 'closed', calls: 0 },
    });
    clock.advance(999);
    expect(server.getPerformanceMetrics().breakers['default']?.state).toBe('open');
    clock.advance(1);
    expect(server.getPerformanceMetrics().breakers['default']?.state).toBe('half-open');
    await callTool(server, 'ask'); // The probe fails, so the next one comes after twice that time.
    clock.advance(1_999);
    expect(server.getPerformanceMetrics().breakers['default']?.state).toBe('open');
    clock.advance(1);
    expect(server.getPerformanceMetrics().breakers['default']?.state).toBe('half-open');
  });

  it('can be set for each database, and turned off', async () => {
    const { server } = setUp({
      database: { url: NOWHERE, breaker: false },
      databases: { log: { url: NOWHERE, breaker: { threshold: 1 } }, near: 'sqlite::memory:' },
      httpPool: { breaker: false },
    });
    for (let count = 0; count < 7; count++)
      expect(await callTool(server, 'ask')).toMatchObject({
        result: { _meta: { 'peregrine/error': { code: 'DB_UNAVAILABLE' } } },
      });
    expect(Object.keys(server.getPerformanceMetrics().breakers)).toEqual(['log']);
  });

  it('show all origins of the HTTP pool together, those included that made room', async () => {
    const { server, clock, events } = setUp({ httpPool: { maxOrigins: 1, breaker: { threshold: 2 } } });
    const upstream = createServer((_request, response) => void response.writeHead(503).end()).listen(0, '127.0.0.1');
    await new Promise((resolve) => void upstream.once('listening', resolve));
    onTestFinished(() => {
      upstream.closeAllConnections();
      upstream.close();
    });
    const { port } = upstream.address() as AddressInfo;
    for (let count = 0; count < 2; count++) await server.http.request(`http://127.0.0.1:${port}/`);
    expect(events.map(({ name, to }) => [name, to])).toEqual([[`http://127.0.0.1:${port}`, 'open']]);
    expect(server.getPerformanceMetrics().breakers['http']).toMatchObject({ state: 'open', failures: 2, opened: 1 });
    await server.http.request(`http://localhost:${port}/`);
    expect(server.getPerformanceMetrics().breakers['http']).toEqual({
      ...{ state: 'closed', calls: 3, failures: 3, failuresInRow: 1, refused: 0, opened: 1 },
    });
    clock.advance(1);
  });

  it.each([
    [{ database: { url: NOWHERE, breaker: { threshold: 0 } } }, 'database.breaker.threshold'],
    [{ databases: { log: { url: NOWHERE, breaker: { resetTimeout: 0 } } } }, 'databases.log.breaker.resetTimeout'],
    [{ database: { url: NOWHERE, breaker: { timeout: 5 } } }, 'database.breaker.timeout'],
    [{ database: { url: NOWHERE, breaker: true } }, 'database.breaker'],
    [{ httpPool: { breaker: { resetJitter: 2 } } }, 'httpPool.breaker.resetJitter'],
    [{ databases: { http: 'sqlite::memory:' } }, 'databases.http'],
    [{ databases: { threads: 'sqlite::memory:' } }, 'databases.threads'],
    [{ databases: { redis: 'sqlite::memory:' } }, 'databases.redis'],
    [{ databases: [] }, 'databases'],
    [{ database: 5 }, 'database'],
  ])('are checked at construction: %j', (config, option) => {
    const construct = (): unknown => serverWith(undefined, config as object);
    expect(construct).toThrow(OptionError);
    expect(construct).toThrow(expect.objectContaining({ option }));
  });
});

describe('the limits in the metrics', () => {
  it('show what was let in, what waits and what was refused', async () => {
    let open = (): void => {};
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    const { server } = setUp({ overload: { requestsPerSecond: 4 } });
    server.registerTool('slow', { limits: { concurrency: 1, queue: 1 } }, async () => {
      await opened;
      return text('done');
    });
    const calls = [callTool(server, 'slow'), callTool(server, 'slow'), callTool(server, 'slow')];
    await calls[2];
    const { limits } = server.getPerformanceMetrics();
    expect(limits).toMatchObject({
      inFlight: 2,
      admitted: 2,
      overloaded: false,
      delayMs: 0,
      shed: { 'queue-full': 1, rate: 0, delay: 0 },
      shedByClass: { tool: 1, list: 0 },
      server: undefined,
      tools: { slow: { running: 1, queued: 1, entered: 1, refused: { 'queue-full': 1 } } },
    });
    open();
    await Promise.all(calls);
    await callTool(server, 'none');
    expect(server.getPerformanceMetrics().limits).toMatchObject({ inFlight: 0, admitted: 2 });
  });
});

import { describe, expect, it, vi } from 'vitest';
import * as z from 'zod';
import { inputRequired } from '../../../src/registry/registry.ts';
import type { RequestEvent } from '../../../src/signal/signal.ts';
import { FakeClock } from '../../../src/testing/testing.ts';
import { ProtocolError } from '../../../src/wire/wire.ts';
import { callTool, legacy, modern, post } from '../support/http.ts';
import { Peer } from '../support/peer.ts';
import { serverWith, settle, type TestServer, text } from '../support/test-server.ts';

type Config = NonNullable<Parameters<typeof serverWith>[1]>;

function sample(config: Config = {}): TestServer {
  return serverWith((server) => {
    server.registerTool('ok', { inputSchema: z.object({ n: z.number().optional() }) }, () => text(''));
    server.registerTool('fails', {}, () => {
      throw new Error('no');
    });
    server.registerTool('says', {}, () => ({ isError: true, content: [] }));
    server.registerTool('refuses', {}, () => {
      throw new ProtocolError(-32_000, 'no');
    });
    server.registerTool('asks', {}, () => inputRequired({ requestState: 's' }));
    server.registerResource('res', 'x://r/1', {}, (uri) => ({ contents: [{ uri: uri.href, text: '' }] }));
    server.registerPrompt('pro', {}, () => ({ messages: [] }));
  }, config);
}

function eventsOf(server: TestServer): RequestEvent[] {
  const events: RequestEvent[] = [];
  server.signals.request.on((event) => events.push(event));
  return events;
}

describe('getPerformanceMetrics', () => {
  it('counts every request that reached a method, and its errors, exactly', async () => {
    const server = sample();
    const peer = await Peer.legacy(server);
    expect(server.getPerformanceMetrics().requests).toMatchObject({ total: 1, errors: 0 });
    for (let round = 0; round < 10; round++) {
      await callTool(server, 'ok');
      await legacy(server, 'tools/call', { name: 'ok' });
      await peer.modern('tools/call', { name: 'ok' });
    }
    expect(server.getPerformanceMetrics().requests).toMatchObject({ total: 31, errors: 0, errorRate: 0 });
    await callTool(server, 'fails');
    await callTool(server, 'says');
    await callTool(server, 'refuses');
    await callTool(server, 'none');
    await callTool(server, 'ok', { n: 'x' });
    await modern(server, 'none');
    expect(server.getPerformanceMetrics().requests).toMatchObject({ total: 37, errors: 6 });
    expect(server.getPerformanceMetrics().requests.errorRate).toBeCloseTo(6 / 37);
    await callTool(server, 'asks');
    expect(server.getPerformanceMetrics().requests).toMatchObject({ total: 38, errors: 6 });
  });

  it('counts no notification, and nothing twice', async () => {
    const server = sample();
    await post(server, { jsonrpc: '2.0', method: 'notifications/initialized' });
    const peer = await Peer.to(server);
    peer.notify('notifications/initialized');
    expect(server.getPerformanceMetrics().requests.total).toBe(0);
    await post(server, [
      { jsonrpc: '2.0', id: 1, method: 'ping' },
      { jsonrpc: '2.0', id: 1, method: 'ping' },
    ]);
    expect(server.getPerformanceMetrics().requests.total).toBe(2);
  });

  it('knows how long requests took, by the server’s clock', async () => {
    const clock = new FakeClock();
    const server = sample({ clock });
    server.registerTool('slow', {}, () => {
      clock.advance(200);
      return text('');
    });
    await callTool(server, 'slow');
    const { average, p50, p99 } = server.getPerformanceMetrics().responseTime;
    expect(average).toBe(200);
    for (const quantile of [p50, p99]) {
      expect(quantile).toBeGreaterThanOrEqual(200);
      expect(quantile).toBeLessThanOrEqual(200 * (1 + 1 / 32));
    }
  });

  it('keeps business metrics apart from requests', () => {
    const server = sample();
    server.recordCustomMetric('orders', 3);
    expect(server.getPerformanceMetrics()).toMatchObject({
      requests: { total: 0 },
      custom: { orders: { last: 3, count: 1, sum: 3 } },
    });
    expect(() => server.recordCustomMetric('no name', 3)).toThrow();
  });

  it('stays what it was when the server has stopped', async () => {
    const server = sample();
    await callTool(server, 'ok');
    await server.stop();
    expect(server.getPerformanceMetrics().requests.total).toBe(1);
  });
});

describe('the request signal', () => {
  it.each([
    ['a tool', 'tools/call', { name: 'ok' }, 'ok', 'ok'],
    ['a tool that fails', 'tools/call', { name: 'fails' }, 'fails', 'tool_error'],
    ['a tool that refuses', 'tools/call', { name: 'refuses' }, 'refuses', 'error'],
    ['a tool that asks', 'tools/call', { name: 'asks' }, 'asks', 'input_required'],
    ['arguments that do not fit', 'tools/call', { name: 'ok', arguments: { n: 'x' } }, 'ok', 'tool_error'],
    ['an unknown tool', 'tools/call', { name: 'made\nup' }, '', 'error'],
    ['a resource', 'resources/read', { uri: 'x://r/1' }, 'res', 'ok'],
    ['an unknown resource', 'resources/read', { uri: 'x://made/up' }, '', 'error'],
    ['a prompt', 'prompts/get', { name: 'pro' }, 'pro', 'ok'],
    ['an unknown prompt', 'prompts/get', { name: 'made up' }, '', 'error'],
    ['a list', 'tools/list', {}, '', 'ok'],
    ['server/discover', 'server/discover', {}, '', 'ok'],
  ])('labels by what is registered: %s', async (_what, method, params, target, outcome) => {
    const server = sample();
    const events = eventsOf(server);
    await modern(server, method, params);
    expect(events).toMatchObject([{ method, target, outcome }]);
  });

  it('never takes a label from the request', async () => {
    const server = sample();
    const events = eventsOf(server);
    for (const method of ['made/up', 'x'.repeat(1_000), '__proto__', 'tools/call ']) {
      await (await Peer.to(server)).modern(method);
    }
    expect(new Set(events.map((event) => event.method))).toEqual(new Set(['unknown']));
    expect(events).toHaveLength(4);
  });

  it('tells once for each request, even one that is answered and then cancelled', async () => {
    const server = sample();
    const events = eventsOf(server);
    const peer = await Peer.to(server);
    await peer.modern('tools/call', { name: 'ok' }, { id: 1 });
    peer.notify('notifications/cancelled', { requestId: 1 });
    peer.close();
    expect(events).toHaveLength(1);
  });

  it('is not disturbed by a listener that throws', async () => {
    const server = sample();
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    server.signals.request.on(() => {
      throw new Error('of the listener');
    });
    const events = eventsOf(server);
    expect((await callTool(server, 'ok')).result).toBeDefined();
    expect(events).toHaveLength(1);
    await settle();
    expect(String(warned.mock.calls[0]?.[0])).toContain('of the listener');
    warned.mockRestore();
  });
});

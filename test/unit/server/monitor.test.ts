import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { MonitorTick } from '../../../src/server-monitor.ts';
import { FakeClock } from '../../../src/testing/testing.ts';
import { parseExposition } from '../monitor/exposition-parser.ts';
import { callTool, modernFields } from '../support/http.ts';
import { modernRequest } from '../support/messages.ts';
import { faultsOf, gate, serverWith, TestServer, text } from '../support/test-server.ts';

const TOKEN = 'the-token-of-this-test';
const stopping: TestServer[] = [];
afterEach(async () => {
  for (const server of stopping.splice(0)) await server.stop();
});

type Config = NonNullable<Parameters<typeof serverWith>[1]>;

async function started(config: Config = {}, register?: (server: TestServer) => void): Promise<TestServer> {
  const monitor = { prometheusPort: 0, dashboardPort: false } as const;
  const server = serverWith(register, { http: { port: 0 }, handleSignals: false, monitor, ...config });
  stopping.push(server);
  await server.start();
  return server;
}

const urlOf = (server: TestServer, path: string): string => `${server.monitor.outlets[0]?.url}${path}`;

/** Asks as whoever says in `Host` where it wants to go. */
async function get(url: string, headers: Record<string, string> = {}, method = 'GET') {
  const request = httpRequest(url, { method, headers }).end();
  const [response] = await once(request, 'response');
  let body = '';
  for await (const piece of response.setEncoding('utf8')) body += piece;
  return { status: response.statusCode as number, headers: response.headers, body };
}

describe('the metrics server', () => {
  it('serves the metrics in both formats, by GET and HEAD only', async () => {
    const server = await started();
    const plain = await get(urlOf(server, '/metrics'));
    expect(plain.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    const names = parseExposition(plain.body, 'prometheus').map(({ name }) => name);
    expect(names).toContain('process_cpu_seconds');
    const open = await get(urlOf(server, '/metrics?x=1'), { accept: 'application/openmetrics-text' });
    expect(parseExposition(open.body, 'openmetrics').length).toBeGreaterThan(20);
    const head = await get(urlOf(server, '/metrics'), {}, 'HEAD');
    expect(head).toMatchObject({ status: 200, body: '' });
    expect(Number(head.headers['content-length'])).toBeGreaterThan(1_000);
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS'])
      expect(await get(urlOf(server, '/metrics'), {}, method)).toMatchObject({
        status: 405,
        headers: { allow: 'GET, HEAD' },
      });
    for (const path of ['/', '/metrics/', '/Metrics', '/livez/x', '/..']) {
      expect(await get(urlOf(server, path))).toMatchObject({ status: 404 });
    }
  });

  it('without a token refuses who came by another name, with one who does not bring it; health is everybody’s', async () => {
    const open = await started();
    expect(await get(urlOf(open, '/metrics'), { host: 'evil.example' })).toMatchObject({ status: 403 });
    const closed = await started({
      monitor: { host: '0.0.0.0', token: TOKEN, prometheusPort: 0, dashboardPort: false },
    });
    const url = urlOf(closed, '').replace('0.0.0.0', '127.0.0.1');
    for (const authorization of ['', `Bearer ${TOKEN}x`, `Bearer ${TOKEN.slice(1)}`, `Basic ${TOKEN}`]) {
      const refused = await get(`${url}/metrics`, { authorization });
      expect(refused).toMatchObject({ status: 401, headers: { 'www-authenticate': 'Bearer' } });
      expect(refused.body).not.toContain('mcp_');
    }
    const headers = { authorization: `Bearer ${TOKEN}`, host: 'metrics.example' };
    expect(await get(`${url}/metrics`, headers)).toMatchObject({ status: 200 });
    expect(await get(`${url}/livez`, { host: 'pod' })).toMatchObject({ status: 200, body: 'ok\n' });
    expect(await get(`${url}/readyz`, { host: 'pod' })).toMatchObject({ status: 200 });
  });

  it('says when the server is ready, and why it is not, from before setup to the end', async () => {
    const held = gate();
    class Slow extends TestServer {
      protected override setup = () => held.opened;
    }
    const server = new Slow({
      ...{ name: 'slow', version: '1.0.0', description: 'Takes its time', http: { port: 0 }, handleSignals: false },
      monitor: { prometheusPort: 0, dashboardPort: false },
    });
    stopping.push(server);
    const starting = server.start();
    await vi.waitUntil(() => server.monitor.outlets.length === 1);
    const ready = async () => {
      const { status, body } = await get(urlOf(server, '/readyz'));
      return { http: status, ...JSON.parse(body) };
    };
    expect(await ready()).toEqual({ http: 503, status: 'not-ready', reasons: ['not started'], degraded: [] });
    held.open();
    const { url } = await starting;
    expect(await ready()).toEqual({ http: 200, status: 'ready', reasons: [], degraded: [] });
    const called = gate();
    const answering = gate();
    server.registerTool('holds', {}, async () => {
      called.open();
      await answering.opened;
      return text('');
    });
    const params = { name: 'holds' };
    const call = fetch(url as string, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json',
        ...modernFields('tools/call', params),
      },
      body: JSON.stringify(modernRequest('tools/call', params)),
    });
    await called.opened;
    const stopped = server.stop();
    expect(await ready()).toMatchObject({ http: 503, reasons: ['draining'] });
    answering.open();
    expect((await call).status).toBe(200);
    await stopped;
    expect(server.monitor.outlets).toEqual([]);
  });

  it('whose port is taken keeps nobody from being served, and is told of once', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    try {
      const server = serverWith((own) => own.registerTool('ok', {}, () => text('')), {
        http: { port: 0 },
        handleSignals: false,
        monitor: { prometheusPort: port, dashboardPort: false },
      });
      stopping.push(server);
      const faults = faultsOf(server);
      await server.start();
      const problem = `127.0.0.1:${port} is in use by another program: the metrics cannot be read there`;
      expect((await callTool(server, 'ok')).status).toBe(200);
      expect(server.getPerformanceMetrics().outlets).toEqual([{ name: 'metrics', url: null, problem }]);
      expect(await server.monitor.health()).toEqual({ status: 'ready', reasons: [], degraded: [problem] });
      expect(warned.mock.calls).toEqual([[problem, 'PeregrineMonitorWarning']]);
      expect(faults).toMatchObject([{ where: 'monitor', error: { message: problem } }]);
    } finally {
      warned.mockRestore();
      taken.close();
    }
  });

  it('lets go of its port when the server cannot start, and has it again when it can', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const server = serverWith(undefined, {
      http: { port },
      handleSignals: false,
      monitor: { prometheusPort: 0, dashboardPort: false },
    });
    stopping.push(server);
    await expect(server.start()).rejects.toMatchObject({ code: 'LISTEN_FAILED' });
    expect(server.monitor.outlets).toEqual([]);
    taken.close();
    await once(taken, 'close');
    await server.start();
    expect(await get(urlOf(server, '/readyz'))).toMatchObject({ status: 200 });
  });

  it('answers 500 and reports the fault when a source fails', async () => {
    const server = await started();
    const faults = faultsOf(server);
    vi.spyOn(server.http, 'statistics').mockImplementation(() => {
      throw new Error('secret');
    });
    const { status, body } = await get(urlOf(server, '/metrics'));
    expect({ status, body }).toEqual({ status: 500, body: 'internal error\n' });
    expect(faults).toMatchObject([{ where: 'monitor', error: { message: 'secret' } }]);
    expect(await get(urlOf(server, '/livez'))).toMatchObject({ status: 200 });
  });
});

describe('the ticks of the monitor', () => {
  it('come once a second while the server runs, to those who listen', async () => {
    const clock = new FakeClock();
    const server = await started({ clock }, (own) => own.registerTool('ok', {}, () => text('')));
    const ticks: MonitorTick[] = [];
    clock.advance(3_000);
    const forget = server.monitor.onTick((tick) => ticks.push(tick));
    clock.advance(1_000);
    await callTool(server, 'ok');
    clock.advance(1_000);
    expect(ticks).toHaveLength(2);
    expect(ticks[1]).toMatchObject({
      vitals: { at: clock.wallNow(), requests: { perSecond: 1 } },
      targets: [{ method: 'tools/call', target: 'ok', total: 1, perSecond: 1 }],
      snapshot: { at: clock.wallNow() },
    });
    forget();
    clock.advance(2_000);
    await server.stop();
    clock.advance(5_000);
    expect(ticks).toHaveLength(2);
  });
});

describe('a tick that fails', () => {
  it('is a fault, and the next one comes', async () => {
    const clock = new FakeClock();
    const server = await started({ clock });
    const faults = faultsOf(server);
    let ticks = 0;
    server.monitor.onTick(() => ticks++);
    const broken = vi.spyOn(server.http, 'statistics').mockImplementation(() => {
      throw new Error('of the test');
    });
    clock.advance(1_000);
    broken.mockRestore();
    clock.advance(2_000);
    expect(faults).toMatchObject([{ where: 'monitor', error: { message: 'of the test' } }]);
    expect(ticks).toBe(1);
  });
});

describe('a server without a monitor', () => {
  it('listens to requests alone, serves nothing and sets no timer', async () => {
    const clock = new FakeClock();
    const server = serverWith((own) => own.registerTool('ok', {}, () => text('')), { clock, performance: false });
    const { signals } = server;
    for (const name of ['connection', 'cache', 'breaker', 'pool', 'worker', 'placement', 'limit'] as const)
      expect(signals[name].active).toBe(false);
    await callTool(server, 'ok');
    expect(server.getPerformanceMetrics().requests.total).toBe(1);
    await server.monitor.open();
    expect(clock.timers).toBeLessThanOrEqual(1); // That of the limit, while requests come.
    expect(server.monitor.outlets).toEqual([]);
  });

  it('with `false` does not even listen to requests', async () => {
    const server = serverWith((own) => own.registerTool('ok', {}, () => text('')), { monitor: false });
    expect(server.signals.request.active).toBe(false);
    await callTool(server, 'ok');
    expect(server.getPerformanceMetrics()).toMatchObject({ requests: { total: 0 }, responseTime: { p99: 0 } });
    server.recordCustomMetric('sold', 2, { kind: 'counter' });
    expect(server.getPerformanceMetrics().custom).toMatchObject({ sold: { sum: 2 } });
  });
});

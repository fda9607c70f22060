import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import type { LiveMessage } from '../../../src/monitor/monitor.ts';
import { FakeClock } from '../../../src/testing/testing.ts';
import { callTool } from '../support/http.ts';
import { faultsOf, serverWith, type TestServer, text } from '../support/test-server.ts';

const stopping: TestServer[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  for (const server of stopping.splice(0)) await server.stop();
});

function serverOn(dashboardPort: number, clock: FakeClock): TestServer {
  const server = serverWith((made) => made.registerTool('greets', {}, async () => text('hello')), {
    alerts: { logger: { warn: () => {}, info: () => {} } },
    ...{ http: { port: 0 }, handleSignals: false, clock },
    monitor: { prometheusPort: false, dashboardPort },
    alertThresholds: { memoryUsage: 0.000_001 },
  });
  stopping.push(server);
  return server;
}

/** Everything that a page hears. */
function watch(server: TestServer, since = 0): { readonly messages: LiveMessage[]; readonly socket: WebSocket } {
  const messages: LiveMessage[] = [];
  const url = server.monitor.outlets[0]?.url?.replace('http', 'ws');
  const socket = new WebSocket(`${url}/live?since=${since}`);
  socket.on('message', (message) => messages.push(JSON.parse(String(message))));
  return { messages, socket };
}

describe('the dashboard of a server', () => {
  it('tells each second what the server did', async () => {
    const clock = new FakeClock();
    const server = serverOn(0, clock);
    await server.start();
    clock.advance(2_000); // the first reading has nothing before it
    for (let call = 0; call < 4; call++) await callTool(server, 'greets', {});
    const { messages } = watch(server);
    await vi.waitUntil(() => messages.length === 1);
    expect(messages[0]).toMatchObject({
      type: 'hello',
      server: { name: 'unit', version: '1.2.3', peregrine: expect.stringMatching(/^\d+\.\d+\.\d+/) },
      instances: [{ name: '', state: 'ready', reasons: [], degraded: [] }],
      seconds: { at: [clock.wallNow()] },
    });
    clock.advance(1_000);
    await vi.waitUntil(() => messages.length === 2);
    expect(messages[1]).toMatchObject({
      type: 'tick',
      vitals: { at: clock.wallNow(), requests: { perSecond: 4 } },
      targets: [{ method: 'tools/call', target: 'greets', total: 4, perSecond: 4 }],
      instances: [{ vitals: { requests: { perSecond: 4 } } }],
    });
  });

  it('tells of alerts when they fire, and of what does not work', async () => {
    const clock = new FakeClock();
    vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const server = serverOn(0, clock);
    await server.start();
    clock.advance(120_000);
    const { messages } = watch(server);
    await vi.waitUntil(() => messages.length === 1);
    expect(messages[0]?.alerts).toMatchObject([{ key: 'memoryUsage', state: 'firing', threshold: 0.000_001 }]);
    server.monitor.addOutlet({ name: 'metrics', url: null, problem: 'no metrics here' });
    await vi.waitUntil(() => {
      clock.advance(1_000);
      return messages.at(-1)?.instances[0]?.degraded.includes('no metrics here');
    });
  });

  it('remembers while it is closed and opened again', async () => {
    const clock = new FakeClock();
    const server = serverOn(0, clock);
    await server.start();
    clock.advance(3_000);
    const before = clock.wallNow();
    await server.monitor.close();
    await server.monitor.open();
    clock.advance(3_000);
    const { messages } = watch(server);
    await vi.waitUntil(() => messages.length === 1);
    const [hello] = messages;
    expect(hello?.type === 'hello' && hello.seconds.at).toContain(before);
    const socket = watch(server).socket;
    await once(socket, 'open');
    const closed = once(socket, 'close');
    await server.stop();
    await closed;
  });

  it('is not there when its port is taken, which the server says and survives', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    const warnings = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const server = serverOn(port, new FakeClock());
    const faults = faultsOf(server);
    await server.start();
    const problem = `127.0.0.1:${port} is in use by another program: the dashboard cannot be read there`;
    expect(warnings).toHaveBeenCalledWith(problem, 'PeregrineMonitorWarning');
    expect(faults).toMatchObject([{ where: 'monitor', error: { message: problem } }]);
    expect(await server.monitor.health()).toMatchObject({ status: 'ready', degraded: [problem] });
    expect((await callTool(server, 'greets', {})).status).toBe(200);
    other.close();
  });
});

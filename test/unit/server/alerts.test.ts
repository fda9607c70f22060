import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { describe, expect, it, vi } from 'vitest';
import type { AlertRecord } from '../../../src/index.ts';
import { FakeClock } from '../../../src/testing/testing.ts';
import { callTool } from '../support/http.ts';
import { serverWith, type TestServer, text } from '../support/test-server.ts';

const logger = { info: () => {}, warn: () => {} };

/** A server that is started, listens nowhere, and has a tool that fails when told to. */
async function started(config: Parameters<typeof serverWith>[1]): Promise<{ server: TestServer; clock: FakeClock }> {
  const clock = new FakeClock();
  const register = (server: TestServer): void => {
    server.registerTool('record_item', {}, () => text('ok'));
    server.registerTool('fails', {}, () => {
      throw new Error('an error of the test');
    });
  };
  const server = serverWith(register, { http: false, handleSignals: false, clock, ...config });
  await server.start();
  return { server, clock };
}

async function seconds(count: number, tool: string, { server, clock }: { server: TestServer; clock: FakeClock }) {
  for (let second = 0; second < count; second++) {
    await Promise.all([callTool(server, tool), callTool(server, tool)]);
    clock.advance(1_000);
  }
}

describe('alerts of a server', () => {
  it('are events, and are posted to a webhook', async () => {
    const posted: { text: string; server: string }[] = [];
    const receiver = createServer((request, response) => {
      void json(request).then((body) => {
        posted.push(body as { text: string; server: string });
        response.end();
      });
    }).listen(0, '127.0.0.1');
    await once(receiver, 'listening');
    const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;
    const both = await started({ alerts: { logger, webhook: { url } }, alertThresholds: { memoryUsage: false } });
    const records: AlertRecord[] = [];
    both.server.on('alert', (record) => records.push(record));
    for (const [count, tool] of [
      [1, 'fails'],
      [2, 'record_item'],
    ] as const) {
      for (let second = 0; second < 100 && records.length < count; second++) await seconds(1, tool, both);
      // Time stands still meanwhile, or the post would run into its limit.
      const settled = () => {
        expect(posted).toHaveLength(count);
        expect(both.server.getPerformanceMetrics().pools['http']?.inUse).toBe(0);
      };
      await vi.waitFor(settled, { timeout: 10_000, interval: 1 });
    }
    expect(records.map(({ id, key, state }) => `${id} ${key} ${state}`)).toEqual([
      '1 errorRate firing',
      '1 errorRate cleared',
    ]);
    expect(both.server.monitor.alerts.history).toEqual([records[1]]);
    expect(posted.map(({ server, text }) => `${server}: ${text}`)).toEqual([
      'unit: Error rate is 100 %, above 5 %',
      expect.stringMatching(/^unit: Error rate is \S+ % again \(threshold 5 %\)$/),
    ]);
    await both.server.stop();
    receiver.close();
  });

  it("are watched for with a monitor, and with thresholds of one's own", async () => {
    const quiet = await started({ monitor: { prometheusPort: false, dashboardPort: false }, alerts: { logger } });
    await seconds(65, 'fails', quiet);
    expect(quiet.server.monitor.alerts.firing).toMatchObject([{ key: 'errorRate', value: 100 }]);
    await quiet.server.stop();
    const off = await started({ alertThresholds: { errorRate: false }, alerts: { logger } });
    await seconds(65, 'fails', off);
    expect(off.server.monitor.alerts.firing).toEqual([]);
    await off.server.stop();
    const none = await started({});
    await seconds(65, 'fails', none);
    expect(none.server.monitor.alerts.firing).toEqual([]);
    await none.server.stop();
  });

  it('cannot be had without counting', () => {
    expect(() => serverWith(undefined, { monitor: false, alerts: {} })).toThrow(
      'option "monitor" must not be false for alerts, got false',
    );
  });
});

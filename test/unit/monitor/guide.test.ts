import { createHmac, timingSafeEqual } from 'node:crypto';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { resolveAlerts } from '../../../src/monitor/alerts/alert-options.ts';
import { ALERT_RULES, clearingThreshold } from '../../../src/monitor/alerts/alert-rules.ts';
import { Webhook } from '../../../src/monitor/alerts/webhook.ts';
import { resolveMonitorOptions } from '../../../src/monitor/options.ts';
import { resolveOtlp } from '../../../src/monitor/otlp-options.ts';
import { createOptimizedServer, type OptimizedMCPServer } from '../../../src/server.ts';
import type { OptimizedServerConfig } from '../../../src/server-config.ts';
import { FakeClock } from '../../../src/testing/testing.ts';
import { readDocument, runSample } from '../support/samples.ts';
import { IDENTITY, TestServer } from '../support/test-server.ts';

const { text: guide, samples } = readDocument('docs/guides/monitoring.md');

/** Runs a sample without its imports, with what it takes as given. */
async function run<T>(sample: string | undefined, values: object, result: string): Promise<T> {
  return (await runSample(sample, values, result)) as T;
}

/** The rows of a table, by their first cell. */
function tableAfter(title: string): Map<string, string[]> {
  const [table = ''] = guide.slice(guide.indexOf(`| ${title} |`)).split('\n\n');
  const rows = table.split('\n').map((row) => row.split('|').map((cell) => cell.trim()));
  return new Map(rows.slice(2).map(([, key = '', ...cells]) => [key.replaceAll('`', ''), cells]));
}

const given = { createOptimizedServer, Catalogue: TestServer, identity: { ...IDENTITY, http: false } };

afterEach(() => void vi.restoreAllMocks());

describe('the guide to monitoring', () => {
  it('has samples of servers that can be made', async () => {
    const configs: OptimizedServerConfig[] = [];
    for (const sample of [samples[0], samples[1], samples[3]]) {
      const values = { ...given, webhookSecret: 'a secret of the test', apiKey: 'k' };
      configs.push((await run<OptimizedMCPServer>(sample, values, 'server')).config);
    }
    expect(configs.map(({ monitor }) => monitor)).toEqual([true, true, { otlp: expect.any(Object) }]);
    expect(samples).toHaveLength(4);
  });

  it('shows the event of an alert', async () => {
    const written = vi.spyOn(console, 'error').mockImplementation(() => {});
    const values = { ...given, webhookSecret: 'a secret of the test' };
    const server = await run<OptimizedMCPServer>(samples[1], values, 'server');
    const times = { firedAt: 0, clearedAt: null };
    const alert = {
      id: 1,
      key: 'connectionPool',
      subject: 'main',
      instance: '',
      state: 'firing',
      value: 97,
      threshold: 90,
    } as const;
    server.emit('alert', { ...alert, ...times });
    expect(written.mock.calls).toEqual([['connectionPool', 'main', 'firing', 97]]);
  });

  it('verifies what a server posts, and nothing else', async () => {
    const isGenuine = await run<(body: string, signature: string, secret: string) => boolean>(
      samples[2],
      { createHmac, timingSafeEqual },
      'isGenuine',
    );
    const secret = 'a secret of the test';
    const posted: { body: string; signature: string }[] = [];
    const clock = new FakeClock(Date.now());
    const webhook = new Webhook({
      settings: { url: 'http://receiver.example/', secret, timeoutMs: 1_000, retries: 0 },
      server: 'unit',
      clock,
      random: () => 0.5,
      logger: { info: () => {}, warn: () => {} },
      post: async (_, { body, headers }) => {
        posted.push({ body, signature: headers['peregrine-signature'] ?? '' });
        return { status: 204, body: null };
      },
    });
    const times = { firedAt: 0, clearedAt: null };
    webhook.send({
      id: 1,
      key: 'cpuUsage',
      subject: '',
      instance: '',
      state: 'firing',
      value: 97,
      threshold: 85,
      ...times,
    });
    const [{ body, signature }] = posted as [{ body: string; signature: string }];
    expect(isGenuine(body, signature, secret)).toBe(true);
    expect(isGenuine(`${body} `, signature, secret)).toBe(false);
    expect(isGenuine(body, signature, 'another secret')).toBe(false);
    expect(isGenuine(body, '', secret)).toBe(false);
    vi.spyOn(Date, 'now').mockReturnValue(clock.wallNow() + 301_000);
    expect(isGenuine(body, signature, secret)).toBe(false);
  });

  it('lists every alert with its thresholds', () => {
    const rows = tableAfter('key of `alertThresholds`');
    expect([...rows.keys()]).toEqual(ALERT_RULES.map(({ key }) => key));
    for (const rule of ALERT_RULES) {
      const [threshold, clears] = rows.get(rule.key) ?? [];
      expect([Number(threshold), Number(clears)]).toEqual([rule.threshold, clearingThreshold(rule, rule.threshold)]);
    }
  });

  it('lists every option with its default', () => {
    const shown = (value: unknown): string => (Array.isArray(value) ? value.join(', ') : String(value));
    const { webhook, profile } = resolveAlerts({}, { webhook: { url: 'http://a' }, profile: { directory: 'd' } });
    const ofAlerts = tableAfter('option of `alerts`');
    const nested = { webhook: { ...webhook }, profile: { ...profile } } as Record<string, Record<string, unknown>>;
    const names = Object.entries(nested).flatMap(([part, options]) =>
      Object.keys(options).map((key) => `${part}.${key}`),
    );
    expect([...ofAlerts.keys()]).toEqual(['logger', ...names]);
    for (const name of ['webhook.timeoutMs', 'webhook.retries', 'profile.kinds', 'profile.seconds', 'profile.atMost']) {
      const [part = '', key = ''] = name.split('.');
      expect(ofAlerts.get(name)?.[0], name).toBe(shown(nested[part]?.[key]));
    }
    const otlp = resolveOtlp({ endpoint: 'http://a' });
    const ofOtlp = tableAfter('option of `monitor.otlp`');
    expect([...ofOtlp.keys()]).toEqual(Object.keys(otlp ?? {}));
    for (const key of ['metrics', 'traces', 'intervalMs', 'sampleRatio'] as const)
      expect(ofOtlp.get(key)?.[0]).toBe(shown(otlp?.[key]));
    const { prometheusPort, dashboardPort, access } = resolveMonitorOptions(true);
    const ofMonitor = tableAfter('option of `monitor`');
    expect([
      ofMonitor.get('prometheusPort')?.[0],
      ofMonitor.get('dashboardPort')?.[0],
      ofMonitor.get('host')?.[0],
    ]).toEqual([prometheusPort, dashboardPort, access.host].map(String));
  });
});

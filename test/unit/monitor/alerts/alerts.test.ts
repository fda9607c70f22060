import { describe, expect, it, vi } from 'vitest';
import { type AlertOptions, resolveAlerts } from '../../../../src/monitor/alerts/alert-options.ts';
import { Alerts } from '../../../../src/monitor/alerts/alerts.ts';
import type { PostRequest } from '../../../../src/monitor/alerts/webhook.ts';
import type { AlertRecord } from '../../../../src/monitor/monitor.ts';
import { FakeClock } from '../../../../src/testing/testing.ts';
import { settle } from '../../support/test-server.ts';
import { type Second, vitalsOf } from './vitals-of.ts';

function watch(
  options: Omit<AlertOptions, 'logger'> = {},
  post: PostRequest = async () => ({ status: 200, body: null }),
) {
  const clock = new FakeClock();
  const lines: string[] = [];
  const logger = {
    info: (details: object, line: string) => lines.push(`info ${Object.keys(details)}: ${line}`),
    warn: (details: object, line: string) => lines.push(`warn ${Object.keys(details)}: ${line}`),
  };
  const settings = resolveAlerts({}, { ...options, logger });
  const alerts = new Alerts({ settings, server: 'unit', clock, random: () => 0.5, post });
  const records: AlertRecord[] = [];
  alerts.changed.on((record) => records.push(record));
  const seconds = (count: number, second: Second): void => {
    for (let index = 0; index < count; index++) {
      clock.advance(1_000);
      alerts.observe('', vitalsOf(second));
    }
  };
  return { alerts, lines, records, seconds };
}

describe('Alerts', () => {
  it('tells each outlet when one fires and when it clears', async () => {
    const posted: string[] = [];
    const post: PostRequest = async (_, { body }) => {
      posted.push(JSON.parse(body).text);
      return { status: 200, body: null };
    };
    const { alerts, lines, records, seconds } = watch({ webhook: { url: 'http://receiver.example/' } }, post);
    seconds(60, { hits: 6, misses: 4 });
    expect(alerts.firing).toEqual(records);
    seconds(60, { hits: 9, misses: 1 });
    expect(records.map(({ state }) => state)).toEqual(['firing', 'cleared']);
    expect(lines).toEqual([
      'warn alert: Cache hit rate is 60 %, below 70 %',
      'info alert: Cache hit rate is 90 % again (threshold 70 %)',
    ]);
    await settle();
    expect(posted).toEqual(lines.map((line) => line.replace(/^\w+ alert: /, '')));
    expect(alerts.history).toEqual([records[1]]);
    alerts.close();
  });

  it('goes on when a listener throws', async () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const { alerts, records, seconds } = watch();
    alerts.changed.on(() => {
      throw new Error('a listener of the test');
    });
    alerts.changed.on((record) => records.push(record));
    seconds(60, { cpu: 100 });
    expect(records).toHaveLength(2);
    await settle();
    expect(warned.mock.calls).toEqual([[expect.stringContaining('a listener of the test'), 'PeregrineListenerError']]);
    warned.mockRestore();
  });

  it('clears what fired for an instance that is gone', () => {
    const { alerts, records, seconds } = watch();
    seconds(60, { cpu: 100 });
    alerts.forget('');
    expect(records.map(({ state }) => state)).toEqual(['firing', 'cleared']);
  });
});

import { describe, expect, it } from 'vitest';
import { type AlertOptions, resolveAlerts } from '../../../../src/monitor/alerts/alert-options.ts';

const refused = (alertThresholds: unknown, alerts: unknown): string => {
  try {
    resolveAlerts(alertThresholds, alerts);
    return 'accepted';
  } catch (error) {
    return (error as Error).message;
  }
};

describe('resolveAlerts', () => {
  it('has the defaults of the guide', () => {
    const { thresholds, webhook, profile } = resolveAlerts(undefined, undefined);
    expect({ thresholds, webhook, profile }).toEqual({
      thresholds: {
        cpuUsage: 85,
        memoryUsage: 90,
        responseTime: 5_000,
        errorRate: 5,
        cacheHitRate: 70,
        connectionPool: 90,
      },
      webhook: undefined,
      profile: undefined,
    });
  });

  it('takes thresholds, and turns off what is false', () => {
    const { thresholds } = resolveAlerts({ cpuUsage: 0.5, errorRate: false, responseTime: 60_000 }, {});
    expect(thresholds).toMatchObject({ cpuUsage: 0.5, errorRate: false, responseTime: 60_000, memoryUsage: 90 });
  });

  it('fills in what a webhook and profiles leave out', () => {
    const alerts: AlertOptions = { webhook: { url: 'https://hooks.example/x' }, profile: { directory: 'profiles' } };
    expect(resolveAlerts({}, alerts)).toMatchObject({
      webhook: { url: 'https://hooks.example/x', secret: undefined, timeoutMs: 10_000, retries: 5 },
      profile: { directory: 'profiles', kinds: ['cpu', 'heap'], seconds: 10, atMost: 5 },
    });
  });

  it.each<[string, unknown, unknown]>([
    ['option "alertThresholds.cpu" is not known', { cpu: 1 }, {}],
    ['option "alertThresholds.cpuUsage" must be a number from 0 to 100, got 101', { cpuUsage: 101 }, {}],
    ['option "alertThresholds.responseTime" must be a number from 0 to 3600000, got "5s"', { responseTime: '5s' }, {}],
    ['option "alertThresholds.errorRate" must be a number from 0 to 100, got true', { errorRate: true }, {}],
    ['option "alerts.webhok" is not known (did you mean "webhook"?), got an object', {}, { webhok: {} }],
    [
      'option "alerts.logger" must be false or an object with info and warn, such as a pino logger, got true',
      {},
      { logger: true },
    ],
    [
      'option "alerts.webhook.retries" must be an integer from 0 to 100, got -1',
      {},
      { webhook: { url: 'http://a', retries: -1 } },
    ],
    ['option "alerts.profile.directory" must be a non-empty string, got undefined', {}, { profile: {} }],
    [
      'option "alerts.profile.kinds" must be a list of "cpu" and "heap", got an array of 1',
      {},
      { profile: { directory: 'd', kinds: ['gpu'] } },
    ],
  ])('says %s', (message, alertThresholds, alerts) => {
    expect(refused(alertThresholds, alerts)).toContain(message);
  });

  it.each(['ftp://a', 'nonsense-secret', 'https://user:secret@a', '/secret', 7])(
    'refuses the URL %s without showing it',
    (url) => {
      const message = refused({}, { webhook: { url } });
      expect(message).toMatch(/^option "alerts\.webhook\.url" must be a URL of http: or https:/);
      expect(message).not.toMatch(/secret|ftp/);
    },
  );

  it('refuses a short secret without showing it', () => {
    const message = refused({}, { webhook: { url: 'https://a', secret: 'short' } });
    expect(message).toMatch(/^option "alerts\.webhook\.secret" must be a string of at least 16 characters/);
    expect(message).not.toContain('short');
  });
});

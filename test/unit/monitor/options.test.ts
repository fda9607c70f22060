import { describe, expect, it } from 'vitest';
import { OptionError } from '../../../src/kernel/errors.ts';
import { resolveMonitorOptions } from '../../../src/monitor/options.ts';

describe('resolveMonitorOptions', () => {
  it.each([
    [undefined, { counts: 'requests', prometheusPort: undefined, dashboardPort: undefined }],
    [false, { counts: 'nothing', prometheusPort: undefined, dashboardPort: undefined }],
    [true, { counts: 'all', prometheusPort: 9_090, dashboardPort: 3_001 }],
    [{}, { counts: 'all', prometheusPort: 9_090, dashboardPort: 3_001 }],
    [{ prometheusPort: false }, { counts: 'all', prometheusPort: undefined, dashboardPort: 3_001 }],
    [
      { prometheusPort: 0, dashboardPort: 0 },
      { counts: 'all', prometheusPort: 0, dashboardPort: 0 },
    ],
  ])('%o', (options, resolved) => {
    expect(resolveMonitorOptions(options)).toMatchObject({ ...resolved, access: { host: '127.0.0.1' } });
  });

  it.each([
    [null, 'monitor'],
    ['on', 'monitor'],
    [[], 'monitor'],
    [{ port: 1 }, 'monitor.port'],
    [{ prometheusPort: true }, 'monitor.prometheusPort'],
    [{ prometheusPort: 65_536 }, 'monitor.prometheusPort'],
    [{ dashboardPort: '1' }, 'monitor.dashboardPort'],
    [{ dashboardPort: 9_090 }, 'monitor.dashboardPort'],
    [{ host: '0.0.0.0' }, 'monitor.token'],
    [{ host: 5 }, 'monitor.host'],
    [{ token: 'short' }, 'monitor.token'],
  ])('refuses %o, naming %s', (options, name) => {
    expect(() => resolveMonitorOptions(options)).toThrow(OptionError);
    expect(() => resolveMonitorOptions(options)).toThrow(`"${name}"`);
  });
});

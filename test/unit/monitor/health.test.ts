import { describe, expect, it } from 'vitest';
import { HealthCheck, type HealthSources } from '../../../src/monitor/health.ts';
import { FakeClock } from '../../../src/testing/testing.ts';

const WELL: HealthSources = {
  state: () => 'ready',
  overloaded: () => false,
  breakers: () => ({ redis: 'closed' }),
  cacheTierUp: () => true,
  databases: async () => ({ shop: { status: 'up' } }),
  outlets: () => [{ name: 'metrics', url: 'http://127.0.0.1:9090', problem: null }],
};

const check = (sources: Partial<HealthSources>, clock = new FakeClock()) =>
  new HealthCheck({ ...WELL, ...sources }, clock).report();

describe('HealthCheck', () => {
  it('is ready when nothing is wrong', async () => {
    expect(await check({})).toEqual({ status: 'ready', reasons: [], degraded: [] });
    expect(await check({ cacheTierUp: () => undefined })).toMatchObject({ degraded: [] });
  });

  it.each([
    ['starting', 'not started'],
    ['draining', 'draining'],
  ] as const)('is not ready while it is %s', async (state, reason) => {
    expect(await check({ state: () => state })).toEqual({ status: 'not-ready', reasons: [reason], degraded: [] });
  });

  it('stays ready for what others have or share, and says it', async () => {
    const report = await check({
      overloaded: () => true,
      breakers: () => ({ redis: 'open', shop: 'half-open', well: 'closed' }),
      cacheTierUp: () => false,
      databases: async () => ({ shop: { status: 'down' }, well: { status: 'up' } }),
      outlets: () => [{ name: 'metrics', url: null, problem: 'a port is in use' }],
    });
    expect(report).toEqual({
      status: 'ready',
      reasons: [],
      degraded: [
        'overloaded',
        'breaker redis is open',
        'breaker shop is half-open',
        'the second tier of the cache is not used',
        'database shop is down',
        'a port is in use',
      ],
    });
  });

  it('asks the databases at most every five seconds, once for all who ask', async () => {
    const clock = new FakeClock();
    let asked = 0;
    const databases = async () => ({ [`shop ${++asked}`]: { status: 'down' as const } });
    const health = new HealthCheck({ ...WELL, databases }, clock);
    await Promise.all([health.report(), health.report()]);
    clock.advance(4_999);
    expect(await health.report()).toMatchObject({ degraded: ['database shop 1 is down'] });
    expect(asked).toBe(1);
    clock.advance(1);
    expect(await health.report()).toMatchObject({ degraded: ['database shop 2 is down'] });
  });

  it('says that the databases cannot be asked rather than fail', async () => {
    const report = await check({ databases: () => Promise.reject(new Error('secret')) });
    expect(report).toMatchObject({ status: 'ready', degraded: ['databases cannot be asked'] });
  });

  it('does not wait for a database that hangs', async () => {
    const clock = new FakeClock();
    const report = check({ databases: () => new Promise(() => {}) }, clock);
    clock.advance(1_000);
    expect(await report).toMatchObject({ status: 'ready', degraded: ['databases do not answer in time'] });
    expect(clock.timers).toBe(0);
  });
});

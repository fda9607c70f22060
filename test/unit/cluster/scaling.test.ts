import { afterEach, describe, expect, it } from 'vitest';
import { Supervisor } from '../../../src/cluster/cluster.ts';
import { METRICS, type MetricSnapshot } from '../../../src/monitor/monitor.ts';
import { type FakeInstance, FakeLauncher, fakeOptions, settle } from './fake-launcher.ts';

const supervisors: Supervisor[] = [];
afterEach(async () => {
  await Promise.all(supervisors.splice(0).map((supervisor) => supervisor.stop()));
});

async function start(minInstances: number, maxInstances: number) {
  const launcher = new FakeLauncher('process', true);
  const lines: string[] = [];
  const logger = { info: (_: object, line: string) => lines.push(line), warn: () => {} };
  const { given, clock } = fakeOptions({ minInstances, maxInstances, launcher, logger });
  const supervisor = new Supervisor({ ...given, prometheusPort: false, dashboardPort: false });
  supervisors.push(supervisor);
  const starting = supervisor.start();
  launcher.at(0).serves();
  await starting;
  const busy = new Map<FakeInstance, number>();
  /** Lets seconds pass in which all instances together are as busy as so many event loops. */
  const pass = async (seconds: number, loops: number) => {
    for (let second = 0; second < seconds; second++) {
      for (const instance of launcher.launched) instance.serves();
      const living = launcher.launched.filter((one) => supervisor.instances.some(({ pid }) => pid === one.pid));
      for (const instance of living) {
        busy.set(instance, (busy.get(instance) ?? 0) + Math.min(1, loops / living.length));
        const health = { status: 'ready', reasons: [], degraded: [] } as const;
        instance.says({
          kind: 'tick',
          snapshot: snapshotOf(instance, clock.wallNow(), busy.get(instance) ?? 0),
          health,
        });
      }
      launcher.beatFor(clock, 1_000);
      await settle();
    }
  };
  const count = () => supervisor.instances.filter(({ stage }) => stage === 'ready').length;
  return { launcher, clock, pass, count, lines };
}

function snapshotOf(instance: FakeInstance, at: number, busy: number): MetricSnapshot {
  const counter = (metric: keyof typeof METRICS, value: number) => ({
    ...METRICS[metric],
    samples: [{ labels: {}, value }],
  });
  const seconds = at / 1_000;
  const families = [
    counter('loopActive', busy),
    counter('loopIdle', seconds - busy),
    counter('requests', busy * 1_000),
  ];
  return { instance: instance.place.name, at, startedAt: 0, families };
}

describe('the number of instances', () => {
  it('grows within seconds with what there is to do, to its most', async () => {
    const { pass, count, launcher } = await start(2, 8);
    await pass(10, 0.6);
    expect(count()).toBe(2);
    await pass(10, 6);
    expect(count()).toBeGreaterThan(3);
    await pass(20, 8);
    expect(count()).toBe(8);
    expect(launcher.at(0).told).toContain('scale');
  });

  it('falls only once minutes have needed less, at most by half at a time', async () => {
    const { pass, count, lines } = await start(2, 8);
    await pass(30, 8);
    expect(count()).toBe(8);
    await pass(110, 0.3);
    expect(count()).toBe(8);
    await pass(200, 0.3);
    expect(count()).toBe(2);
    expect(lines.filter((line) => line.startsWith('from'))).toContain('from 8 to 4 instances');
  });

  it('is nothing any more when it is stopped while it starts, at whatever point', async () => {
    for (const turns of [0, 1, 2, 3, 4, 6]) {
      const launcher = new FakeLauncher('process', true);
      const { given, clock } = fakeOptions({ launcher });
      const supervisor = new Supervisor({ ...given, prometheusPort: 0, dashboardPort: 0 });
      const starting = supervisor.start();
      starting.catch(() => {});
      if (turns > 0) launcher.at(0).serves();
      for (let turn = 1; turn < turns; turn++) await Promise.resolve();
      const stopped = supervisor.stop();
      const outcome = await starting.then(
        ({ outlets }) => outlets.length,
        ({ code }) => code,
      );
      await stopped;
      expect([outcome, clock.timers]).toEqual(['STOPPED', 0]);
    }
  });

  it('stays as it is where it is fixed', async () => {
    const { pass, count } = await start(3, 3);
    await pass(30, 3);
    expect(count()).toBe(3);
  });
});

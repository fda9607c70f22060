import { get } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { Supervisor, type SupervisorOptions } from '../../../src/cluster/cluster.ts';
import type { HealthReport, MetricSnapshot } from '../../../src/monitor/monitor.ts';
import { type FakeInstance, FakeLauncher, fakeOptions, settle } from './fake-launcher.ts';

const supervisors: Supervisor[] = [];
afterEach(async () => {
  await Promise.all(supervisors.splice(0).map((supervisor) => supervisor.stop()));
});

const PORTS = { prometheusPort: 0, dashboardPort: false } as const;
const READY: HealthReport = { status: 'ready', reasons: [], degraded: [] };

async function startSupervisor(options: Partial<SupervisorOptions> = PORTS, settings: object = {}) {
  const launcher = new FakeLauncher('process', true);
  const { given, clock } = fakeOptions({ minInstances: 2, launcher, ...options });
  const supervisor = new Supervisor(given);
  supervisors.push(supervisor);
  const starting = supervisor.start();
  const all = {
    monitor: undefined,
    alertThresholds: undefined,
    alerts: { logger: false },
    scaling: undefined,
    stateCharacters: 2 ** 28,
    ...settings,
  };
  const server = { name: 'fake', version: '1' };
  launcher.at(0).says({ kind: 'started', url: 'http://127.0.0.1:4321/mcp', server, settings: all });
  const { outlets } = await starting;
  for (const instance of launcher.launched.slice(1)) instance.serves();
  await settle();
  const metricsUrl = outlets.find(({ name }) => name === 'metrics')?.url ?? '';
  return { supervisor, launcher, clock, outlets, metricsUrl };
}

function read(url: string): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    get(url, { agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    }).on('error', reject);
  });
}

function snapshotOf(instance: FakeInstance, at: number, calls: number, extra: MetricSnapshot['families'] = []) {
  const counter = { name: 'mcp_server_requests', kind: 'counter', help: 'h' } as const;
  const own = { name: 'mcp_server_instances', kind: 'gauge', help: 'h' } as const;
  const families = [
    { ...counter, samples: [{ labels: { mcp_method_name: 'tools/call', outcome: 'ok' }, value: calls }] },
    { ...own, samples: [{ labels: { state: 'ready' }, value: 1 }] },
    ...extra,
  ];
  return { instance: instance.place.name, at, startedAt: 0, families };
}

const linesOf = (text: string, name: string): string[] => text.split('\n').filter((line) => line.startsWith(name));

describe('the monitor of a fleet', () => {
  it('adds up what instances count, keeps what those counted that are gone, and counts the instances', async () => {
    const { launcher, metricsUrl } = await startSupervisor();
    for (const [index, calls] of [30, 12].entries()) {
      const instance = launcher.at(index);
      instance.says({ kind: 'tick', snapshot: snapshotOf(instance, 1_000, calls), health: READY });
    }
    const before = await read(`${metricsUrl}/metrics`);
    expect(linesOf(before.text, 'mcp_server_requests_total')).toEqual([
      'mcp_server_requests_total{mcp_method_name="tools/call",outcome="ok"} 42',
    ]);
    expect(linesOf(before.text, 'mcp_server_instances{')).toEqual([
      'mcp_server_instances{state="starting"} 0',
      'mcp_server_instances{state="ready"} 2',
      'mcp_server_instances{state="not-ready"} 0',
      'mcp_server_instances{state="draining"} 0',
    ]);
    launcher.at(1).exit('SIGKILL', false);
    const after = (await read(`${metricsUrl}/metrics`)).text;
    expect(linesOf(after, 'mcp_server_requests_total')).toEqual(linesOf(before.text, 'mcp_server_requests_total'));
    expect(linesOf(after, 'mcp_server_instances{').slice(0, 2)).toEqual([
      'mcp_server_instances{state="starting"} 1',
      'mcp_server_instances{state="ready"} 1',
    ]);
    expect(linesOf(after, 'mcp_server_instance_failures_total')).toEqual(['mcp_server_instance_failures_total 1']);
    expect(linesOf(after, 'mcp_demand_ratio')).toEqual(['mcp_demand_ratio 0']);
    expect(linesOf(after, 'mcp_server_scalings_total')).toEqual([
      'mcp_server_scalings_total{direction="up"} 0',
      'mcp_server_scalings_total{direction="down"} 0',
    ]);
  });

  it('is ready while one instance is, and says what does not work', async () => {
    const { launcher, metricsUrl, clock } = await startSupervisor();
    const health = { ...READY, degraded: ['overloaded'] };
    launcher.at(0).says({ kind: 'tick', snapshot: snapshotOf(launcher.at(0), 1, 0), health });
    launcher.beatFor(clock, 1_000, [launcher.at(1)]);
    const { status, text } = await read(`${metricsUrl}/readyz`);
    expect([status, JSON.parse(text)]).toEqual([
      200,
      { status: 'ready', reasons: [], degraded: ['instance 1: overloaded', 'instance 2 does not respond'] },
    ]);
    launcher.beatFor(clock, 1_000, [...launcher.launched]);
    const none = await read(`${metricsUrl}/readyz`);
    expect([none.status, JSON.parse(none.text)]).toMatchObject([503, { reasons: ['no instance is ready'] }]);
    expect((await read(`${metricsUrl}/livez`)).status).toBe(200);
  });

  it('watches memory of each instance by itself, and tells that one of its alert', async () => {
    const { launcher, clock } = await startSupervisor();
    const gauge = (name: string, value: number) =>
      ({ name, kind: 'gauge', help: 'h', samples: [{ labels: {}, value }] }) as const;
    const memory = (used: number) => [
      gauge('process_resident_memory_bytes', used),
      gauge('process_memory_limit_bytes', 100),
    ];
    for (let second = 0; second <= 90; second++) {
      for (const [index, used] of [50, 97].entries()) {
        const instance = launcher.at(index);
        const snapshot = snapshotOf(instance, clock.wallNow(), 0, memory(used));
        instance.says({ kind: 'tick', snapshot, health: READY });
      }
      launcher.beatFor(clock, 1_000);
    }
    const alertsTo = (index: number) => launcher.at(index).received.filter(({ kind }) => kind === 'alert');
    expect(alertsTo(0)).toEqual([]);
    expect(alertsTo(1)).toMatchObject([
      { record: { key: 'memoryUsage', instance: '2', state: 'firing', threshold: 90 } },
    ]);
    launcher.at(1).exit('SIGKILL', false);
    expect(alertsTo(0)).toMatchObject([{ record: { key: 'memoryUsage', instance: '2', state: 'cleared' } }]);
  });

  it('does not take it for idleness that an instance has not reported', async () => {
    const { launcher, clock } = await startSupervisor(PORTS, {
      alertThresholds: { cpuUsage: 50 },
      alerts: { logger: false },
    });
    const instance = launcher.at(0);
    const counter = (name: string, value: number) =>
      ({ name, kind: 'counter', help: 'h', samples: [{ labels: {}, value }] }) as const;
    const limit = { name: 'process_cpu_cores', kind: 'gauge', help: 'h', samples: [{ labels: {}, value: 1 }] } as const;
    for (let second = 0; second <= 120; second += 3) {
      const cpu = [counter('process_cpu_seconds', 0.9 * second), limit];
      instance.says({ kind: 'tick', snapshot: snapshotOf(instance, clock.wallNow(), 0, cpu), health: READY });
      launcher.beatFor(clock, 3_000);
    }
    const alerts = instance.received.filter(({ kind }) => kind === 'alert');
    expect(alerts).toMatchObject([{ record: { key: 'cpuUsage', instance: '1', state: 'firing' } }]);
  });

  it('serves nothing where the server says so, and elsewhere where the command line does', async () => {
    const off = await startSupervisor({}, { monitor: false });
    expect(off.outlets).toEqual([]);
    const on = await startSupervisor(
      { prometheusPort: 0, dashboardPort: 0 },
      { monitor: { prometheusPort: 1, dashboardPort: 1 } },
    );
    expect(on.outlets.map(({ name, problem }) => [name, problem])).toEqual([
      ['metrics', null],
      ['dashboard', null],
    ]);
  });

  it('fails to start, with the others ended, where a setting of the server is not valid', async () => {
    await expect(startSupervisor({}, { alertThresholds: { cpuUsage: 'much' } })).rejects.toThrow(
      'option "alertThresholds.cpuUsage"',
    );
  });
});

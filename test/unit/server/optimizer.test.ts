import { afterEach, describe, expect, it, vi } from 'vitest';
import { createBatcher, hillClimb } from '../../../src/index.ts';
import { batchWindow } from '../../../src/optimizer/optimizer.ts';
import { resolveServerConfig } from '../../../src/server-config.ts';
import type { LimitEvent } from '../../../src/signal/signal.ts';
import { FakeClock } from '../../../src/testing/testing.ts';
import { callTool, modern } from '../support/http.ts';
import { IDENTITY, serverWith, settle, text } from '../support/test-server.ts';

const GIB = 2 ** 30;

/** Lets this process seem to have so much resident memory. */
function withResident(megabytes: number): { megabytes: number } {
  const resident = { megabytes };
  const real = process.memoryUsage();
  vi.spyOn(process, 'memoryUsage').mockImplementation((() => ({
    ...real,
    rss: resident.megabytes * 2 ** 20,
  })) as unknown as typeof process.memoryUsage);
  return resident;
}

afterEach(() => void vi.restoreAllMocks());

describe('the optimizer of a server', () => {
  it('shows profile, memory and tunables in the metrics', async () => {
    const clock = new FakeClock();
    const server = serverWith(() => {}, { clock, performance: { preset: 'ryzen-7800x3d' } });
    const { optimizer } = server.getPerformanceMetrics();
    expect(optimizer).toMatchObject({
      preset: 'ryzen-7800x3d',
      profile: { threads: 16, maxMemoryBytes: 28 * GIB },
      memory: { state: 'ok', samples: 0 },
      tunables: {
        'cache.entries': { value: 10_000, min: 625, max: 40_000, decisions: [] },
        'overload.maxInFlight': { value: 65_536, min: 4_096, max: 65_536, decisions: [] },
      },
    });
    await server.ready();
    clock.advance(2_000);
    expect(server.getPerformanceMetrics().optimizer.memory?.samples).toBe(2);
    await server.stop();
    expect(clock.timers).toBe(0);
  });

  it('takes chosen values for the most there is', () => {
    const server = serverWith(() => {}, { cache: { lruCacheSize: 100 }, overload: { maxInFlight: 500 } });
    expect(server.optimizer.report().tunables).toMatchObject({
      'cache.entries': { value: 100, min: 7, max: 100 },
      'overload.maxInFlight': { value: 500, min: 32, max: 500 },
    });
  });

  it('sets no timer when it is switched off, and has no in-flight bound to tune where nothing is refused', async () => {
    const clock = new FakeClock();
    const server = serverWith(() => {}, { clock, performance: false, overload: { shed: false } });
    await server.ready();
    expect(clock.timers).toBe(0);
    const { memory, tunables } = server.optimizer.report();
    expect([memory, Object.keys(tunables)]).toEqual([undefined, ['cache.entries']]);
    await server.stop();
  });

  it('derives all defaults from one profile, the preset applied', () => {
    const config = {
      ...IDENTITY,
      database: 'postgres://localhost/x',
      performance: { preset: 'ryzen-7800x3d' },
    } as const;
    const { workers, databases, httpPool, overload, cache } = resolveServerConfig(config);
    expect({ ...workers, ...httpPool, ...overload, ...cache }).toMatchObject({
      threads: 16,
      processes: 8,
      threadHeapMb: 1_024,
      maxSockets: 64,
      maxInFlight: 65_536,
      lruCacheSize: 10_000,
      maxMemoryBytes: GIB / 2,
    });
    expect(databases.get('default')?.maxConnections).toBe(32);
    expect(resolveServerConfig({ ...config, httpPool: { maxSockets: 3 } }).httpPool.maxSockets).toBe(3);
  });

  it('refuses all but health checks and kept answers while resident memory is short', async () => {
    const clock = new FakeClock();
    const resident = withResident(10);
    const server = serverWith(
      (each) => {
        each.registerTool('work', {}, () => text('done'));
        each.registerTool('kept', { annotations: { readOnlyHint: true }, cache: { scope: 'public' } }, () =>
          text('kept'),
        );
      },
      { clock, performance: { memoryGuard: { maxMemoryBytes: 100 * 2 ** 20 } } },
    );
    const events: LimitEvent[] = [];
    server.signals.limit.on((event) => void events.push(event));
    for (const tool of ['work', 'kept']) expect((await callTool(server, tool)).status).toBe(200);
    resident.megabytes = 95;
    clock.advance(1_000);
    expect(await callTool(server, 'work')).toMatchObject({
      status: 503,
      error: { code: -32_010, message: 'Overloaded, not executed: memory is short' },
    });
    expect((await modern(server, 'tools/list')).status).toBe(503);
    expect((await modern(server, 'server/discover')).status).toBe(200);
    expect((await callTool(server, 'kept')).status).toBe(200);
    expect(events).toMatchObject([
      { kind: 'shed', reason: 'memory', target: 'work' },
      { kind: 'shed', reason: 'memory', target: 'tools/list' },
    ]);
    resident.megabytes = 50;
    clock.advance(1_000);
    expect((await callTool(server, 'work')).status).toBe(200);
    await server.stop();
  });

  it('lets the bound of requests in flight fall with what is under way when memory is short', async () => {
    const clock = new FakeClock();
    withResident(80);
    const server = serverWith((each) => void each.registerTool('slow', {}, () => new Promise(() => {})), {
      clock,
      overload: { maxInFlight: 160 },
      performance: { memoryGuard: { maxMemoryBytes: 100 * 2 ** 20 } },
    });
    await server.ready();
    for (let call = 0; call < 100; call++) void callTool(server, 'slow');
    await settle();
    clock.advance(10_000);
    expect(server.optimizer.report().tunables['overload.maxInFlight']).toMatchObject({
      value: 75,
      decisions: [{ from: 160, to: 75, reason: 'memory is elevated with 100 under way' }],
    });
    expect((await callTool(server, 'slow')).status).toBe(503);
    await server.stop();
  });

  it("tunes an author's own values", async () => {
    const clock = new FakeClock();
    const server = serverWith(() => {}, { clock });
    const load = async (ids: readonly number[]) => {
      clock.advance(0);
      return ids;
    };
    const batcher = createBatcher({ load, keyOf: (id: number) => id, windowMs: 2, clock });
    server.optimizer.add(batchWindow('ids', batcher, 5));
    server.optimizer.add({
      tunable: { name: 'mine', value: 1, min: 1, max: 9, apply: () => {} },
      law: hillClimb({ read: () => ({ score: 1, samples: 0 }), restart: () => {} }),
    });
    expect(Object.keys(server.optimizer.report().tunables)).toContain('mine');
    const loaded = Promise.all([batcher.load(1), batcher.load(2)]);
    clock.advance(2);
    expect(await loaded).toEqual([1, 2]);
    expect(batcher.statistics()).toEqual({ keys: 2, loads: 1, loadMs: 0 });
    expect(() => {
      batcher.windowMs = -1;
    }).toThrow('option "windowMs"');
    batcher.windowMs = 0;
    expect(await batcher.load(3)).toBe(3);
  });
});

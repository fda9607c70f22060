import { afterEach, describe, expect, it } from 'vitest';
import type { OptimizedServerConfig, ScaleEvent } from '../../../src/index.ts';
import { resolveScaling, ServerScaling } from '../../../src/server-scaling.ts';
import { FakeClock } from '../../../src/testing/testing.ts';
import { NO_SOURCES } from '../monitor/sources.ts';
import { IDENTITY, serverWith, type TestServer } from '../support/test-server.ts';

/** A server's scaling, and what it is told each second. */
class Rig {
  readonly told: ScaleEvent[] = [];
  readonly scaling: ServerScaling;
  readonly #clock = new FakeClock();
  #limits = NO_SOURCES.limits();

  constructor(options: OptimizedServerConfig['scaling'] = true) {
    this.scaling = new ServerScaling({
      options: resolveScaling(options) ?? expect.unreachable(),
      clock: this.#clock,
      limits: () => this.#limits,
      told: (event) => this.told.push(event),
    });
  }

  /** So many seconds in which the loop was busy, and so many requests were admitted and refused each second. */
  pass(
    seconds: number,
    { busy = 0, admitted = 0, refused = {}, delayMs = 0, overloaded = delayMs > 0 }: Second,
  ): ServerScaling {
    for (let second = 0; second < seconds; second++) {
      const shed = { ...this.#limits.shed };
      for (const reason of Object.keys(refused) as (keyof typeof shed)[]) shed[reason] += refused[reason] ?? 0;
      this.#limits = { ...this.#limits, admitted: this.#limits.admitted + admitted, shed, delayMs, overloaded };
      this.#clock.advance(1_000);
      this.scaling.observe({ eventLoop: { utilization: busy, delayMs: 0 } });
    }
    return this.scaling;
  }
}

interface Second {
  readonly busy?: number;
  readonly admitted?: number;
  readonly refused?: { readonly [R in 'delay' | 'in-flight' | 'memory' | 'rate' | 'queue-full' | 'deadline']?: number };
  readonly delayMs?: number;
  readonly overloaded?: boolean;
}

const ratioOf = (scaling: ServerScaling) => scaling.figures().demandRatio;

describe("a server's demand", () => {
  it('is what its loop is busy, over two seconds', () => {
    const rig = new Rig();
    expect(ratioOf(rig.pass(1, { busy: 0.2 }))).toBe(0);
    expect(ratioOf(rig.pass(1, { busy: 0.6 }))).toBeCloseTo(0.4);
  });

  it('is also what waits, while that is a queue that stands', () => {
    expect(ratioOf(new Rig().pass(2, { busy: 1, delayMs: 100 }))).toBeCloseTo(1.5);
    expect(ratioOf(new Rig().pass(2, { busy: 1, delayMs: 100, overloaded: false }))).toBeCloseTo(1);
  });

  it('is also what it refused for overload, by what requests cost it', () => {
    const refused = { delay: 30, 'in-flight': 15, memory: 5, rate: 1_000, 'queue-full': 1_000, deadline: 1_000 };
    expect(ratioOf(new Rig().pass(2, { busy: 1, admitted: 100, refused }))).toBeCloseTo(1.5);
    expect(ratioOf(new Rig().pass(2, { busy: 1, admitted: 0, refused }))).toBeCloseTo(1);
  });

  it('goes by what requests cost lately', () => {
    const rig = new Rig();
    rig.pass(60, { busy: 0.1, admitted: 100 });
    rig.pass(60, { busy: 0.5, admitted: 100 });
    const scaling = rig.pass(6, { busy: 0.5, admitted: 100, refused: { delay: 100 } });
    expect(ratioOf(scaling)).toBeCloseTo(1, 1);
  });
});

describe('a recommendation', () => {
  it('is told once, and counted', () => {
    const rig = new Rig({ minInstances: 1 });
    rig.pass(20, { busy: 0.9 });
    expect(rig.told).toEqual([
      {
        direction: 'up',
        from: 1,
        to: 2,
        recommendedInstances: 2,
        reason: 'demand for 0.90 of an event loop per instance over 6 s, above 0.8',
        window: 6,
      },
    ]);
    expect(rig.scaling.figures()).toEqual({
      demandRatio: expect.closeTo(0.9),
      recommendedInstances: 2,
      told: { up: 1, down: 0 },
    });
  });

  it('is for all instances, of which there are as many as the configuration says', () => {
    const four = new Rig({ instances: 4 });
    four.pass(2, { busy: 0.9 });
    expect(four.told.map(({ from, to }) => [from, to])).toEqual([[4, 6]]);
    let instances = 2;
    const growing = new Rig({ instances: () => instances });
    growing.pass(2, { busy: 0.9 });
    instances = 3;
    growing.pass(6, { busy: 0.9 });
    expect(growing.told.map(({ from, to }) => [from, to])).toEqual([
      [2, 3],
      [3, 5],
    ]);
  });

  it('takes what says nothing for one instance', () => {
    const rig = new Rig({ instances: () => Number.NaN });
    rig.pass(2, { busy: 0.9 });
    expect(rig.told.map(({ from, to }) => [from, to])).toEqual([[1, 2]]);
  });
});

describe('a server', () => {
  const servers: TestServer[] = [];
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.stop();
  });
  const serverOf = (config: Partial<OptimizedServerConfig>) => {
    const server = serverWith(() => {}, { http: false, handleSignals: false, ...config });
    servers.push(server);
    return server;
  };

  it('emits what it finds while it runs, and shows it in its metrics', async () => {
    const clock = new FakeClock();
    // Whatever the loop of this test does is too much, or too little.
    const server = serverOf({ clock, scaling: { scaleUpAt: 0.01, target: 0.01, scaleDownAt: 0, instances: 3 } });
    const events: ScaleEvent[] = [];
    server.on('scale-up-needed', (event) => events.push(event));
    await server.start();
    const until = performance.now() + 20;
    clock.advance(1_000);
    while (performance.now() < until);
    clock.advance(2_000);
    expect(events).toMatchObject([{ direction: 'up', from: 3, to: 16, window: 6 }]);
    const { families } = server.monitor.snapshot();
    const valuesOf = (name: string) => families.find((family) => family.name === name)?.samples;
    expect(valuesOf('mcp_server_instances_recommended')).toEqual([{ labels: {}, value: 16 }]);
    expect(valuesOf('mcp_server_scalings')).toContainEqual({ labels: { direction: 'up' }, value: 1 });
    expect(valuesOf('mcp_demand_ratio')?.[0]?.value).toBeGreaterThan(0.01);
  });

  it.each([undefined, false] as const)('says nothing of it where nobody wants to know: %s', async (scaling) => {
    const server = serverOf(scaling === undefined ? {} : { scaling });
    await server.start();
    const names = server.monitor.snapshot().families.map(({ name }) => name);
    expect(names.filter((name) => /demand|scaling|recommended/.test(name))).toEqual([]);
  });

  it.each<[unknown, string]>([
    ['yes', 'option "scaling" must be an object, got "yes"'],
    [{ instance: 1 }, 'option "scaling.instance" is not known (did you mean "instances"?), got 1'],
    [{ instances: 0 }, 'option "scaling.instances" must be an integer from 1 to 10000, got 0'],
    [{ instances: '2' }, 'option "scaling.instances" must be an integer or a function, got "2"'],
    [{ scaleUpAt: 80 }, 'option "scaling.scaleUpAt" must be a number from 0.01 to 1, got 80'],
    [{ maxInstances: 1 }, 'option "scaling.maxInstances" must be an integer from 2 to 10000, got 1'],
  ])('refuses scaling: %o', (scaling, message) => {
    expect(() => serverOf({ ...IDENTITY, scaling } as OptimizedServerConfig)).toThrow(message);
  });

  it('cannot observe itself without its monitor', () => {
    expect(() => serverOf({ monitor: false, scaling: true })).toThrow(
      'option "monitor" must not be false for scaling, got false',
    );
  });
});

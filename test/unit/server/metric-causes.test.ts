import { connect } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, it } from 'vitest';
import { CircuitBreaker, type OptimizedServerConfig } from '../../../src/index.ts';
import { readMachineFacts } from '../../../src/kernel/machine.ts';
import { METRICS, type MetricSnapshot } from '../../../src/monitor/monitor.ts';
import { processFamilies } from '../../../src/monitor/process-meter.ts';
import { cacheFamilies } from '../../../src/monitor/source-families.ts';
import { taskModule } from '../../worker/support.ts';
import { NO_SOURCES } from '../monitor/sources.ts';
import { callTool } from '../support/http.ts';
import { LateClock } from '../support/late-clock.ts';
import { gate, IDENTITY, settle, TestServer, text } from '../support/test-server.ts';

type Metric = keyof typeof METRICS;

class Rig extends TestServer {
  url = '';
  readonly called = gate();
  readonly #release = gate();
  readonly #ending = new AbortController();
  #breaker: CircuitBreaker<[], never> | undefined;

  protected override setup(): void {
    const hold = async () => {
      this.called.open();
      await this.#release.opened;
      return text('');
    };
    this.registerTool('ok', {}, () => text(''));
    this.registerTool('limited', { limits: { concurrency: 1 } }, hold);
    this.registerTool('rated', { limits: { ratePerSecond: 1 } }, () => text(''));
    this.registerTool('fails', {}, () => {
      throw new Error('of the test');
    });
    this.registerTask('double', taskModule('good.ts'));
    this.registerTask('untilAborted', taskModule('good.ts'), { export: 'untilAborted' });
  }

  run(task: 'double' | 'untilAborted'): Promise<unknown> {
    return this.processCPUIntensiveTask(1, { task, signal: this.#ending.signal }).catch(() => undefined);
  }

  /** Runs so many tasks until the test ends, and waits until one has its worker. */
  async occupy(tasks: number): Promise<void> {
    await this.run('double');
    for (let count = 0; count < tasks; count++) void this.run('untilAborted');
    await settle();
  }

  async breakCircuit(): Promise<void> {
    const fail = (): Promise<never> => Promise.reject(new Error('of the test'));
    this.#breaker ??= new CircuitBreaker(fail, { name: 'shop', threshold: 1, changed: this.signals.breaker });
    await this.#breaker.fire().catch(() => {});
  }

  async end(): Promise<void> {
    this.#release.open();
    this.#ending.abort();
    await this.stop();
  }
}

interface Cause {
  readonly config?: Partial<OptimizedServerConfig>;
  readonly happens: (server: Rig, clock: LateClock) => unknown;
}

const cause = (happens: Cause['happens'], config: Cause['config'] = {}): Cause => ({ happens, config });
const burn = (): number => Array.from({ length: 2e5 }, (_, at) => Math.sqrt(at)).reduce((sum, each) => sum + each);
const held: unknown[] = [];
const call = (name: string) => (server: Rig) => callTool(server, name);
const hold = (calls: number) => async (server: Rig) => {
  for (let count = 0; count < calls; count++) void callTool(server, 'limited');
  await server.called.opened;
  await settle();
};
const ONE_THREAD = { workers: { threads: 1, maxQueue: 1 } };
const compute = async (server: Rig, options = {}) => server.cache.getOrCompute('k', () => 1, options);
const comeAndGo = async (server: Rig) => {
  const told = new Promise((resolve) => server.signals.connection.on(resolve));
  const { port } = new URL(server.url);
  held.push(connect(Number(port), '127.0.0.1'));
  await told;
};

/** More comes than can be done, for three seconds of the monitor. */
const overload = () =>
  cause(
    async (server, clock) => {
      await callTool(server, 'ok');
      for (let tick = 0; tick < 310; tick++) clock.advanceLate(10, 400);
    },
    { clock: new LateClock(), scaling: true },
  );

/** What makes each metric move; `elsewhere` are those that nothing in this process moves: they have tests of their own below. */
const CAUSES: { readonly [M in Metric]: Cause | 'elsewhere' } = {
  requests: cause(call('ok')),
  duration: cause(call('ok')),
  inFlight: cause(hold(1)),
  faults: cause(call('fails')),
  connections: cause(comeAndGo),
  connectionEvents: cause(comeAndGo),
  sheds: cause(async (server) => {
    await callTool(server, 'rated');
    await callTool(server, 'rated');
  }),
  overloaded: cause(
    async (server, clock) => {
      await callTool(server, 'ok');
      for (let tick = 0; tick < 30; tick++) clock.advanceLate(10, 25);
    },
    { clock: new LateClock() },
  ),
  limitRunning: cause(hold(1)),
  limitWaiting: cause(hold(2)),
  limitSlots: cause((server) => server.registerTool('new', { limits: { concurrency: 7 } }, () => text(''))),
  cacheHits: cause(async (server) => [await compute(server), await compute(server)]),
  cacheMisses: cause(compute),
  cacheStale: cause(
    async (server, clock) => {
      const options = { ttlSeconds: 1, staleSeconds: 10 };
      await compute(server, options);
      clock.advance(2_000);
      await compute(server, options);
    },
    { clock: new LateClock() },
  ),
  cacheCoalesced: cause((server) => Promise.all([compute(server), compute(server)])),
  cacheEvictions: cause(async (server) => [await server.cache.set('a', 1), await server.cache.set('b', 1)], {
    cache: { lruCacheSize: 1 },
  }),
  cacheInvalidations: cause((server) => server.cache.delete('k')),
  cacheErrors: 'elsewhere',
  cacheEntries: cause(compute),
  cacheSize: cause(compute),
  cacheTierUp: 'elsewhere',
  poolSize: cause((server) => server.run('double')),
  poolMax: 'elsewhere',
  poolInUse: cause((server) => server.occupy(1)),
  poolWaiting: cause((server) => server.occupy(2), ONE_THREAD),
  poolUtilization: cause((server) => server.occupy(1)),
  poolAcquired: cause((server) => server.run('double')),
  poolWait: cause((server) => server.run('double')),
  poolErrors: cause((server) => server.http.request('http://127.0.0.1:1/').catch(() => {})),
  poolTimeouts: cause((server) => server.occupy(3), ONE_THREAD),
  workerEvents: cause((server) => server.run('double')),
  breakerState: cause((server) => server.breakCircuit()),
  breakerTransitions: cause((server) => server.breakCircuit()),
  instances: cause((server) => server.stop()),
  demand: overload(),
  instancesRecommended: overload(),
  scalings: overload(),
  cpu: cause(burn),
  instanceFailures: 'elsewhere',
  gatewayCalls: 'elsewhere',
  gatewayInFlight: 'elsewhere',
  gatewayRefused: 'elsewhere',
  gatewayRetries: 'elsewhere',
  gatewayHedges: 'elsewhere',
  gatewayCacheHits: 'elsewhere',
  gatewayCacheMisses: 'elsewhere',
  replicaRequests: 'elsewhere',
  replicaErrors: 'elsewhere',
  replicaInFlight: 'elsewhere',
  replicaLoad: 'elsewhere',
  replicaUp: 'elsewhere',
  memoryPressure: cause(
    (_server, clock) => {
      held.push(Buffer.alloc(2 ** 26, 1));
      clock.advance(1_000);
    },
    { clock: new LateClock() },
  ),
  memoryRelief: cause((_server, clock) => clock.advance(10_000), {
    clock: new LateClock(),
    performance: { memoryGuard: { maxMemoryBytes: 2 ** 20 } },
  }),
  tunable: cause((server) => {
    const tunable = { name: 'mine', min: 1, max: 9, value: 5, apply: () => {} };
    server.optimizer.add({ tunable, law: { decide: () => undefined } });
  }),
  cores: 'elsewhere',
  load: 'elsewhere',
  startTime: 'elsewhere',
  resident: cause(() => held.push(Buffer.alloc(2e7, 1))),
  memoryLimit: 'elsewhere',
  heapUsed: cause(() => held.push(new Array(1e5).fill(0.5))),
  heapTotal: cause(() => held.push(Array.from({ length: 1e6 }, (_, at) => ({ at })))),
  external: cause(() => held.push(Buffer.alloc(1e6, 1))),
  loopActive: cause(burn),
  loopIdle: cause(async (server) => {
    const { idle } = performance.eventLoopUtilization();
    while (performance.eventLoopUtilization().idle === idle) await server.run('double');
  }),
  loopDelay: cause(
    (_server, clock) => {
      clock.advanceLate(20, 25);
    },
    { clock: new LateClock() },
  ),
  gc: cause(async () => {
    setFlagsFromString('--expose-gc');
    (runInNewContext('gc') as () => void)();
    await settle(20);
  }),
  ioRead: 'elsewhere',
  ioWritten: 'elsewhere',
};

const rigs: Rig[] = [];
afterEach(async () => {
  for (const rig of rigs.splice(0)) await rig.end();
  for (const thing of held.splice(0)) (thing as { destroy?: () => void }).destroy?.();
});

async function startRig(config: Cause['config']): Promise<Rig> {
  const monitor = { prometheusPort: false, dashboardPort: false } as const;
  const server = new Rig({ ...IDENTITY, http: { port: 0 }, handleSignals: false, monitor, ...config });
  rigs.push(server);
  server.url = String((await server.start()).url);
  return server;
}

const samplesOf = ({ families }: MetricSnapshot, metric: Metric): string =>
  JSON.stringify(families.find(({ name }) => name === METRICS[metric].name)?.samples);

describe('each metric', () => {
  it.each(Object.entries(CAUSES).filter(([, what]) => what !== 'elsewhere') as [Metric, Cause][])(
    'moves when its cause happens: %s',
    async (metric, { config, happens }) => {
      const server = await startRig(config);
      const before = samplesOf(server.monitor.snapshot(), metric);
      if (METRICS[metric].name.startsWith('mcp_')) expect(samplesOf(server.monitor.snapshot(), metric)).toBe(before);
      await happens(server, server.config.clock as LateClock);
      expect(samplesOf(server.monitor.snapshot(), metric)).not.toBe(before);
    },
  );

  it('that is fixed says what the machine and the configuration say', async () => {
    const server = await startRig({ workers: { threads: 3 } });
    const { cores, memoryBytes } = readMachineFacts();
    const { families, startedAt } = server.monitor.snapshot();
    const of = (metric: Metric) => families.find(({ name }) => name === METRICS[metric].name)?.samples;
    expect(of('cores')).toEqual([{ labels: {}, value: cores }]);
    expect(of('memoryLimit')).toEqual([{ labels: {}, value: memoryBytes }]);
    expect(of('startTime')).toEqual([{ labels: {}, value: startedAt / 1_000 }]);
    expect(of('poolMax')).toContainEqual({ labels: { pool: 'threads' }, value: 3 });
    expect(of('load')?.map(({ labels }) => labels['period'])).toEqual(['1m', '5m', '15m']);
  });

  it('of the second tier says what the cache says, and whether it is used only where there is one', () => {
    const cache = { ...NO_SOURCES.cache(), memoryHits: 1, staleHits: 2, redisHits: 3, misses: 7, errors: 4 };
    const valuesOf = (isRedisUsable: boolean | undefined) =>
      Object.fromEntries(
        cacheFamilies({ ...cache, isRedisUsable }).map(({ name, samples }) => [
          name,
          samples.map(({ value }) => value),
        ]),
      );
    expect(valuesOf(true)).toMatchObject({
      [METRICS.cacheHits.name]: [3, 3],
      [METRICS.cacheMisses.name]: [4],
      [METRICS.cacheErrors.name]: [4],
      [METRICS.cacheTierUp.name]: [1],
    });
    expect(valuesOf(false)[METRICS.cacheTierUp.name]).toEqual([0]);
    expect(valuesOf(undefined)[METRICS.cacheTierUp.name]).toEqual([]);
  });

  it('of storage says what the system says, and is not there where that says nothing', () => {
    const valuesOf = (io: string | undefined) => {
      const families = processFamilies({ cores: 1, memoryBytes: 1 }, () => io);
      return [METRICS.ioRead, METRICS.ioWritten].map(
        (metric) => families.find(({ name }) => name === metric.name)?.samples[0]?.value,
      );
    };
    const io = 'rchar: 1\nwchar: 2\nread_bytes: 4096\nwrite_bytes: 8192\ncancelled_write_bytes: 5\n';
    expect(valuesOf(io)).toEqual([4_096, 8_192]);
    expect(valuesOf(undefined)).toEqual([undefined, undefined]);
  });
});

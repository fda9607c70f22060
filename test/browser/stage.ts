import type { AlertRecord, InstanceState, TargetRow, Vitals } from '../../src/monitor/monitor.ts';
import { Access, DashboardServer, LiveFeed, type LiveTick } from '../../src/monitor/monitor.ts';
import { FakeClock } from '../../src/testing/testing.ts';

const START = Date.UTC(2026, 5, 1, 12, 0, 0);

export interface StageOptions {
  readonly instances?: number;
  readonly targets?: number;
  readonly token?: string;
}

/** A dashboard of a server that does what the test says, a second at a time. */
export class Stage {
  readonly #options: StageOptions;
  readonly #feed: LiveFeed;
  #server: DashboardServer;
  #second = 0;
  url = '';

  private constructor(options: StageOptions) {
    this.#options = options;
    this.#feed = new LiveFeed({
      server: { name: 'catalogue', version: '1.2.3', peregrine: '0.1.0' },
      startedAt: START,
    });
    this.#server = this.#createServer(0);
  }

  #createServer(port: number): DashboardServer {
    return new DashboardServer({
      access: new Access({ host: undefined, token: this.#options.token }, 'monitor'),
      port,
      feed: this.#feed,
      clock: new FakeClock(),
      onFault: (error) => {
        throw error;
      },
    });
  }

  static async open(options: StageOptions = {}): Promise<Stage> {
    const stage = new Stage(options);
    const { url, problem } = await stage.#server.listen();
    if (url === null) throw new Error(problem ?? 'no address');
    stage.url = url;
    return stage;
  }

  /** End of the last second. */
  get now(): number {
    return START + this.#second * 1_000;
  }

  get clients(): number {
    return this.#feed.clients;
  }

  /** Lets a second pass; what is given replaces what would have been. */
  tick(given: Partial<LiveTick> = {}): void {
    this.#second++;
    const { instances = 1, targets = 5 } = this.#options;
    const vitals = vitalsAt(this.#second, this.now);
    this.#feed.tick({
      vitals,
      instances: Array.from({ length: instances }, (_, index) => instanceOf(index, instances, vitals)),
      targets: Array.from({ length: targets }, (_, index) => targetOf(index, this.#second)),
      alerts: [],
      ...given,
    });
  }

  ticks(count: number): void {
    for (let index = 0; index < count; index++) this.tick();
  }

  close(): Promise<void> {
    return this.#server.close();
  }

  /** Serves again at the same address, after {@link close}. */
  async reopen(): Promise<void> {
    this.#server = this.#createServer(Number(new URL(this.url).port));
    const { problem } = await this.#server.listen();
    if (problem !== null) throw new Error(problem);
  }
}

/** Goes up and down between 0 and 1, differently for each phase. */
function wave(second: number, phase: number): number {
  return 0.5 + 0.3 * Math.sin(second / 40 + phase) + 0.2 * Math.sin(second / 7 + 2 * phase);
}

export function vitalsAt(second: number, at: number): Vitals {
  const perSecond = 1_000 + 800 * wave(second, 1);
  const pool = (phase: number) => {
    const utilization = wave(second, phase);
    return { size: 10, inUse: Math.round(10 * utilization), waiting: 0, utilization, waitMs: 0.4 };
  };
  return {
    at,
    requests: { perSecond, errorsPerSecond: 4, shedPerSecond: 0, inFlight: 12, errorRate: 4 / perSecond },
    responseTime: { p50: 2 + wave(second, 2), p95: 9 + 4 * wave(second, 3), p99: 20 + 20 * wave(second, 4) },
    cache: {
      ...{ hitsPerSecond: 0.9 * perSecond, missesPerSecond: 0.1 * perSecond, stalePerSecond: 3, coalescedPerSecond: 9 },
      ...{ hitRate: 0.9, size: 1_234, bytes: 5_600_000 },
    },
    pools: { http: pool(5), main: pool(6), threads: pool(7), processes: pool(8) },
    eventLoop: { utilization: 0.6 * wave(second, 9), delayMs: 12 * wave(second, 10) },
    memory: { heapUsed: 6e7 + 2e7 * wave(second, 11), heapTotal: 9e7, resident: 1.5e8, percentage: 14.6 },
    cpu: { usage: 60 * wave(second, 12), load: 1.25 },
    gcMs: 8 * wave(second, 13),
    disk: { readBytesPerSecond: 1e5 * wave(second, 14), writtenBytesPerSecond: 4e5 * wave(second, 15) },
    breakers: { redis: 'closed', payments: 'half-open', 'search-service': 'open' },
    overloaded: false,
    custom: { orders: second, 'basket.value': 42.5 },
  };
}

function instanceOf(index: number, all: number, vitals: Vitals): InstanceState {
  const state = index === 3 ? 'not-ready' : 'ready';
  return {
    name: all === 1 ? '' : String(index + 1),
    state,
    reasons: state === 'ready' ? [] : ['not started'],
    degraded: index === 1 ? ['breaker search-service is open'] : [],
    startedAt: START,
    vitals,
  };
}

/** Names are in no order, numbers in that of the index; every third row changes in a second. */
export function targetOf(index: number, second: number): TargetRow {
  const changed = Math.floor((second + index) / 3);
  const p50 = 1 + index / 10 + (changed % 7) / 10;
  return {
    method: 'tools/call',
    target: `tool_${(index * 7) % 1_000}`,
    total: 100 * index + changed,
    errors: index,
    perSecond: index,
    responseTime: { average: p50 * 1.2, p50, p95: 4 * p50, p99: 9 * p50 },
  };
}

export function alertAt(at: number, given: Partial<AlertRecord> = {}): AlertRecord {
  return {
    ...{ id: 1, key: 'errorRate', subject: '', instance: '', state: 'firing', value: 7.25, threshold: 5 },
    ...{ firedAt: at, clearedAt: null },
    ...given,
  };
}

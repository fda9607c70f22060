import type { PoolVitals, Vitals } from '../../../../src/monitor/monitor.ts';

/** What a test says of one second; the rest is a server at rest. */
export interface Second {
  readonly cpu?: number;
  readonly memory?: number;
  readonly requests?: number;
  readonly errors?: number;
  readonly p95?: number;
  readonly hits?: number;
  readonly misses?: number;
  readonly pools?: { readonly [name: string]: number };
}

export function vitalsOf(second: Second, at = 0): Vitals {
  const { cpu = 1, memory = 1, requests = 0, errors = 0, p95, hits = 0, misses = 0, pools = {} } = second;
  const pool = (utilization: number): PoolVitals => ({
    size: 10,
    inUse: 10 * utilization,
    waiting: 0,
    utilization,
    waitMs: 0,
  });
  return {
    at,
    requests: {
      perSecond: requests,
      errorsPerSecond: errors,
      shedPerSecond: 0,
      inFlight: 0,
      errorRate: requests === 0 ? null : errors / requests,
    },
    responseTime: p95 === undefined ? null : { p50: p95 / 2, p95, p99: p95 * 2 },
    cache: {
      hitsPerSecond: hits,
      missesPerSecond: misses,
      stalePerSecond: 0,
      coalescedPerSecond: 0,
      hitRate: hits + misses === 0 ? null : hits / (hits + misses),
      size: 0,
      bytes: 0,
    },
    pools: Object.fromEntries(Object.entries(pools).map(([name, utilization]) => [name, pool(utilization)])),
    eventLoop: { utilization: 0, delayMs: 0 },
    memory: { heapUsed: 0, heapTotal: 0, resident: 0, percentage: memory },
    cpu: { usage: cpu, load: 0 },
    gcMs: 0,
    disk: { readBytesPerSecond: 0, writtenBytesPerSecond: 0 },
    breakers: {},
    overloaded: false,
    custom: {},
  };
}

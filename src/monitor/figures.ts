import type { ConcurrencyStatistics } from '../kernel/concurrency-statistics.ts';
import type { PoolStatistics } from '../kernel/pool-statistics.ts';
import type { BreakerState, ShedClass, ShedReason } from '../signal/signal.ts';
import type { OutletState } from './outlet.ts';
import type { RequestFigures } from './request-meter.ts';

/** What the monitor asks others, since it does not know them. */
export interface MonitorSources {
  readonly cache: () => CacheReadings;
  /** How each pool is used, by name: databases, `http`, and the workers `threads` and `processes`. */
  readonly pools: () => { readonly [name: string]: PoolStatistics };
  readonly limits: () => LimitFigures;
  readonly breakers: () => PerformanceMetrics['breakers'];
  readonly tuning: () => TuningReadings;
  readonly state: () => ServingState;
  /** Nothing where scaling is not configured. */
  readonly scaling?: () => ScalingFigures | undefined;
}

/** What the optimizer made of the server. */
export interface TuningReadings {
  /** Nothing without a memory guard. */
  readonly memory:
    | {
        /** The larger of the shares of the two limits, heap and resident memory, that are in use. */
        readonly pressure: number;
        /** Times that memory was freed, and that new work was refused for lack of it. */
        readonly freed: number;
        readonly shed: number;
      }
    | undefined;
  /** What is tuned, by name. */
  readonly tunables: { readonly [name: string]: { readonly value: number } };
}

/** Where a server is in its life. */
export type ServingState = 'starting' | 'ready' | 'draining';

/** What a cache counts, as the monitor needs it. */
export interface CacheReadings {
  readonly memoryHits: number;
  readonly redisHits: number;
  readonly staleHits: number;
  /** Reads that found no value in memory to serve, those that the second tier then served included. */
  readonly misses: number;
  readonly coalesced: number;
  readonly evictions: number;
  readonly invalidations: number;
  readonly errors: number;
  readonly hitRate: number;
  readonly missRate: number;
  readonly size: number;
  readonly bytes: number;
  readonly isRedisUsable: boolean | undefined;
}

/** What was let in and what was refused, since the start; times in milliseconds. */
export interface LimitFigures {
  /** Requests that are being answered. */
  readonly inFlight: number;
  readonly admitted: number;
  /** Refused without being begun, by reason and by class. */
  readonly shed: { readonly [R in ShedReason]: number };
  readonly shedByClass: { readonly [C in ShedClass]: number };
  /** Whether requests are refused by delay right now. */
  readonly overloaded: boolean;
  /** How late the event loop last was. */
  readonly delayMs: number;
  /** Calls of tools by the server's own limits; nothing where it has none. */
  readonly server: ConcurrencyStatistics | undefined;
  /** Tools that have a `concurrency`, by name. */
  readonly tools: { readonly [name: string]: ConcurrencyStatistics };
}

/** How many instances there should be. */
export interface ScalingFigures {
  /** Demand per instance, in event loops. */
  readonly demandRatio: number;
  /** Nothing before it is known. */
  readonly recommendedInstances: number | undefined;
  /** Recommendations that were told. */
  readonly told: { readonly up: number; readonly down: number };
}

/** What a circuit breaker did since the start. */
export interface BreakerFigures {
  /** `open` while calls are refused, `half-open` once one may be tried. */
  readonly state: BreakerState;
  readonly calls: number;
  readonly failures: number;
  readonly failuresInRow: number;
  /** Calls that were not made. */
  readonly refused: number;
  /** How often it opened. */
  readonly opened: number;
}

/** How one pool, of connections or of workers, is used. */
export interface PoolFigures {
  /** Open connections or live workers, the most that the pool opens, and how many are in use. */
  readonly size: number;
  readonly max: number;
  readonly inUse: number;
  /** Share of the pool in use, 0 to 1. */
  readonly utilization: number;
  readonly waiting: number;
  /** Mean wait for one, in milliseconds, over the last one to two minutes. */
  readonly waitTime: number;
  /** Since the start: those that could not be made or were lost, and callers that waited too long. */
  readonly errors: number;
  readonly timeouts: number;
}

/** A business metric as recorded so far. */
export interface CustomMetricFigures {
  readonly last: number;
  readonly count: number;
  readonly sum: number;
}

/** How the cache is used, since the start. */
export interface CacheFigures {
  /** Reads that were answered with a kept value, of either tier. */
  readonly hits: number;
  /** Reads that were not, those that joined a computation under way included. */
  readonly misses: number;
  /** Shares of all reads, 0 to 1; both 0 before the first. */
  readonly hitRate: number;
  readonly missRate: number;
  /** Values in memory, and their bytes. */
  readonly size: number;
  readonly bytes: number;
}

/** How the server is doing. */
export interface PerformanceMetrics {
  /** Bytes; `percentage` is of what the process may use, container limits included. */
  readonly memory: {
    readonly percentage: number;
    readonly heapUsed: number;
    readonly heapTotal: number;
    readonly resident: number;
  };
  /** `usage` in percent of all cores that the process may use, since the last call. */
  readonly cpu: { readonly usage: number; readonly loadAverage: readonly number[] };
  readonly cache: CacheFigures;
  /** Not counted where the configuration says `monitor: false`. */
  readonly requests: Omit<RequestFigures, 'responseTime'>;
  /** Milliseconds, over the last one to two minutes. */
  readonly responseTime: RequestFigures['responseTime'];
  /** By the pools' names: `http`, `threads` and `processes` of tasks, and the databases. */
  readonly pools: { readonly [name: string]: PoolFigures };
  readonly limits: LimitFigures;
  /** By the names of databases; `redis` is the cache's, `http` all origins together, in the worst of their states. */
  readonly breakers: { readonly [name: string]: BreakerFigures };
  readonly custom: { readonly [name: string]: CustomMetricFigures };
  /** Where the monitor is served, and what keeps it from that. */
  readonly outlets: readonly OutletState[];
}

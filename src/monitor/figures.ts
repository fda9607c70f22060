import type { PoolStatistics } from '../kernel/pool-statistics.ts';
import type { BreakerState, ShedReason } from '../signal/signal.ts';
import type { OutletState } from './outlet.ts';
import type { RequestFigures } from './request-meter.ts';

/** What the monitor asks others, since it does not know them. */
export interface MonitorSources {
  readonly cache: () => CacheReadings;
  /** How each pool is used, by name: databases, `http`, and the workers `threads` and `processes`. */
  readonly pools: () => { readonly [name: string]: PoolStatistics };
  readonly limits: () => LimitReadings;
  /** The states of circuit breakers by name; those that the signals told of are known already. */
  readonly breakers: () => { readonly [name: string]: BreakerState };
  readonly state: () => ServingState;
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

/** One limit of what is done at once. */
export interface SlotReadings {
  readonly concurrency: number;
  readonly running: number;
  readonly queued: number;
}

/** What was let in and what was refused. */
export interface LimitReadings {
  readonly inFlight: number;
  readonly overloaded: boolean;
  readonly shed: { readonly [R in ShedReason]: number };
  /** The limit of all tools together, where there is one, and those of single tools. */
  readonly server: SlotReadings | undefined;
  readonly tools: { readonly [name: string]: SlotReadings };
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
  readonly limits: {
    readonly inFlight: number;
    readonly overloaded: boolean;
    /** Refused since the start, by reason. */
    readonly shed: { readonly [R in ShedReason]: number };
  };
  readonly breakers: { readonly [name: string]: BreakerState };
  readonly custom: { readonly [name: string]: CustomMetricFigures };
  /** Where the monitor is served, and what keeps it from that. */
  readonly outlets: readonly OutletState[];
}

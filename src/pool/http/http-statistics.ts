import type { PoolStatistics } from '../../kernel/pool-statistics.ts';

/**
 * What a pool of HTTP connections does now, and did since it was made: its calls wait until they are sent. `utilization` of a
 * whole pool is that of its busiest origin; `errors` are calls that failed, time-outs included, cancelled ones not.
 */
export type HttpConnectionStatistics = PoolStatistics;

/** The same for one origin; calls through the guard have connections of their own. */
export interface HttpOriginStatistics extends HttpConnectionStatistics {
  readonly origin: string;
  readonly guarded: boolean;
}

export interface HttpPoolStatistics extends HttpConnectionStatistics {
  readonly origins: readonly HttpOriginStatistics[];
}

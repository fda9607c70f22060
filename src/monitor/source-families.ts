import type { ConcurrencyStatistics } from '../kernel/concurrency-statistics.ts';
import type { PoolStatistics } from '../kernel/pool-statistics.ts';
import { METRICS } from './definitions.ts';
import { byLabel, single, toFamily } from './families.ts';
import type { CacheReadings, LimitFigures, ScalingFigures, TuningReadings } from './figures.ts';
import type { MetricFamily } from './metric-family.ts';

/** What a cache tells, as metrics. */
export function cacheFamilies(cache: CacheReadings): MetricFamily[] {
  const { memoryHits, redisHits, staleHits, misses, isRedisUsable } = cache;
  return [
    byLabel(METRICS.cacheHits, [
      ['memory', memoryHits + staleHits],
      ['redis', redisHits],
    ]),
    single(METRICS.cacheMisses, misses - redisHits),
    single(METRICS.cacheStale, staleHits),
    single(METRICS.cacheCoalesced, cache.coalesced),
    single(METRICS.cacheEvictions, cache.evictions),
    single(METRICS.cacheInvalidations, cache.invalidations),
    single(METRICS.cacheErrors, cache.errors),
    single(METRICS.cacheEntries, cache.size),
    single(METRICS.cacheSize, cache.bytes),
    single(METRICS.cacheTierUp, isRedisUsable === undefined ? undefined : Number(isRedisUsable)),
  ];
}

/** What pools tell. */
export function poolFamilies(pools: { readonly [name: string]: PoolStatistics }): MetricFamily[] {
  const entries = Object.entries(pools);
  const all = (read: (pool: PoolStatistics) => number) => entries.map(([name, pool]) => [name, read(pool)] as const);
  return [
    byLabel(
      METRICS.poolSize,
      all(({ size }) => size),
    ),
    byLabel(
      METRICS.poolMax,
      all(({ max }) => max),
    ),
    byLabel(
      METRICS.poolInUse,
      all(({ inUse }) => inUse),
    ),
    byLabel(
      METRICS.poolWaiting,
      all(({ waiting }) => waiting),
    ),
    byLabel(
      METRICS.poolUtilization,
      all(({ utilization }) => utilization),
    ),
    byLabel(
      METRICS.poolAcquired,
      all(({ acquired }) => acquired),
    ),
    byLabel(
      METRICS.poolWait,
      all(({ waitedMs }) => waitedMs / 1_000),
    ),
    byLabel(
      METRICS.poolErrors,
      all(({ errors }) => errors),
    ),
    byLabel(
      METRICS.poolTimeouts,
      all(({ timeouts }) => timeouts),
    ),
  ];
}

/** What the limits tell; each is named by its tool, that of all tools together `server`. */
export function limitFamilies({ inFlight, overloaded, server, tools }: LimitFigures): MetricFamily[] {
  const limits: [string, ConcurrencyStatistics][] = Object.entries(tools).map(([name, slots]) => [
    `tool ${name}`,
    slots,
  ]);
  if (server !== undefined) limits.push(['server', server]);
  const all = (read: (slots: ConcurrencyStatistics) => number) =>
    limits.map(([name, slots]) => [name, read(slots)] as const);
  const slots = all(({ concurrency }) => concurrency).filter(([, concurrency]) => Number.isFinite(concurrency));
  return [
    single(METRICS.inFlight, inFlight),
    single(METRICS.overloaded, Number(overloaded)),
    byLabel(
      METRICS.limitRunning,
      all(({ running }) => running),
    ),
    byLabel(
      METRICS.limitWaiting,
      all(({ queued }) => queued),
    ),
    byLabel(METRICS.limitSlots, slots),
  ];
}

/** What the optimizer tells. */
export function tuningFamilies({ memory, tunables }: TuningReadings): MetricFamily[] {
  const values = Object.entries(tunables).map(([name, { value }]) => [name, value] as const);
  const { pressure, freed = 0, shed = 0 } = memory ?? {};
  const relief =
    memory === undefined
      ? []
      : ([
          ['freed', freed],
          ['shed', shed],
        ] as const);
  return [
    single(METRICS.memoryPressure, pressure),
    byLabel(METRICS.memoryRelief, relief),
    byLabel(METRICS.tunable, values),
  ];
}

/** An instance counts itself, under the state that it is in. */
export function instanceFamily(state: string): MetricFamily {
  return toFamily(METRICS.instances, [{ labels: { state }, value: 1 }]);
}

/** How many instances there should be, where anybody wants to know. */
export function scalingFamilies(scaling: ScalingFigures | undefined): MetricFamily[] {
  if (scaling === undefined) return [];
  return [
    single(METRICS.demand, scaling.demandRatio),
    single(METRICS.instancesRecommended, scaling.recommendedInstances),
    byLabel(METRICS.scalings, Object.entries(scaling.told)),
  ];
}

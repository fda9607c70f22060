import { OptionError } from '../kernel/errors.ts';
import { integerOption } from '../kernel/options.ts';
import { additiveIncrease, type BoundUse } from './aimd.ts';
import { hillClimb } from './hill-climb.ts';
import type { Tuning } from './tunable.ts';

/** A cache whose number of values can be changed. */
export interface TunedCache {
  capacity: number;
  statistics(): {
    readonly size: number;
    readonly memoryHits: number;
    readonly staleHits: number;
    readonly misses: number;
    readonly evictions: number;
  };
}

/** A cache that is this good is as good as it gets. */
const LEAST_MISS_RATE = 0.001;
/** The reads in which a difference of a twentieth in what is missed can be told from chance. */
const MIN_READS = 5_000;

/** The number of values in memory: more as long as clearly fewer reads miss, and none for nothing. */
export function cacheEntries(cache: TunedCache, min: number, max: number): Tuning {
  let before = cache.statistics();
  const law = hillClimb({
    directions: ['up'],
    minSamples: MIN_READS,
    restart() {
      before = cache.statistics();
    },
    read() {
      const now = cache.statistics();
      const misses = now.misses - before.misses;
      const reads = misses + now.memoryHits + now.staleHits - before.memoryHits - before.staleHits;
      const missRate = Math.max(LEAST_MISS_RATE, reads === 0 ? 1 : misses / reads);
      return {
        score: 1 / missRate,
        samples: reads,
        error: Math.sqrt((1 - missRate) / (missRate * Math.max(1, reads))),
        matters: now.evictions > before.evictions,
      };
    },
  });
  const tunable = {
    name: 'cache.entries',
    min,
    max,
    get value() {
      return cache.capacity;
    },
    get used() {
      return cache.statistics().size;
    },
    apply(value: number) {
      cache.capacity = value;
    },
  };
  return { tunable, law };
}

/** A bound of requests in flight. */
export interface TunedBound {
  maxInFlight: number;
}

/** The bound of requests in flight: at most what was derived or configured, less while requests hold more than they should. */
export function requestsInFlight(bound: TunedBound, use: () => BoundUse): Tuning {
  const max = bound.maxInFlight;
  const tunable = {
    name: 'overload.maxInFlight',
    min: Math.max(1, Math.ceil(max / 16)),
    max,
    get value() {
      return bound.maxInFlight;
    },
    apply(value: number) {
      bound.maxInFlight = value;
    },
  };
  return { tunable, law: additiveIncrease(use) };
}

/** A batcher, as `createBatcher` makes them. */
export interface TunedBatcher {
  windowMs: number;
  statistics(): { readonly keys: number; readonly loads: number; readonly loadMs: number };
}

/**
 * How long a batcher collects: longer as long as more keys are loaded for each millisecond that a batch takes, its window
 * included. So a window that collects nothing more only delays, and shrinks.
 *
 * @param maxMs The longest window.
 * @throws {OptionError}
 */
export function batchWindow(name: string, batcher: TunedBatcher, maxMs: number): Tuning {
  if (typeof batcher?.statistics !== 'function') throw new OptionError('batcher', 'must be a Batcher', batcher);
  let before = batcher.statistics();
  const law = hillClimb({
    minSamples: 200,
    restart() {
      before = batcher.statistics();
    },
    read() {
      const now = batcher.statistics();
      const loads = now.loads - before.loads;
      const wayMs = now.loadMs - before.loadMs + loads * batcher.windowMs;
      const score = (now.keys - before.keys) / Math.max(wayMs, 0.001);
      return { score: Math.max(score, Number.MIN_VALUE), samples: loads, error: 1 / Math.sqrt(Math.max(1, 4 * loads)) };
    },
  });
  const tunable = {
    name: `batch.${name}`,
    min: 0,
    max: integerOption('maxMs', maxMs, 0, { min: 0, max: 60_000 }),
    get value() {
      return batcher.windowMs;
    },
    apply(value: number) {
      batcher.windowMs = value;
    },
  };
  return { tunable, law };
}

/** What a cache counts, from its beginning on. */
export interface CacheCounts {
  memoryHits: number;
  redisHits: number;
  /** Served after its lifetime, while it was computed anew. */
  staleHits: number;
  /** Served after its lifetime, since computing it anew failed. */
  staleIfErrorHits: number;
  /** Reads that found no value in memory to serve. */
  misses: number;
  /** Of these, those that joined a computation under way. */
  coalesced: number;
  computations: number;
  /** Computations behind the back of a request that was served an older value. */
  refreshes: number;
  invalidations: number;
  /** Values that left memory to make room. */
  evictions: number;
  /** Values too large to be kept. */
  tooLarge: number;
  /** Calls to the second tier that failed or took too long. */
  errors: number;
  /** Values of the second tier that were none of ours, or damaged. */
  garbage: number;
  /** Writes to the second tier that were given up. */
  droppedWrites: number;
}

/** How a cache is doing now. */
export interface CacheGauges {
  /** Values in memory. */
  readonly size: number;
  /** Their bytes, roughly. */
  readonly bytes: number;
  /** Computations under way. */
  readonly computing: number;
  readonly waitingWrites: number;
  /** Whether the second tier is used; nothing where there is none. */
  readonly isRedisUsable: boolean | undefined;
}

/** Counts and gauges, and the shares of reads that were served without computing, and not. */
export interface CacheStatistics extends Readonly<CacheCounts>, CacheGauges {
  /** 0 to 1; 0 before the first read. Reads that joined a computation count as misses. */
  readonly hitRate: number;
  readonly missRate: number;
}

export function createCounts(): CacheCounts {
  return {
    memoryHits: 0,
    redisHits: 0,
    staleHits: 0,
    staleIfErrorHits: 0,
    misses: 0,
    coalesced: 0,
    computations: 0,
    refreshes: 0,
    invalidations: 0,
    evictions: 0,
    tooLarge: 0,
    errors: 0,
    garbage: 0,
    droppedWrites: 0,
  };
}

export function toStatistics(counts: CacheCounts, gauges: CacheGauges): CacheStatistics {
  const { memoryHits, redisHits, staleHits, misses } = counts;
  const reads = memoryHits + staleHits + misses;
  const hitRate = reads === 0 ? 0 : (memoryHits + staleHits + redisHits) / reads;
  return Object.freeze({ ...counts, ...gauges, hitRate, missRate: reads === 0 ? 0 : 1 - hitRate });
}

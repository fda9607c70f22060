/** The contract of `cache/`: values as text in two tiers, computed once for all who ask. */

export { type BoundedMap, createBoundedMap } from './adapter/lru.ts';
export { createRedisTier, loadCacheDriver, type RedisTierOptions } from './adapter/redis.ts';
export { ApplicationCache, type InvalidationTarget, type ValueOptions } from './application-cache.ts';
export type { CacheStatistics } from './counts.ts';
export type { Lifetime } from './entry.ts';
export type { Invalidation } from './generations.ts';
export {
  APPLICATION_PREFIX,
  canonicalJson,
  END_OF_KEY,
  type KeyScope,
  secondTierKey,
  startOfKey,
} from './keys.ts';
export { type CacheOptions, type ResolvedCacheOptions, resolveCacheOptions } from './options.ts';
export type { Protect } from './remote.ts';
export type { LoggedInvalidation, LogPage, SecondTier, TierListener, TierWrite } from './second-tier.ts';

export type { Compute, Computed, ReadOptions, Served } from './served.ts';
export { Cache, type CacheParts } from './tiered-cache.ts';

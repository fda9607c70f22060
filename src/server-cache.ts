import { Circuit } from './breaker/breaker.ts';
import { Cache, createRedisTier } from './cache/cache.ts';
import { systemRandom } from './kernel/random.ts';
import type { CacheFigures } from './monitor/monitor.ts';
import type { ResolvedServerConfig } from './server-config.ts';
import type { EngineSignals } from './signal/signal.ts';

/** What metrics show of a cache. */
export function figuresOf(cache: Cache): CacheFigures {
  const { memoryHits, redisHits, staleHits, misses, hitRate, missRate, size, bytes } = cache.statistics();
  return { hits: memoryHits + staleHits + redisHits, misses: misses - redisHits, hitRate, missRate, size, bytes };
}

/** The cache limits the time of each call itself. A Redis that hangs is asked again after one second, then ever more rarely. */
const REDIS_CIRCUIT = { name: 'redis', timeout: 0, resetTimeout: 1_000, resetBackoff: 2, maxResetTimeout: 30_000 };

/** The cache that a configuration asks for, its second tier behind a breaker. */
export function createCache({ cache: options, clock }: ResolvedServerConfig, signals: EngineSignals): Cache {
  const parts = { options, clock, random: systemRandom, signal: signals.cache };
  if (!options.enableRedisCache) return new Cache(parts);
  const { redisUrl: url, keyPrefix: prefix } = options;
  const circuit = new Circuit({ ...REDIS_CIRCUIT, clock, changed: signals.breaker });
  return new Cache({
    ...parts,
    tier: createRedisTier({ url, prefix, random: systemRandom, connectTimeoutMs: 5_000 }),
    protect: (work) => circuit.run(work),
  });
}

import type { Cache } from './cache/cache.ts';
import type { Dispatcher } from './dispatch/dispatch.ts';
import {
  cacheEntries,
  createMemoryReader,
  MemoryGuard,
  PerformanceOptimizer,
  recordHeapProfile,
  requestsInFlight,
  systemCollector,
} from './optimizer/optimizer.ts';
import type { OptimizedServerConfig, ResolvedServerConfig } from './server-config.ts';
import type { EngineSignals } from './signal/signal.ts';

export interface OptimizerSubjects {
  readonly config: OptimizedServerConfig;
  readonly settings: ResolvedServerConfig;
  readonly signals: EngineSignals;
  readonly cache: Cache;
  readonly dispatcher: Dispatcher;
}

/** How far a cache may grow whose size nobody chose. */
const MAX_GROWTH = 4;

/** The optimizer of a server, with what it tunes and what it frees. It does nothing before it is started. */
export function createOptimizer({
  config,
  settings,
  signals,
  cache,
  dispatcher,
}: OptimizerSubjects): PerformanceOptimizer {
  const { clock, performance, overload } = settings;
  const optimizer = new PerformanceOptimizer({ ...performance, clock });
  const size = cache.capacity;
  const isChosen = config.cache?.lruCacheSize !== undefined;
  optimizer.add(cacheEntries(cache, Math.ceil(size / 16), isChosen ? size : MAX_GROWTH * size));
  const { guard } = dispatcher;
  const use = () => ({ inUse: guard.inFlight, refused: guard.statistics().shed['in-flight'] });
  if (overload.shed) optimizer.add(requestsInFlight(guard, use));
  const options = performance.memoryGuard;
  if (options === undefined) return optimizer;
  const { heapProfiles } = options;
  const memory = new MemoryGuard({
    options,
    clock,
    signal: signals.memory,
    read: createMemoryReader(options.maxMemoryBytes),
    collector: systemCollector,
    free: () => optimizer.free(),
    shed(isShedding) {
      guard.memoryShort = isShedding;
    },
    profile: heapProfiles && ((number) => recordHeapProfile(heapProfiles, clock, number)),
  });
  optimizer.attach(memory);
  return optimizer;
}

import { ApplicationCache, Cache, createRedisTier, resolveCacheOptions } from '../../dist/cache/cache.js';
import { systemClock } from '../../dist/kernel/clock.js';
import { createEngineSignals } from '../../dist/signal/signal.js';

/** What one kind of read cost, in microseconds. */
export interface TierResult {
  readonly what: string;
  readonly reads: number;
  /** From call to value, with as many reads under way as the name says. */
  readonly wallUs: number;
  /** Of the whole process. */
  readonly cpuUs: number;
}

const VALUE = { text: 'x'.repeat(300) };
const READS = 20_000;
const IN_FLIGHT = 64;
const PEEKS = 1_000_000;

function createTiers(redisUrl: string | undefined, prefix: string): { cache: Cache; values: ApplicationCache } {
  // What it costs is measured, also where the machine is so busy that a server would go on without.
  const given =
    redisUrl === undefined ? {} : { enableRedisCache: true, redisUrl, keyPrefix: prefix, redisTimeoutMs: 10_000 };
  const options = resolveCacheOptions({ lruCacheSize: 50_000, ...given }, 'bench');
  const cache = new Cache({
    options,
    clock: systemClock,
    random: Math.random,
    signal: createEngineSignals().cache,
    ...(redisUrl === undefined
      ? {}
      : { tier: createRedisTier({ url: redisUrl, prefix, random: Math.random, connectTimeoutMs: 5_000 }) }),
  });
  return { cache, values: new ApplicationCache(cache) };
}

async function untilUsable(cache: Cache): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    if (cache.statistics().isRedisUsable) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error('Redis could not be used within 5 s');
}

async function measure(
  what: string,
  reads: number,
  inFlight: number,
  read: (index: number) => unknown,
): Promise<TierResult> {
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < reads) await read(next++);
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  const elapsedUs = (performance.now() - startedAt) * 1_000;
  const { user, system } = process.cpuUsage(cpuBefore);
  return { what, reads, wallUs: (elapsedUs * inFlight) / reads, cpuUs: (user + system) / reads };
}

/** Reads of each kind: of memory, of Redis, of neither, and joined. Each part is run once before it counts. */
export async function measureTiers(redisUrl: string): Promise<TierResult[]> {
  const prefix = `tiers:${process.pid}`;
  const results: TierResult[] = [];
  const memory = createTiers(undefined, prefix);
  const writer = createTiers(redisUrl, prefix);
  const reader = createTiers(redisUrl, prefix);
  await Promise.all([untilUsable(writer.cache), untilUsable(reader.cache)]);
  const compute = async (): Promise<typeof VALUE> => VALUE;
  for (const round of ['warm', 'measured']) {
    const found: TierResult[] = [];
    await memory.values.getOrCompute('hit', compute);
    found.push(measurePeeks(memory.cache));
    found.push(
      await measure('hit in memory, as an object', READS, 1, () => memory.values.getOrCompute('hit', compute)),
      await measure('miss, memory only', READS, 1, (i) => memory.values.getOrCompute(`${round} ${i}`, compute)),
      await measure('miss, with Redis, one at a time', READS / 4, 1, (i) =>
        writer.values.getOrCompute(`one ${round} ${i}`, compute),
      ),
      await measure('miss, with Redis, 64 at a time', READS, IN_FLIGHT, (i) =>
        writer.values.getOrCompute(`${round} ${i}`, compute),
      ),
    );
    await writer.cache.flush();
    found.push(
      await measure('hit in Redis, one at a time', READS / 4, 1, (i) =>
        reader.values.getOrCompute(`one ${round} ${i}`, mustNotCompute),
      ),
      await measure('hit in Redis, 64 at a time', READS, IN_FLIGHT, (i) =>
        reader.values.getOrCompute(`${round} ${i}`, mustNotCompute),
      ),
      await measure('joined miss, 1,000 at a time', READS, 1_000, (i) =>
        memory.values.getOrCompute(`joined ${round} ${Math.floor(i / 1_000)}`, compute),
      ),
    );
    if (round === 'measured') results.push(...found);
  }
  await Promise.all([writer.cache.close(), reader.cache.close()]);
  return results;
}

function measurePeeks(cache: Cache): TierResult {
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  for (let times = 0; times < PEEKS; times++) if (cache.peek('app:hit') === undefined) throw new Error('no hit');
  const wallUs = ((performance.now() - startedAt) * 1_000) / PEEKS;
  const { user, system } = process.cpuUsage(cpuBefore);
  return { what: 'hit in memory, as text', reads: PEEKS, wallUs, cpuUs: (user + system) / PEEKS };
}

async function mustNotCompute(): Promise<never> {
  throw new Error('a value that should be in Redis was computed');
}

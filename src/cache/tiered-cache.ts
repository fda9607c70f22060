import type { Clock } from '../kernel/clock.ts';
import type { Random } from '../kernel/random.ts';
import type { CacheSignal, Signal } from '../signal/signal.ts';
import { type BoundedMap, createBoundedMap } from './adapter/lru.ts';
import { type CacheCounts, type CacheStatistics, createCounts, toStatistics } from './counts.ts';
import { Entry, type Lifetime } from './entry.ts';
import { type Flight, Flights } from './flights.ts';
import { Generations, type Invalidation } from './generations.ts';
import type { ResolvedCacheOptions } from './options.ts';
import { type Protect, Remote } from './remote.ts';
import type { SecondTier } from './second-tier.ts';
import { type Compute, computedOf, type ReadOptions, type Served, served } from './served.ts';

export interface CacheParts {
  readonly options: ResolvedCacheOptions;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: Signal<CacheSignal>;
  /** The second tier, if there is one. */
  readonly tier?: SecondTier | undefined;
  /** Stands around each call to it. @default none */
  readonly protect?: Protect | undefined;
}

/** Keys, tags and patterns whose last invalidation is remembered. */
const MAX_GENERATIONS = 10_000;
/** How far before its end a value may be computed anew, in times of its computing. */
const EARLY_SPAN = 10;
const LOCK_WAIT = { firstMs: 2, maxMs: 50 };

/**
 * Reads through two tiers, computing a value at most once for all who ask for it at the same time.
 *
 * A value is never served after its invalidation, however these two meet: reads that begin later neither see it nor join
 * its computation, and a computation that began before is not kept. The second tier may be slow, wrong or gone.
 */
export class Cache {
  readonly #parts: CacheParts;
  readonly #memory: BoundedMap<Entry>;
  readonly #generations = new Generations(MAX_GENERATIONS);
  readonly #flights = new Flights<Served>();
  readonly #counts: CacheCounts = createCounts();
  readonly #remote: Remote | undefined;

  constructor(parts: CacheParts) {
    const { options, clock, random, tier, protect } = parts;
    this.#parts = parts;
    this.#memory = createBoundedMap(options.lruCacheSize, options.maxMemoryBytes, () => this.#counts.evictions++);
    if (tier === undefined) return;
    this.#remote = new Remote({
      tier,
      clock,
      random,
      origin: randomName(random),
      protect: protect ?? ((work) => work()),
      options: {
        prefix: options.keyPrefix,
        timeoutMs: options.redisTimeoutMs,
        compressAboveBytes: options.compressAboveBytes,
        maxEntryBytes: options.maxEntryBytes,
        maxGenerations: MAX_GENERATIONS,
        writeBehind: { maxEntries: options.maxQueuedWrites, maxBytes: options.maxQueuedBytes },
      },
      invalidated: (one) => {
        if (one === undefined) this.#generations.forget(this.#generations.now + 1);
        else this.#generations.record(one);
      },
      told: (kind, count, error) => this.#told(kind, count, error),
    });
  }

  get options(): ResolvedCacheOptions {
    return this.#parts.options;
  }

  /**
   * A value of the first tier that needs nothing done about it.
   *
   * HOT: the whole of a hit; guarded by `npm run bench -- cache`.
   */
  peek(key: string): string | undefined {
    const entry = this.#memory.get(key);
    if (entry === undefined || this.#parts.clock.now() >= entry.quietUntil || !this.#holds(key, entry))
      return undefined;
    this.#counts.memoryHits++;
    return entry.text;
  }

  /** Reads a value, computing it if need be. Rejects as the computation does, where no older value can stand in. */
  read(key: string, compute: Compute, options: ReadOptions): Promise<Served> {
    const entry = this.#held(key);
    const now = this.#parts.clock.now();
    if (entry !== undefined && now < entry.expiresAt) {
      if (this.#isDueEarly(entry, now)) this.#refresh(key, compute, options);
      this.#counts.memoryHits++;
      return Promise.resolve(served(entry, 'memory', now));
    }
    if (entry !== undefined && now < entry.staleUntil) {
      this.#refresh(key, compute, options);
      this.#counts.staleHits++;
      return Promise.resolve(served(entry, 'stale', now));
    }
    return this.#join(key, compute, options);
  }

  /** A value that is there and fresh, in either tier. */
  async find(key: string): Promise<string | undefined> {
    const now = this.#parts.clock.now();
    let entry = this.#held(key);
    if (entry === undefined) {
      const since = this.#generations.now;
      entry = (await this.#remote?.read(key, since))?.entry;
      if (entry !== undefined) this.#keep(key, entry);
    }
    const isFresh = entry !== undefined && now < entry.expiresAt;
    if (isFresh) this.#counts.memoryHits++;
    else this.#counts.misses++;
    return isFresh ? entry?.text : undefined;
  }

  /** Puts a value in place of any other under this key, on all instances. */
  async put(key: string, text: string, tags: readonly string[], life: Lifetime): Promise<void> {
    await this.invalidate({ kind: 'key', value: key });
    const { clock } = this.#parts;
    const entry = new Entry(text, tags, this.#generations.now, clock.now(), 0, life);
    if (this.#keep(key, entry)) void this.#remote?.write(key, entry, this.#remote.now);
  }

  /**
   * Invalidates here at once, and on all instances as soon as they can be told.
   *
   * @returns Whether they have been told; true without a second tier.
   */
  async invalidate(invalidation: Invalidation): Promise<boolean> {
    this.#counts.invalidations++;
    this.#generations.record(invalidation);
    if (invalidation.kind === 'key') this.#memory.delete(invalidation.value);
    return (await this.#remote?.invalidate(invalidation)) ?? true;
  }

  statistics(): CacheStatistics {
    return toStatistics(this.#counts, {
      size: this.#memory.size,
      bytes: this.#memory.bytes,
      computing: this.#flights.size,
      waitingWrites: this.#remote?.waitingWrites ?? 0,
      isRedisUsable: this.#remote?.isUsable,
    });
  }

  /** Resolves when nothing waits to be written to the second tier. */
  async flush(): Promise<void> {
    await this.#remote?.flush();
  }

  /** Writes what waits to the second tier, and leaves it. */
  async close(): Promise<void> {
    await this.#remote?.close();
  }

  #holds(key: string, entry: Entry): boolean {
    const { now } = this.#generations;
    if (entry.since === now) return true;
    if (!this.#generations.holds(key, entry.tags, entry.since)) return false;
    entry.since = now; // What did not concern it so far never will.
    return true;
  }

  #held(key: string): Entry | undefined {
    const entry = this.#memory.get(key);
    if (entry === undefined || this.#holds(key, entry)) return entry;
    this.#memory.delete(key);
    return undefined;
  }

  /** Refreshes early by chance, the more likely the nearer the end and the dearer the value (XFetch). */
  #isDueEarly({ computeMs, expiresAt, quietUntil }: Entry, now: number): boolean {
    const { options, random } = this.#parts;
    if (now < quietUntil) return false;
    return now - computeMs * options.earlyRefresh * Math.log(1 - random()) >= expiresAt;
  }

  #refresh(key: string, compute: Compute, { tags, life }: ReadOptions): void {
    if (this.#flights.find(key, this.#generations) !== undefined) return;
    this.#counts.refreshes++;
    const flight = this.#start(key, compute, { tags, life }, true);
    flight.join(undefined).catch((error: unknown) => this.#told('error', 1, error));
  }

  async #join(key: string, compute: Compute, options: ReadOptions): Promise<Served> {
    this.#counts.misses++;
    const flight = this.#flights.find(key, this.#generations);
    if (flight === undefined) return this.#start(key, compute, options, false).join(options.signal);
    this.#counts.coalesced++;
    const result = await flight.join(options.signal);
    if (result.isShared) return result;
    return computedOf(await compute(options.signal ?? new AbortController().signal), options.life);
  }

  #start(key: string, compute: Compute, options: ReadOptions, isRefresh: boolean): Flight<Served> {
    const run = (flight: Flight<Served>): Promise<Served> => this.#run(key, compute, options, flight, isRefresh);
    return this.#flights.start(key, options.tags, this.#generations.now, run);
  }

  async #run(
    key: string,
    compute: Compute,
    options: ReadOptions,
    flight: Flight<Served>,
    isRefresh: boolean,
  ): Promise<Served> {
    const { clock, options: settings } = this.#parts;
    const remote = this.#remote;
    if (remote?.isUsable !== true || settings.lockMs === 0) {
      const found = remote?.isUsable === true && !isRefresh ? await this.#fromRemote(key) : undefined;
      return found ?? this.#compute(key, compute, options, flight);
    }
    const token = randomName(this.#parts.random);
    const endsAt = clock.now() + settings.lockMs;
    for (let tries = 0; ; tries++) {
      const found = isRefresh && tries === 0 ? undefined : await this.#fromRemote(key);
      if (found !== undefined) return found;
      if (clock.now() >= endsAt || !remote.isUsable || flight.signal.aborted) break;
      if (await remote.lock(key, token, settings.lockMs)) {
        return this.#compute(key, compute, options, flight, () => remote.unlock(key, token));
      }
      const delayMs = Math.min(LOCK_WAIT.maxMs, LOCK_WAIT.firstMs * 2 ** Math.min(tries, 10));
      await new Promise<void>((resolve) => clock.after(delayMs, resolve));
    }
    return this.#compute(key, compute, options, flight);
  }

  /** A fresh value of the second tier, which comes to the first. */
  async #fromRemote(key: string): Promise<Served | undefined> {
    const since = this.#generations.now;
    const entry = (await this.#remote?.read(key, since))?.entry;
    const now = this.#parts.clock.now();
    if (entry === undefined || !this.#keep(key, entry) || now >= entry.expiresAt) return undefined;
    this.#counts.redisHits++;
    return served(entry, 'redis', now);
  }

  async #compute(
    key: string,
    compute: Compute,
    options: ReadOptions,
    flight: Flight<Served>,
    done?: () => Promise<void>,
  ): Promise<Served> {
    const { clock } = this.#parts;
    const startedAt = clock.now();
    const clusterSince = this.#remote?.now;
    let written: Promise<void> | undefined;
    flight.since = this.#generations.now; // From here on an invalidation concerns what is computed.
    try {
      this.#counts.computations++;
      const computed = await compute(flight.signal);
      const life = computed.life ?? options.life;
      if (computed.isKept && life.ttlMs > 0) {
        const now = clock.now();
        const entry = new Entry(computed.text, options.tags, flight.since, now, now - startedAt, life);
        if (this.#keep(key, entry)) written = this.#remote?.write(key, entry, clusterSince);
      }
      return computedOf(computed, life);
    } catch (error) {
      const older = this.#held(key);
      if (older === undefined || clock.now() >= older.staleIfErrorUntil) throw error;
      this.#counts.staleIfErrorHits++;
      return served(older, 'stale', clock.now());
    } finally {
      if (done !== undefined) void (written ?? Promise.resolve()).then(done);
    }
  }

  /** Keeps a value in the first tier, unless it was invalidated meanwhile or is too large. */
  #keep(key: string, entry: Entry): boolean {
    const bytes = entry.bytesWith(key);
    if (!this.#holds(key, entry)) return false;
    if (bytes > this.#parts.options.maxEntryBytes) {
      this.#counts.tooLarge++;
      return false;
    }
    entry.quietUntil = entry.expiresAt - entry.computeMs * this.#parts.options.earlyRefresh * EARLY_SPAN;
    this.#memory.set(key, entry, bytes);
    return true;
  }

  #told(kind: CacheSignal['kind'], count: number, error?: unknown): void {
    if (kind === 'error') this.#counts.errors += count;
    else if (kind === 'garbage') this.#counts.garbage += count;
    else if (kind === 'dropped') this.#counts.droppedWrites += count;
    const { signal } = this.#parts;
    if (signal.active) signal.emit(error === undefined ? { kind, count } : { kind, count, error });
  }
}

function randomName(random: Random): string {
  return Array.from({ length: 3 }, () => Math.floor(random() * 2 ** 32).toString(36)).join('');
}

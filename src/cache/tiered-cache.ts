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
  /** Tells other instances of an invalidation, where no second tier does. @returns Whether all carried it out. */
  readonly tellPeers?: ((invalidation: Invalidation) => Promise<boolean>) | undefined;
}

/** A value to be had, and what for. */
interface Task {
  readonly key: string;
  readonly compute: Compute;
  readonly options: ReadOptions;
  /** Behind the back of a reader who has an older value: nothing for one who waits. */
  readonly refreshes: 'early' | 'stale' | undefined;
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
  readonly #flights: Flights<Served>;
  readonly #counts: CacheCounts = createCounts();
  readonly #remote: Remote | undefined;
  #capacity: number;

  constructor(parts: CacheParts) {
    const { options, clock, random, tier, protect } = parts;
    this.#parts = parts;
    this.#flights = new Flights(clock);
    this.#capacity = options.lruCacheSize;
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

  /** Most values in memory; may be changed at any time. */
  get capacity(): number {
    return this.#capacity;
  }

  set capacity(entries: number) {
    this.#capacity = entries;
    this.#memory.resize(entries);
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
      if (this.#isDueEarly(entry, now)) this.#refresh({ key, compute, options, refreshes: 'early' });
      this.#counts.memoryHits++;
      return Promise.resolve(served(entry, 'memory', now));
    }
    if (entry !== undefined && now < entry.staleUntil) {
      this.#refresh({ key, compute, options, refreshes: 'stale' });
      this.#counts.staleHits++;
      return Promise.resolve(served(entry, 'stale', now));
    }
    return this.#join(key, compute, options);
  }

  /** A value that is there and fresh, in either tier. */
  async find(key: string): Promise<string | undefined> {
    const { clock } = this.#parts;
    const held = this.#held(key);
    if (held !== undefined && clock.now() < held.expiresAt) {
      this.#counts.memoryHits++;
      return held.text;
    }
    this.#counts.misses++;
    return (await this.#fromRemote(key))?.text;
  }

  /** Puts a value in place of any other under this key, on all instances. */
  async put(key: string, text: string, tags: readonly string[], life: Lifetime): Promise<void> {
    const { clock } = this.#parts;
    const told = this.invalidate({ kind: 'key', value: key });
    const entry = new Entry(text, tags, this.#generations.now, clock.now(), 0, life);
    const since = entry.since;
    const isKept = this.#keep(key, entry); // At once: of two that are put one after the other the later one stays.
    await told;
    if (isKept && this.#generations.holds(key, tags, since)) void this.#remote?.write(key, entry, this.#remote.now);
  }

  /**
   * Invalidates here at once, and on all instances as soon as they can be told.
   *
   * @returns Whether they have been told; true without a second tier.
   */
  async invalidate(invalidation: Invalidation): Promise<boolean> {
    this.hear(invalidation);
    if (this.#remote !== undefined) return this.#remote.invalidate(invalidation);
    return (await this.#parts.tellPeers?.(invalidation)) ?? true;
  }

  /** Invalidates here alone: another instance told of it. */
  hear(invalidation: Invalidation): void {
    this.#counts.invalidations++;
    this.#generations.record(invalidation);
    if (invalidation.kind === 'key') this.#memory.delete(invalidation.value);
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

  #refresh(task: Task): void {
    if (this.#flights.find(task.key, this.#generations) !== undefined) return;
    this.#counts.refreshes++;
    this.#start(task)
      .join(undefined)
      .catch((error: unknown) => this.#told('error', 1, error));
  }

  async #join(key: string, compute: Compute, options: ReadOptions): Promise<Served> {
    const { signal, life } = options;
    this.#counts.misses++;
    signal?.throwIfAborted();
    const flight = this.#flights.find(key, this.#generations);
    if (flight !== undefined) this.#counts.coalesced++;
    try {
      const result = await (flight ?? this.#start({ key, compute, options, refreshes: undefined })).join(signal);
      if (flight === undefined || result.isShared) return result;
      this.#counts.computations++;
      return computedOf(await compute(signal ?? new AbortController().signal), life);
    } catch (error) {
      const older = signal?.aborted === true ? undefined : this.#held(key);
      if (older === undefined || this.#parts.clock.now() >= older.staleIfErrorUntil) throw error;
      this.#counts.staleIfErrorHits++;
      return served(older, 'stale', this.#parts.clock.now());
    }
  }

  #start(task: Task): Flight<Served> {
    const { key, options } = task;
    return this.#flights.start(key, options.tags, this.#generations.now, (flight) => this.#run(task, flight));
  }

  async #run(task: Task, flight: Flight<Served>): Promise<Served> {
    const { key, refreshes } = task;
    const remote = this.#remote;
    if (remote === undefined || !remote.isUsable) return this.#compute(task, flight);
    const found = refreshes === 'early' ? undefined : await this.#fromRemote(key, refreshes);
    return found ?? this.#computeInTurn(task, flight, remote);
  }

  /** Computes while no other instance does; waits for what that one comes to, as long as it may take. */
  async #computeInTurn(task: Task, flight: Flight<Served>, remote: Remote): Promise<Served> {
    const { clock, random, options } = this.#parts;
    const { key, refreshes } = task;
    const token = randomName(random);
    const endsAt = clock.now() + options.lockMs;
    for (let tries = 0; remote.isUsable && clock.now() < endsAt; tries++) {
      flight.signal.throwIfAborted();
      // The lock is asked for before the value: who had it before has written by then.
      const [isLocked, found] = await Promise.all([
        remote.lock(key, token, options.lockMs),
        this.#fromRemote(key, refreshes),
      ]);
      const unlock = (): Promise<void> => remote.unlock(key, token);
      if (isLocked && found === undefined) return this.#compute(task, flight, unlock);
      if (isLocked) void unlock();
      if (found !== undefined) return found;
      const held = refreshes === 'early' ? this.#held(key) : undefined;
      if (held !== undefined) return served(held, 'memory', clock.now()); // Another instance is at it.
      const delayMs = Math.min(LOCK_WAIT.maxMs, LOCK_WAIT.firstMs * 2 ** Math.min(tries, 10));
      await new Promise<void>((resolve) => clock.after(delayMs, resolve));
    }
    return this.#compute(task, flight);
  }

  /** A fresh value of the second tier, which comes to the first; for an early refresh one that needs none itself. */
  async #fromRemote(key: string, refreshes?: Task['refreshes']): Promise<Served | undefined> {
    const since = this.#generations.now;
    const entry = (await this.#remote?.read(key, since))?.entry;
    const now = this.#parts.clock.now();
    if (entry === undefined || !this.#keep(key, entry)) return undefined;
    if (now >= (refreshes === 'early' ? entry.quietUntil : entry.expiresAt)) return undefined;
    if (refreshes === undefined) this.#counts.redisHits++;
    return served(entry, 'redis', now);
  }

  async #compute(
    { key, compute, options }: Task,
    flight: Flight<Served>,
    unlock?: () => Promise<void>,
  ): Promise<Served> {
    const { clock } = this.#parts;
    const startedAt = clock.now();
    const clusterSince = this.#remote?.now;
    let written: Promise<void> | undefined;
    try {
      flight.signal.throwIfAborted();
      flight.since = this.#generations.now; // From here on an invalidation concerns what is computed.
      this.#counts.computations++;
      const computed = await compute(flight.signal);
      const life = computed.life ?? options.life;
      if (computed.isKept && computed.isShared && life.ttlMs > 0) {
        const now = clock.now();
        const entry = new Entry(computed.text, options.tags, flight.since, now, now - startedAt, life);
        if (this.#keep(key, entry)) written = this.#remote?.write(key, entry, clusterSince);
      }
      return computedOf(computed, life);
    } finally {
      if (unlock !== undefined) void (written ?? Promise.resolve()).then(unlock);
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

import { nextDelay } from '../kernel/backoff.ts';
import type { CancelTimer, Clock } from '../kernel/clock.ts';
import { PeregrineError } from '../kernel/errors.ts';
import type { Random } from '../kernel/random.ts';
import { withinTime } from '../kernel/time-limit.ts';
import { type Decoded, decodeEntry, encodeEntry } from './codec.ts';
import type { Entry } from './entry.ts';
import { type Invalidation, isConcerned } from './generations.ts';
import { InvalidationLog } from './invalidation-log.ts';
import { secondTierKey } from './keys.ts';
import type { LoggedInvalidation, SecondTier, TierWrite } from './second-tier.ts';
import { WriteBehind } from './write-behind.ts';

/** Runs a call to the second tier, or refuses to: a circuit breaker, for example. */
export type Protect = <T>(work: () => Promise<T>) => Promise<T>;

export interface RemoteOptions {
  readonly prefix: string;
  /** Longest wait for one call, in milliseconds. */
  readonly timeoutMs: number;
  readonly compressAboveBytes: number;
  readonly maxEntryBytes: number;
  readonly maxGenerations: number;
  readonly writeBehind: { readonly maxEntries: number; readonly maxBytes: number };
}

export interface RemoteParts {
  readonly tier: SecondTier;
  readonly options: RemoteOptions;
  readonly clock: Clock;
  readonly random: Random;
  /** This process among the instances. */
  readonly origin: string;
  readonly protect: Protect;
  /** Another instance invalidated something; without one, anything may have been. */
  invalidated(invalidation: Invalidation | undefined): void;
  /** The second tier cannot be used, or can again; or it held, or lost, what it should not have. */
  told(kind: 'degraded' | 'recovered' | 'error' | 'garbage' | 'dropped', count: number, error?: unknown): void;
}

const RETRY = { firstMs: 100, maxMs: 2_000 };
/** So many calls in a row that fail put the tier out of use until the log could be read again. */
const MAX_FAILURES = 5;
/** After so many tries in vain to get in step, the connection itself is doubted. */
const TRIES_PER_CONNECTION = 4;
/** How often the log is looked at even if nothing was heard of it: a dead connection tells nothing. */
const CHECK_MS = 5_000;
/** How much longer than one read a batch of writes, the log, and closing may take. */
const WRITE_FACTOR = 20;
const LOG_FACTOR = 20;
const CLOSE_FACTOR = 40;

/**
 * The second tier as one instance uses it: values that are known to hold, the log of invalidations in step, and nothing at all
 * while that cannot be had. It never throws for a fault of the tier.
 *
 * What this instance invalidated while the tier was out of reach waits to be logged; until then the tier is not read.
 */
export class Remote {
  readonly #parts: RemoteParts;
  readonly #writes: WriteBehind;
  readonly #log: InvalidationLog;
  #isConnected = false;
  #isInStep = false;
  #isDegraded = false;
  #isClosed = false;
  /** Counts the tries to get in step: one that was overtaken decides nothing any more. */
  #attempt = 0;
  #retries = 0;
  #failures = 0;
  /** Batches that took too long, and may still be written. */
  #lateWrites = 0;
  readonly #unlocks = new Set<Promise<void>>();
  #cancelRetry: CancelTimer | undefined;
  #cancelCheck: CancelTimer | undefined;

  constructor(parts: RemoteParts) {
    const { tier, options, origin } = parts;
    this.#parts = parts;
    this.#log = new InvalidationLog({
      tier,
      origin,
      limit: options.maxGenerations,
      call: (work) => this.#ask(work, LOG_FACTOR),
      invalidated: parts.invalidated,
    });
    this.#writes = new WriteBehind({
      ...options.writeBehind,
      write: (writes) => this.#writeBatch(writes),
      dropped: (count, error) => parts.told('dropped', count, error),
    });
    tier.open({
      logged: (entry) => this.#logged(entry),
      state: (isUp) => this.#connected(isUp),
      error: (error) => {
        parts.told('error', 1, error);
        if (!this.#isInStep) this.#degraded(error);
      },
    });
  }

  /** Whether the tier is connected, and this instance knows all that was invalidated. */
  get isUsable(): boolean {
    return this.#isInStep;
  }

  /** The cluster's number for a computation that begins now; nothing while it is not known. */
  get now(): number | undefined {
    return this.#isInStep ? this.#log.now : undefined;
  }

  /** Waiting writes to the tier. */
  get waitingWrites(): number {
    return this.#writes.size;
  }

  /** A value that holds, or nothing. `since` is this process's own number of invalidations when the reading begins. */
  async read(key: string, since: number): Promise<Decoded | undefined> {
    const { options, clock, tier, told } = this.#parts;
    if (!this.#isInStep) return undefined;
    const unlogged = [...this.#log.waiting]; // The tier does not know of these yet.
    if (unlogged.some((one) => isConcerned(one, key, []))) return undefined;
    const name = secondTierKey(options.prefix, key);
    try {
      const { bytes, now } = await this.#ask(() => tier.read(name));
      if (now !== this.#log.now) await this.#catchUp();
      if (bytes === undefined || !this.isUsable) return undefined;
      const wallOffsetMs = clock.wallNow() - clock.now();
      const maxBytes = options.maxEntryBytes * 2; // Which counts two bytes for a character that takes up to three here.
      const decoded = decodeEntry(bytes, { key, since, now: clock.now(), wallOffsetMs, maxBytes });
      if (decoded === undefined) {
        told('garbage', 1);
        this.remove(key);
        return undefined;
      }
      const { tags, endsAt } = decoded.entry;
      if ([...unlogged, ...this.#log.waiting].some((one) => isConcerned(one, key, tags))) return undefined;
      return this.#log.holds(key, tags, decoded.clusterSince) && endsAt > clock.now() ? decoded : undefined;
    } catch {
      return undefined;
    }
  }

  /** Writes a value behind; resolves when that was tried. `clusterSince` is {@link now} from when its computation began. */
  write(key: string, entry: Entry, clusterSince: number | undefined): Promise<void> {
    const { options, clock } = this.#parts;
    if (clusterSince === undefined || this.#isClosed) return Promise.resolve();
    const { epoch } = this.#log;
    return this.#writes.push(key, {
      bytes: entry.bytesWith(key),
      prepare: async () => {
        const ttlMs = entry.endsAt - clock.now();
        if (ttlMs <= 0) return undefined;
        // Until the log is known again, nobody could tell what this number means.
        if (!this.#isInStep || epoch !== this.#log.epoch) throw new PeregrineError('CACHE_OUT_OF_STEP', 'not in step');
        const offset = clock.wallNow() - clock.now();
        const bytes = await encodeEntry(entry, key, clusterSince, offset, options.compressAboveBytes);
        return { key: secondTierKey(options.prefix, key), bytes, ttlMs };
      },
    });
  }

  /** Removes a value behind; an invalidation does not need it, but frees the memory. */
  remove(key: string): void {
    const name = secondTierKey(this.#parts.options.prefix, key);
    if (this.#isConnected && !this.#isClosed)
      void this.#writes.push(key, { bytes: 0, prepare: async () => ({ key: name, bytes: undefined, ttlMs: 0 }) });
  }

  /** Tells all instances. Resolves with whether they have been told; if not, they will be as soon as that is possible. */
  async invalidate(invalidation: Invalidation): Promise<boolean> {
    if (this.#isClosed) return false;
    const isWaiting = this.#log.add(invalidation);
    try {
      while (this.#isInStep && isWaiting()) await this.#log.append();
    } catch (error) {
      this.#lost(error);
    }
    return !isWaiting();
  }

  /** Takes the right to compute a value for all instances. A tier that cannot tell gives it. */
  async lock(key: string, token: string, ttlMs: number): Promise<boolean> {
    try {
      return await this.#call(() => this.#parts.tier.lock(secondTierKey('', key), token, ttlMs));
    } catch {
      return true;
    }
  }

  /** Gives the right back; where that fails it ends by itself. */
  async unlock(key: string, token: string): Promise<void> {
    if (this.#isClosed) return;
    const done = this.#call(() => this.#parts.tier.unlock(secondTierKey('', key), token)).catch(() => {});
    this.#unlocks.add(done);
    await done;
    this.#unlocks.delete(done);
  }

  /** Resolves when no write waits. */
  flush(): Promise<void> {
    return this.#writes.flush();
  }

  /** Logs and writes what waits, as far as that takes no long time, and closes. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    const { clock, options, tier, told } = this.#parts;
    const inTime = (work: () => Promise<void>): Promise<void> =>
      withinTime(clock, options.timeoutMs * CLOSE_FACTOR, 'CACHE_TIMEOUT', work).catch((error: unknown) =>
        told('error', 1, error),
      );
    if (this.#isInStep) await inTime(() => this.#finish());
    this.#isClosed = true;
    this.#leaveStep();
    this.#writes.clear();
    await inTime(() => tier.close());
  }

  async #finish(): Promise<void> {
    while (this.#isInStep && this.#log.waiting.length > 0) await this.#log.append();
    await this.#writes.flush();
    await Promise.all(this.#unlocks);
  }

  async #call<T>(work: () => Promise<T>, factor = 1): Promise<T> {
    const { clock, options, protect, told } = this.#parts;
    try {
      return await protect(() => withinTime(clock, options.timeoutMs * factor, 'CACHE_TIMEOUT', work));
    } catch (error) {
      told('error', 1, error);
      throw error;
    }
  }

  /** A call for what the tier knows; where it answers no more, the others need not wait for it too. */
  async #ask<T>(work: () => Promise<T>, factor = 1): Promise<T> {
    try {
      const answer = await this.#call(work, factor);
      this.#failures = 0;
      return answer;
    } catch (error) {
      if (++this.#failures >= MAX_FAILURES && this.#isInStep) this.#lost(error);
      throw error;
    }
  }

  /** A batch that takes too long holds up the others, which are then given up: they would only pile up behind it. */
  async #writeBatch(writes: readonly TierWrite[]): Promise<void> {
    if (this.#lateWrites > 0)
      throw new PeregrineError('CACHE_BUSY', 'an earlier write is not answered yet', { retryable: true });
    const { tier } = this.#parts;
    await this.#call(async () => {
      this.#lateWrites++;
      try {
        await tier.write(writes);
      } finally {
        this.#lateWrites = Math.max(0, this.#lateWrites - 1);
      }
    }, WRITE_FACTOR);
  }

  #connected(isUp: boolean): void {
    if (this.#isConnected === isUp || this.#isClosed) return;
    this.#isConnected = isUp;
    this.#lateWrites = 0; // They ended with their connection.
    if (isUp) void this.#getInStep();
    else {
      this.#leaveStep();
      this.#degraded();
    }
  }

  #leaveStep(): void {
    this.#attempt++;
    this.#isInStep = false;
    this.#cancelCheck?.();
    this.#cancelRetry?.();
  }

  #degraded(error?: unknown): void {
    if (this.#isDegraded) return;
    this.#isDegraded = true;
    this.#parts.told('degraded', 1, error);
  }

  /** Learns what was missed, then logs what could not be; tries again until both are done. */
  async #getInStep(): Promise<void> {
    this.#leaveStep();
    if (!this.#isConnected || this.#isClosed) return;
    const attempt = this.#attempt;
    try {
      await this.#log.catchUp();
      if (attempt !== this.#attempt) return;
      this.#isInStep = true;
      while (attempt === this.#attempt && this.#log.waiting.length > 0) await this.#log.append();
    } catch (error) {
      if (attempt === this.#attempt) this.#lost(error);
    }
    if (attempt === this.#attempt) this.#recovered();
  }

  #recovered(): void {
    const { clock, told } = this.#parts;
    this.#retries = 0;
    this.#failures = 0;
    this.#cancelCheck = clock.every(CHECK_MS, () => void this.#catchUp().catch(() => {}));
    if (!this.#isDegraded) return;
    this.#isDegraded = false;
    told('recovered', 1);
  }

  #lost(error: unknown): void {
    const { clock, random, tier } = this.#parts;
    this.#leaveStep();
    this.#degraded(error);
    if (!this.#isConnected || this.#isClosed) return;
    const retry = (): void => {
      if (this.#retries % TRIES_PER_CONNECTION === 0) tier.reset();
      void this.#getInStep();
    };
    this.#cancelRetry = clock.after(nextDelay(RETRY, this.#retries++, random), retry);
  }

  /** Reads the log, and adds to it what the reading may have brought up. @throws whatever keeps the log from being read. */
  async #catchUp(): Promise<void> {
    try {
      await this.#log.catchUp();
      while (this.#isInStep && this.#log.waiting.length > 0) await this.#log.append();
    } catch (error) {
      if (this.#isInStep) this.#lost(error);
      throw error;
    }
  }

  #logged(entry: LoggedInvalidation): void {
    this.#log.heard(entry, this.#isInStep).catch((error: unknown) => {
      if (this.#isInStep) this.#lost(error);
    });
  }
}

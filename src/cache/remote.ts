import { nextDelay } from '../kernel/backoff.ts';
import type { CancelTimer, Clock } from '../kernel/clock.ts';
import type { Random } from '../kernel/random.ts';
import { type Decoded, decodeEntry, encodeEntry } from './codec.ts';
import type { Entry } from './entry.ts';
import { Generations, type Invalidation, isConcerned } from './generations.ts';
import { secondTierKey } from './keys.ts';
import type { LoggedInvalidation, SecondTier } from './second-tier.ts';
import { withinTime } from './time-limit.ts';
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
const EVERYTHING: Invalidation = { kind: 'pattern', value: '*' };

/**
 * The second tier as one instance uses it: values that are known to hold, the log of invalidations in step, and nothing at all
 * while that cannot be had. It never throws for a fault of the tier.
 *
 * What this instance invalidated while the tier was out of reach waits to be logged; until then the tier is not read.
 */
export class Remote {
  readonly #parts: RemoteParts;
  readonly #writes: WriteBehind;
  #cluster: Generations | undefined;
  #unlogged: Invalidation[] = [];
  #isConnected = false;
  #isInStep = false;
  #catchingUp: Promise<void> | undefined;
  #logging: Promise<void> | undefined;
  #retries = 0;
  #cancelRetry: CancelTimer | undefined;
  #isClosed = false;

  constructor(parts: RemoteParts) {
    this.#parts = parts;
    this.#writes = new WriteBehind({
      ...parts.options.writeBehind,
      write: (writes) => this.#call(() => parts.tier.write(writes), WRITE_FACTOR),
      dropped: (count, error) => parts.told('dropped', count, error),
    });
    parts.tier.open({
      logged: (entry) => this.#logged(entry),
      state: (isUp) => this.#connected(isUp),
      error: (error) => parts.told('error', 1, error),
    });
  }

  /** Whether the tier is connected, and this instance knows all that was invalidated. */
  get isUsable(): boolean {
    return this.#isInStep;
  }

  /** The cluster's number for a computation that begins now; nothing while it is not known. */
  get now(): number | undefined {
    return this.#isInStep ? this.#cluster?.now : undefined;
  }

  /** Waiting writes to the tier. */
  get waitingWrites(): number {
    return this.#writes.size;
  }

  /** A value that holds, or nothing. `since` is this process's own number of invalidations when the reading begins. */
  async read(key: string, since: number): Promise<Decoded | undefined> {
    const { options, clock, tier, told } = this.#parts;
    const unlogged = [...this.#unlogged]; // The tier does not know of these yet.
    if (!this.isUsable || unlogged.some((one) => isConcerned(one, key, []))) return undefined;
    const name = secondTierKey(options.prefix, key);
    try {
      const { bytes, now } = await this.#call(() => tier.read(name));
      if (now !== this.#cluster?.now) await this.#catchUp();
      if (bytes === undefined || !this.isUsable) return undefined;
      const wallOffsetMs = clock.wallNow() - clock.now();
      const decoded = decodeEntry(bytes, { key, since, wallOffsetMs, maxBytes: options.maxEntryBytes });
      if (decoded === undefined) {
        told('garbage', 1);
        this.remove(key);
        return undefined;
      }
      const { tags } = decoded.entry;
      if ([...unlogged, ...this.#unlogged].some((one) => isConcerned(one, key, tags))) return undefined;
      return this.#holds(key, decoded) ? decoded : undefined;
    } catch (error) {
      told('error', 1, error);
      return undefined;
    }
  }

  #holds(key: string, { entry, clusterSince }: Decoded): boolean {
    return this.#cluster?.holds(key, entry.tags, clusterSince) === true && entry.endsAt > this.#parts.clock.now();
  }

  /** Writes a value behind; resolves when that was tried. `clusterSince` is {@link now} from when its computation began. */
  write(key: string, entry: Entry, clusterSince: number | undefined): Promise<void> {
    const { options, clock } = this.#parts;
    if (clusterSince === undefined || this.#isClosed) return Promise.resolve();
    return this.#writes.push(key, {
      bytes: entry.bytesWith(key),
      prepare: async () => {
        const ttlMs = entry.endsAt - clock.now();
        if (ttlMs <= 0) return undefined;
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
    this.#unlogged.push(invalidation);
    if (this.#unlogged.length > this.#parts.options.maxGenerations) this.#unlogged = [EVERYTHING, invalidation];
    try {
      while (this.#isInStep && this.#unlogged.includes(invalidation)) await this.#logUnlogged();
    } catch (error) {
      this.#lost(error);
    }
    return !this.#unlogged.includes(invalidation);
  }

  /** Takes the right to compute a value for all instances. A tier that cannot tell gives it. */
  async lock(key: string, token: string, ttlMs: number): Promise<boolean> {
    try {
      return await this.#call(() => this.#parts.tier.lock(secondTierKey('', key), token, ttlMs));
    } catch (error) {
      this.#parts.told('error', 1, error);
      return true;
    }
  }

  async unlock(key: string, token: string): Promise<void> {
    try {
      await this.#call(() => this.#parts.tier.unlock(secondTierKey('', key), token));
    } catch (error) {
      this.#parts.told('error', 1, error); // It ends by itself.
    }
  }

  /** Resolves when no write waits. */
  flush(): Promise<void> {
    return this.#writes.flush();
  }

  /** Writes what waits, and closes. */
  async close(): Promise<void> {
    if (this.#isConnected) await this.#writes.flush();
    this.#isClosed = true;
    this.#cancelRetry?.();
    await this.#parts.tier.close();
  }

  #call<T>(work: () => Promise<T>, factor = 1): Promise<T> {
    const { clock, options, protect } = this.#parts;
    return protect(() => withinTime(clock, options.timeoutMs * factor, work));
  }

  #connected(isUp: boolean): void {
    if (this.#isConnected === isUp || this.#isClosed) return;
    this.#isConnected = isUp;
    if (isUp) void this.#getInStep();
    else this.#outOfStep();
  }

  #outOfStep(error?: unknown): void {
    const wasInStep = this.#isInStep;
    this.#isInStep = false;
    if (wasInStep) this.#parts.told('degraded', 1, error);
  }

  /** Learns what was missed, then logs what could not be; tries again until both are done. */
  async #getInStep(): Promise<void> {
    this.#cancelRetry?.();
    if (!this.#isConnected || this.#isClosed) return;
    try {
      await this.#catchUp();
      this.#isInStep = true;
      while (this.#unlogged.length > 0 && this.#isInStep) await this.#logUnlogged();
      this.#retries = 0;
      this.#parts.told('recovered', 1);
    } catch (error) {
      this.#lost(error);
    }
  }

  #lost(error: unknown): void {
    const { clock, random, told } = this.#parts;
    told('error', 1, error);
    this.#outOfStep(error);
    this.#cancelRetry?.();
    if (this.#isConnected && !this.#isClosed)
      this.#cancelRetry = clock.after(nextDelay(RETRY, this.#retries++, random), () => void this.#getInStep());
  }

  /** @throws whatever keeps the log from being read. */
  #catchUp(): Promise<void> {
    this.#catchingUp ??= this.#readLog().finally(() => {
      this.#catchingUp = undefined;
    });
    return this.#catchingUp;
  }

  async #readLog(): Promise<void> {
    const { tier, options, invalidated } = this.#parts;
    const before = this.#cluster?.now;
    const { now, entries } = await this.#call(() => tier.log(before), LOG_FACTOR);
    const first = entries[0]?.number ?? now + 1;
    const known = this.#cluster?.now; // Others may have been told meanwhile.
    if (known === undefined) {
      this.#cluster = new Generations(options.maxGenerations, Math.min(first - 1, now));
      invalidated(undefined);
    } else if (now < known || (now > known && first > known + 1)) {
      this.#cluster?.forget(now);
      invalidated(undefined);
    }
    for (const entry of entries) this.#apply(entry);
  }

  #logged(entry: LoggedInvalidation): void {
    const known = this.#cluster?.now;
    if (known === undefined || !this.#isInStep) return; // Catching up will bring it.
    if (entry.number === known + 1) this.#apply(entry);
    else if (entry.number > known) this.#catchUp().catch((error: unknown) => this.#lost(error));
  }

  #apply(entry: LoggedInvalidation): void {
    if (this.#cluster === undefined || entry.number <= this.#cluster.now) return;
    this.#cluster.record(entry, entry.number);
    if (entry.origin !== this.#parts.origin) this.#parts.invalidated(entry);
  }

  /** Logs what this instance invalidated; what fails stays to be logged, since to log twice does no harm. @throws */
  async #logUnlogged(): Promise<void> {
    while (this.#logging !== undefined) await this.#logging.catch(() => {});
    if (this.#unlogged.length === 0 || !this.#isInStep) return;
    this.#logging = this.#appendUnlogged().finally(() => {
      this.#logging = undefined;
    });
    await this.#logging;
  }

  async #appendUnlogged(): Promise<void> {
    const { tier, origin } = this.#parts;
    const batch = this.#unlogged.slice(0, MAX_APPENDED);
    const last = await this.#call(() => tier.append(batch, origin), LOG_FACTOR);
    if ((this.#cluster?.now ?? 0) < last) await this.#catchUp();
    this.#unlogged = this.#unlogged.filter((one) => !batch.includes(one));
  }
}

/** How much longer than one read a batch of writes, and the log, may take. */
const WRITE_FACTOR = 20;
const LOG_FACTOR = 20;
/** Invalidations logged by one call. */
const MAX_APPENDED = 500;

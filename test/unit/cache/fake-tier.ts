import type {
  Invalidation,
  LoggedInvalidation,
  LogPage,
  SecondTier,
  TierListener,
  TierWrite,
} from '../../../src/cache/cache.ts';
import type { Clock } from '../../../src/kernel/clock.ts';

export type TierCall = 'read' | 'write' | 'append' | 'log' | 'lock' | 'unlock';

/**
 * What becomes of a call: `hold` keeps it back until it is released, `hold-answer` does it and keeps back the answer,
 * `hang` does nothing for ever.
 */
export type TierFate = 'answer' | 'fail' | 'hold' | 'hold-answer' | 'hang';

/** What several fake tiers share, as instances share one Redis. */
export class FakeStore {
  readonly values = new Map<string, { readonly bytes: Buffer; readonly endsAt: number; readonly at: number }>();
  readonly locks = new Map<string, { readonly token: string; readonly endsAt: number }>();
  readonly tiers = new Set<FakeTier>();
  readonly clock: Clock;
  /** Entries that the log keeps. */
  maxLog = 10_000;
  /** Where the numbers of a new log begin. */
  nextBase = 1_000_000_000;
  /** How far above known numbers they begin after a loss. */
  nextStep = 1_000_000;
  number: number | undefined;
  log: LoggedInvalidation[] = [];

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Loses everything, as FLUSHALL does. */
  flush(): void {
    this.values.clear();
    this.locks.clear();
    this.number = undefined;
    this.log = [];
  }

  /** Loses the last entries, and all values written since, as a restart from an older snapshot does. */
  rollBack(entries: number): void {
    if (this.number === undefined || entries === 0) return;
    this.number -= entries;
    this.log.splice(this.log.length - entries);
    for (const [key, { at }] of this.values) if (at > this.number) this.values.delete(key);
  }

  begin(): number {
    if (this.number === undefined) {
      this.number = this.nextBase;
      this.log = [];
    }
    return this.number;
  }

  append(invalidations: readonly Invalidation[], origin: string, above: number): number {
    if (this.begin() < above) {
      this.number = above + this.nextStep;
      this.log = [];
    }
    for (const { kind, value } of invalidations) {
      const entry: LoggedInvalidation = { kind, value, origin, number: this.begin() + 1 };
      this.number = entry.number;
      this.log.push(entry);
      if (this.log.length > this.maxLog) this.log.shift();
      for (const tier of this.tiers) tier.publish(entry);
    }
    return this.begin();
  }
}

/** One instance's way to a {@link FakeStore}, which the test can delay, break, and cut. */
export class FakeTier implements SecondTier {
  readonly #store: FakeStore;
  readonly #held: (() => void)[] = [];
  readonly #unheard: LoggedInvalidation[] = [];
  #listener: TierListener | undefined;
  #isUp = false;
  /** Decides on each call. */
  fate: (call: TierCall) => TierFate = () => 'answer';
  /** Whether messages wait for {@link hear}. */
  isDeaf = false;
  isClosed = false;
  resets = 0;
  readonly calls: TierCall[] = [];
  /** Called as entries are logged, before any instance is told of them. */
  onAppend: (invalidations: readonly Invalidation[]) => void = () => {};
  /** Called before the cache is told. */
  onHeard: (entry: LoggedInvalidation) => void = () => {};

  constructor(store: FakeStore) {
    this.#store = store;
    store.tiers.add(this);
  }

  get held(): number {
    return this.#held.length;
  }

  /** The names of all values. */
  names(): string[] {
    return [...this.#store.values.keys()];
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  open(listener: TierListener): void {
    this.#listener = listener;
  }

  /** The connection is made, or lost together with all that was under way. */
  connect(isUp = true): void {
    this.#isUp = isUp;
    if (!isUp) {
      this.#unheard.length = 0;
      this.release();
    }
    this.#listener?.state(isUp);
  }

  fail(error: unknown): void {
    this.#listener?.error(error);
  }

  /** Lets through what was held, oldest first; an index picks one. */
  release(index?: number): void {
    const released = index === undefined ? this.#held.splice(0) : this.#held.splice(index, 1);
    for (const run of released) run();
  }

  publish(entry: LoggedInvalidation): void {
    if (!this.#isUp) return;
    this.#unheard.push(entry);
    if (!this.isDeaf) this.hear();
  }

  hear(): void {
    for (const entry of this.#unheard.splice(0)) {
      this.onHeard(entry);
      this.#listener?.logged(entry);
    }
  }

  reset(): void {
    this.resets++;
    if (!this.#isUp) return;
    this.connect(false);
    this.connect();
  }

  read(key: string): Promise<{ bytes: Buffer | undefined; now: number | undefined }> {
    return this.#call('read', () => {
      const value = this.#store.values.get(key);
      const isThere = value !== undefined && value.endsAt > this.#store.clock.now();
      return { bytes: isThere ? value.bytes : undefined, now: this.#store.number };
    });
  }

  write(writes: readonly TierWrite[]): Promise<void> {
    return this.#call('write', () => {
      for (const { key, bytes, ttlMs } of writes) {
        if (bytes === undefined) this.#store.values.delete(key);
        else
          this.#store.values.set(key, { bytes, endsAt: this.#store.clock.now() + ttlMs, at: this.#store.number ?? 0 });
      }
    });
  }

  append(invalidations: readonly Invalidation[], origin: string, above: number): Promise<number> {
    return this.#call('append', () => {
      this.onAppend(invalidations);
      return this.#store.append(invalidations, origin, above);
    });
  }

  log(from: number | undefined): Promise<LogPage> {
    return this.#call('log', () => {
      const now = this.#store.begin();
      return { now, entries: this.#store.log.filter(({ number }) => number >= (from ?? 0)) };
    });
  }

  lock(key: string, token: string, ttlMs: number): Promise<boolean> {
    return this.#call('lock', () => {
      const now = this.#store.clock.now();
      if ((this.#store.locks.get(key)?.endsAt ?? 0) > now) return false;
      this.#store.locks.set(key, { token, endsAt: now + ttlMs });
      return true;
    });
  }

  unlock(key: string, token: string): Promise<void> {
    return this.#call('unlock', () => {
      if (this.#store.locks.get(key)?.token === token) this.#store.locks.delete(key);
    });
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.#isUp = false;
    this.#store.tiers.delete(this);
  }

  #call<T>(call: TierCall, work: () => T): Promise<T> {
    this.calls.push(call);
    const fate = this.fate(call);
    if (!this.#isUp || fate === 'fail') return Promise.reject(new Error(`fake tier: ${call} failed`));
    if (fate === 'hang') return new Promise(() => {});
    if (fate === 'answer') return Promise.resolve(work());
    const done = fate === 'hold-answer' ? work() : undefined;
    return new Promise((resolve, reject) => {
      this.#held.push(() => {
        if (this.#isUp) resolve(fate === 'hold-answer' ? (done as T) : work());
        else reject(new Error(`fake tier: connection lost during ${call}`));
      });
    });
  }
}

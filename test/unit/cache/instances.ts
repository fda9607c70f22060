import {
  Cache,
  type CacheOptions,
  type Compute,
  type Lifetime,
  type Protect,
  resolveCacheOptions,
  type SecondTier,
  type Served,
} from '../../../src/cache/cache.ts';
import type { Clock } from '../../../src/kernel/clock.ts';
import { type Random, seededRandom } from '../../../src/kernel/random.ts';
import { type CacheSignal, Signal } from '../../../src/signal/signal.ts';
import { FakeClock } from '../../../src/testing/testing.ts';
import { FakeStore, FakeTier } from './fake-tier.ts';

export const MINUTE: Lifetime = { ttlMs: 60_000, staleMs: 0, staleIfErrorMs: 0 };

/** Lets all promises that can settle do so, with what they lead to; timers of a fake clock stand still meanwhile. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate);
}

/** Moves a fake clock on in small steps, in which what a timer begins can come to its end. */
export async function pass(clock: FakeClock, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 40) {
    clock.advance(Math.min(40, left));
    await settle();
  }
}

/** A computation that counts its runs, and may wait for the test. */
export class Work {
  runs = 0;
  text = 'value';
  error: Error | undefined;
  signals: AbortSignal[] = [];
  #gate: PromiseWithResolvers<void> | undefined;

  readonly compute: Compute = async (signal) => {
    this.runs++;
    this.signals.push(signal);
    const { text, error } = this;
    await this.#gate?.promise;
    if (error !== undefined) throw error;
    return { text, isKept: true, isShared: true };
  };

  /** Runs that begin from now on wait for {@link finish}. */
  block(): void {
    this.#gate = Promise.withResolvers();
  }

  finish(): void {
    this.#gate?.resolve();
    this.#gate = undefined;
  }
}

export interface InstanceOptions {
  readonly options?: CacheOptions;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly tier?: SecondTier;
  readonly protect?: Protect;
}

let seed = 0;

/** A cache as an instance has it, and what it told. */
export function createInstance(given: InstanceOptions = {}): { cache: Cache; told: CacheSignal[] } {
  const told: CacheSignal[] = [];
  const signal = new Signal<CacheSignal>();
  signal.on((event) => told.push(event));
  const cache = new Cache({
    options: resolveCacheOptions({ earlyRefresh: 0, ...given.options }, 'test'),
    clock: given.clock ?? new FakeClock(),
    random: given.random ?? seededRandom(++seed),
    signal,
    tier: given.tier,
    protect: given.protect,
  });
  return { cache, told };
}

export interface Instance {
  readonly cache: Cache;
  readonly tier: FakeTier;
  readonly told: CacheSignal[];
}

/** Instances over one store, all in step. */
export async function createCluster(
  count: number,
  options: CacheOptions = {},
): Promise<{ clock: FakeClock; store: FakeStore; instances: Instance[] }> {
  const clock = new FakeClock();
  const store = new FakeStore(clock);
  const instances = Array.from({ length: count }, () => join(store, clock, options));
  await settle();
  return { clock, store, instances };
}

export function join(store: FakeStore, clock: FakeClock, options: CacheOptions = {}): Instance {
  const tier = new FakeTier(store);
  const { cache, told } = createInstance({ options, clock, tier });
  tier.connect();
  return { cache, tier, told };
}

export function read(
  cache: Cache,
  key: string,
  work: Work,
  more: Partial<Lifetime & { tags: string[]; signal: AbortSignal }> = {},
): Promise<Served> {
  const { tags = [], signal, ...life } = more;
  return cache.read(key, work.compute, { tags, life: { ...MINUTE, ...life }, signal });
}

import { type CancelTimer, type Clock, systemClock } from '../kernel/clock.ts';
import { OptionError } from '../kernel/errors.ts';
import { integerOption } from '../kernel/options.ts';

/** How calls are collected. */
export interface BatcherOptions<K, V> {
  /** Loads what belongs to all of these keys, in any order; a key without a value may be left out. */
  load(keys: readonly K[]): Promise<readonly V[]>;
  /** The key of what was loaded, such as `(row) => row.id`. */
  keyOf(value: V): K;
  /** Most keys in one load; more are spread over several. @default 100 */
  readonly maxBatch?: number;
  /** How long calls are collected, in milliseconds; 0 for the current tick alone. @default 0 */
  readonly windowMs?: number;
  /** Where time comes from. @default the system's clock */
  readonly clock?: Clock;
}

/** Loads one by its key, together with the other calls of the tick. */
export interface Batcher<K, V> {
  /** What belongs to a key; nothing where `load` answered nothing for it. Rejects when the batch's `load` does. */
  load(key: K): Promise<V | undefined>;
  /** How long calls are collected, in milliseconds; may be changed at any time. */
  windowMs: number;
  /** What was loaded so far, and how long that took in all. */
  statistics(): BatcherStatistics;
}

export interface BatcherStatistics {
  readonly keys: number;
  readonly loads: number;
  readonly loadMs: number;
}

const WINDOW = { min: 0, max: 60_000 };

interface Entry<V> {
  readonly promise: Promise<V | undefined>;
  resolve(value: V | undefined): void;
  reject(error: unknown): void;
}

/**
 * Collects single look-ups into one: `createBatcher({ load: (ids) => pool.query(...), keyOf: (row) => row.id })`.
 *
 * The same key asked for twice in one batch is loaded once. Nothing is remembered between batches.
 *
 * @throws {OptionError} when an option is not valid.
 */
export function createBatcher<K, V>(options: BatcherOptions<K, V>): Batcher<K, V> {
  for (const name of ['load', 'keyOf'] as const)
    if (typeof options[name] !== 'function') throw new OptionError(name, 'must be a function', options[name]);
  const maxBatch = integerOption('maxBatch', options.maxBatch, 100, { min: 1, max: 100_000 });
  const windowMs = integerOption('windowMs', options.windowMs, 0, WINDOW);
  return new TickBatcher(options, maxBatch, windowMs, options.clock ?? systemClock);
}

class TickBatcher<K, V> implements Batcher<K, V> {
  readonly #options: BatcherOptions<K, V>;
  readonly #maxBatch: number;
  readonly #clock: Clock;
  #windowMs: number;
  #keys = 0;
  #loads = 0;
  #loadMs = 0;
  #pending = new Map<K, Entry<V>>();
  #cancelTimer: CancelTimer | undefined;

  constructor(options: BatcherOptions<K, V>, maxBatch: number, windowMs: number, clock: Clock) {
    this.#options = options;
    this.#maxBatch = maxBatch;
    this.#windowMs = windowMs;
    this.#clock = clock;
  }

  load(key: K): Promise<V | undefined> {
    const known = this.#pending.get(key);
    if (known !== undefined) return known.promise;
    const entry: Entry<V> = Promise.withResolvers<V | undefined>();
    if (this.#pending.size === 0) this.#schedule();
    this.#pending.set(key, entry);
    if (this.#pending.size >= this.#maxBatch) this.#flush();
    return entry.promise;
  }

  get windowMs(): number {
    return this.#windowMs;
  }

  set windowMs(windowMs: number) {
    this.#windowMs = integerOption('windowMs', windowMs, 0, WINDOW);
  }

  statistics(): BatcherStatistics {
    return { keys: this.#keys, loads: this.#loads, loadMs: this.#loadMs };
  }

  #schedule(): void {
    if (this.#windowMs > 0) {
      this.#cancelTimer = this.#clock.after(this.#windowMs, () => this.#flush());
      return;
    }
    const batch = this.#pending;
    // After the promises that are settled by now, so that calls from their continuations come along.
    process.nextTick(() => queueMicrotask(() => batch === this.#pending && this.#flush()));
  }

  #flush(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    const batch = this.#pending;
    this.#pending = new Map();
    if (batch.size > 0) void this.#run(batch);
  }

  async #run(batch: Map<K, Entry<V>>): Promise<void> {
    const startedAt = this.#clock.now();
    try {
      const values = await this.#options.load([...batch.keys()]);
      for (const value of values) {
        const key = this.#options.keyOf(value);
        batch.get(key)?.resolve(value);
      }
      for (const entry of batch.values()) entry.resolve(undefined); // without effect on those that have their value
    } catch (error) {
      for (const entry of batch.values()) entry.reject(error);
    } finally {
      this.#keys += batch.size;
      this.#loads++;
      this.#loadMs += this.#clock.now() - startedAt;
    }
  }
}

import type { TierWrite } from './second-tier.ts';

/** What is still to be written: made ready when its turn comes, so that packing is off the request's way as well. */
export interface PendingWrite {
  /** How much of the bound it takes. */
  readonly bytes: number;
  prepare(): Promise<TierWrite | undefined>;
}

export interface WriteBehindOptions {
  readonly maxEntries: number;
  readonly maxBytes: number;
  /** Writes a batch; may fail. */
  readonly write: (writes: readonly TierWrite[]) => Promise<void>;
  /** So many writes were given up: by bound, or because writing failed. */
  readonly dropped: (count: number, error?: unknown) => void;
}

const MAX_BATCH = 256;

/**
 * Writes to the second tier behind the request's back: in batches, one after the other, the last one of each key.
 *
 * While a batch is under way, others gather; when too many do, the oldest are given up, which costs a miss later on.
 */
export class WriteBehind {
  readonly #options: WriteBehindOptions;
  readonly #waiting = new Map<string, PendingWrite>();
  #bytes = 0;
  #draining: Promise<void> | undefined;

  constructor(options: WriteBehindOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** Resolves when this write, and all before it, have been tried. */
  push(key: string, write: PendingWrite): Promise<void> {
    this.#take(key);
    this.#waiting.set(key, write);
    this.#bytes += write.bytes;
    this.#keepBounds();
    this.#draining ??= this.#drain();
    return this.#draining;
  }

  /** Resolves when nothing waits any more. */
  async flush(): Promise<void> {
    while (this.#draining !== undefined) await this.#draining;
  }

  #take(key: string): PendingWrite | undefined {
    const write = this.#waiting.get(key);
    if (write === undefined) return undefined;
    this.#waiting.delete(key);
    this.#bytes -= write.bytes;
    return write;
  }

  #keepBounds(): void {
    const { maxEntries, maxBytes, dropped } = this.#options;
    let count = 0;
    for (const key of this.#waiting.keys()) {
      if (this.#waiting.size <= maxEntries && this.#bytes <= maxBytes) break;
      this.#take(key);
      count++;
    }
    if (count > 0) dropped(count);
  }

  async #drain(): Promise<void> {
    await undefined; // What else is written in this turn of the event loop joins the batch.
    while (this.#waiting.size > 0) {
      const keys = [...this.#waiting.keys()].slice(0, MAX_BATCH);
      const batch = keys.map((key) => this.#take(key) as PendingWrite);
      try {
        const writes = await Promise.all(batch.map((write) => write.prepare()));
        await this.#options.write(writes.filter((write) => write !== undefined));
      } catch (error) {
        this.#options.dropped(batch.length, error);
      }
    }
    this.#draining = undefined;
  }
}

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

interface Waiting {
  readonly write: PendingWrite;
  readonly done: () => void;
}

const MAX_BATCH = { writes: 256, bytes: 8 * 1_048_576 };

/**
 * Writes to the second tier behind the request's back: in batches, one after the other, the last one of each key.
 *
 * While a batch is under way, others gather; when too many do, the oldest are given up, which costs a miss later on.
 */
export class WriteBehind {
  readonly #options: WriteBehindOptions;
  readonly #waiting = new Map<string, Waiting>();
  #bytes = 0;
  #draining: Promise<void> | undefined;

  constructor(options: WriteBehindOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** Resolves when this write was tried, or given up, or when another one took its place. */
  push(key: string, write: PendingWrite): Promise<void> {
    this.#take(key)?.done();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.set(key, { write, done: resolve });
    this.#bytes += write.bytes;
    const { maxEntries, maxBytes } = this.#options;
    this.#giveUp(() => this.#waiting.size > maxEntries || this.#bytes > maxBytes);
    this.#draining ??= this.#drain();
    return promise;
  }

  /** Resolves when nothing waits any more. */
  async flush(): Promise<void> {
    while (this.#draining !== undefined) await this.#draining;
  }

  /** Gives up whatever waits. */
  clear(): void {
    this.#giveUp(() => true);
  }

  #take(key: string): Waiting | undefined {
    const waiting = this.#waiting.get(key);
    if (waiting === undefined) return undefined;
    this.#waiting.delete(key);
    this.#bytes -= waiting.write.bytes;
    return waiting;
  }

  #giveUp(isTooMuch: () => boolean): void {
    let count = 0;
    for (const key of this.#waiting.keys()) {
      if (!isTooMuch()) break;
      this.#take(key)?.done();
      count++;
    }
    if (count > 0) this.#options.dropped(count);
  }

  #takeBatch(): readonly Waiting[] {
    const batch: Waiting[] = [];
    let bytes = 0;
    for (const [key, { write }] of this.#waiting) {
      bytes += write.bytes;
      if (batch.length === MAX_BATCH.writes || (batch.length > 0 && bytes > MAX_BATCH.bytes)) break;
      batch.push(this.#take(key) as Waiting);
    }
    return batch;
  }

  async #drain(): Promise<void> {
    await undefined; // What else is written in this turn of the event loop joins the batch.
    while (this.#waiting.size > 0) {
      const batch = this.#takeBatch();
      await this.#write(batch.map(({ write }) => write));
      for (const { done } of batch) done();
    }
    this.#draining = undefined;
  }

  async #write(batch: readonly PendingWrite[]): Promise<void> {
    const { write, dropped } = this.#options;
    const prepared = await Promise.allSettled(batch.map((one) => one.prepare()));
    const writes: TierWrite[] = [];
    for (const one of prepared) if (one.status === 'fulfilled' && one.value !== undefined) writes.push(one.value);
    const refused = prepared.filter((one) => one.status === 'rejected');
    if (refused[0] !== undefined) dropped(refused.length, refused[0].reason);
    if (writes.length === 0) return;
    try {
      await write(writes);
    } catch (error) {
      dropped(writes.length, error);
    }
  }
}

interface Entry<V> {
  readonly value: V;
  used: boolean;
}

/**
 * A map that holds at most so many entries. A full one drops an entry that has not been read since it was last looked at
 * (second chance), which costs a hit nothing but a flag.
 */
export class BoundedCache<K, V> {
  readonly #entries = new Map<K, Entry<V>>();
  readonly #max: number;
  readonly #onDropped: ((value: V) => void) | undefined;

  constructor(max: number, onDropped?: (value: V) => void) {
    this.#max = max;
    this.#onDropped = onDropped;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** HOT: every statement; guarded by `npm run bench`. */
  get(key: K): V | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    entry.used = true;
    return entry.value;
  }

  set(key: K, value: V): void {
    if (!this.#entries.has(key) && this.#entries.size >= this.#max) this.#dropOne();
    this.#entries.set(key, { value, used: false });
  }

  delete(key: K): void {
    this.#entries.delete(key);
  }

  values(): V[] {
    return [...this.#entries.values()].map(({ value }) => value);
  }

  clear(): void {
    this.#entries.clear();
  }

  #dropOne(): void {
    for (const [key, entry] of this.#entries) {
      this.#entries.delete(key);
      if (!entry.used) {
        this.#onDropped?.(entry.value);
        return;
      }
      entry.used = false;
      this.#entries.set(key, entry); // moved to the end; every entry is met at most twice
    }
  }
}

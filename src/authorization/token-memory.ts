interface Entry<V> {
  readonly value: V;
  readonly until: number;
}

/** What was found out about tokens: the most used ones, each until its time. Tokens are known by a digest alone. */
export class TokenMemory<V> {
  readonly #entries = new Map<string, Entry<V>>();
  readonly #maxEntries: number;

  constructor(maxEntries: number) {
    this.#maxEntries = maxEntries;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(digest: string, now: number): V | undefined {
    const entry = this.#entries.get(digest);
    if (entry === undefined) return undefined;
    this.#entries.delete(digest);
    if (entry.until <= now) return undefined;
    this.#entries.set(digest, entry); // The last one is the one used last.
    return entry.value;
  }

  set(digest: string, value: V, until: number): void {
    this.#entries.delete(digest);
    this.#entries.set(digest, { value, until });
    if (this.#entries.size <= this.#maxEntries) return;
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest);
      return;
    }
  }
}

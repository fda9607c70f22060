import { LRUCache } from 'lru-cache';

/** A bounded map that drops what was not used for the longest time. */
export interface BoundedMap<V> {
  /** The value, which counts as used now. */
  get(key: string): V | undefined;
  set(key: string, value: V, bytes: number): void;
  delete(key: string): void;
  clear(): void;
  /** Most entries from now on; those that were not used for the longest time go. */
  resize(maxEntries: number): void;
  readonly size: number;
  /** Bytes of all values, as given to {@link set}. */
  readonly bytes: number;
}

/** @param maxBytes Bound of the sum of sizes; an entry larger than all of it is not kept. */
export function createBoundedMap<V extends object | string>(
  maxEntries: number,
  maxBytes: number,
  evicted: () => void = () => {},
): BoundedMap<V> {
  const create = (max: number): LRUCache<string, V> =>
    new LRUCache<string, V>({
      max,
      maxSize: maxBytes,
      disposeAfter: (_value, _key, reason) => {
        if (reason === 'evict') evicted();
      },
    });
  let lru = create(maxEntries);
  let most = maxEntries;
  return {
    get: (key) => lru.get(key),
    set(key, value, bytes) {
      if (most < lru.max && lru.size >= most && !lru.has(key)) lru.pop();
      lru.set(key, value, { size: bytes });
    },
    resize(entries) {
      most = entries;
      while (lru.size > most) lru.pop();
      if (most <= lru.max) return;
      const smaller = lru; // The package reserves room for all entries when it is made.
      lru = create(most);
      lru.load(smaller.dump());
    },
    delete: (key) => void lru.delete(key),
    clear: () => lru.clear(),
    get size() {
      return lru.size;
    },
    get bytes() {
      return lru.calculatedSize;
    },
  };
}

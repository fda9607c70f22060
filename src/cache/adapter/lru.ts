import { LRUCache } from 'lru-cache';

/** A bounded map that drops what was not used for the longest time. */
export interface BoundedMap<V> {
  /** The value, which counts as used now. */
  get(key: string): V | undefined;
  set(key: string, value: V, bytes: number): void;
  delete(key: string): void;
  clear(): void;
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
  const lru = new LRUCache<string, V>({
    max: maxEntries,
    maxSize: maxBytes,
    disposeAfter: (_value, _key, reason) => {
      if (reason === 'evict') evicted();
    },
  });
  return {
    get: (key) => lru.get(key),
    set: (key, value, bytes) => void lru.set(key, value, { size: bytes }),
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

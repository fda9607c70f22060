import { APPLICATION_PREFIX, fitsPattern } from './keys.ts';

/** What is no longer true: one value by its key, or all whose key fits a pattern, or all that carry a tag. */
export interface Invalidation {
  readonly kind: 'key' | 'pattern' | 'tag';
  readonly value: string;
}

/** Patterns that are remembered: each is tried on every value from before it. */
const MAX_PATTERNS = 256;

/**
 * Knows what was invalidated since when, by numbers that count invalidations.
 *
 * A value remembers the number at which its computation began, and holds while no later invalidation concerns it. So an
 * invalidation needs no search for the values that it concerns, and wins over a computation that began before it. Memory
 * is bounded: what is forgotten raises {@link floor}, and values from before that are taken for invalidated.
 */
export class Generations {
  /** The number of the last invalidation. */
  #now: number;
  /** Values that began before this number hold no more, whatever they are. */
  #floor: number;
  readonly #limit: number;
  readonly #last = { key: new Map<string, number>(), tag: new Map<string, number>() };
  #patterns: { readonly pattern: string; readonly at: number }[] = [];

  /** @param limit How many keys, and how many tags, are remembered. */
  constructor(limit: number, start = 0) {
    this.#limit = limit;
    this.#now = start;
    this.#floor = start;
  }

  get now(): number {
    return this.#now;
  }

  get floor(): number {
    return this.#floor;
  }

  /** Notes an invalidation under its number; numbers only grow. */
  record({ kind, value }: Invalidation, at = this.#now + 1): void {
    this.#now = at;
    if (kind === 'pattern') {
      this.#patterns = [...this.#patterns.filter(({ pattern }) => pattern !== value), { pattern: value, at }];
      if (this.#patterns.length > MAX_PATTERNS) this.#raise(this.#patterns.shift()?.at ?? at);
      return;
    }
    const last = this.#last[kind];
    last.delete(value); // The order of a map is that of insertion: the first is the one that was longest ago.
    last.set(value, at);
    if (last.size <= this.#limit) return;
    const [oldest, number] = last.entries().next().value as [string, number];
    last.delete(oldest);
    this.#raise(number);
  }

  /** Everything from before a number counts as invalidated: what happened until then is not known. */
  forget(at: number): void {
    this.#now = at;
    this.#floor = at;
    this.#last.key.clear();
    this.#last.tag.clear();
    this.#patterns = [];
  }

  #raise(floor: number): void {
    this.#floor = Math.max(this.#floor, floor);
  }

  /** Whether a value whose computation began at a number still holds. */
  holds(key: string, tags: readonly string[], since: number): boolean {
    if (since === this.#now) return true; // HOT: nothing was invalidated since; guarded by `npm run bench -- cache`.
    if (since < this.#floor || since > this.#now) return false;
    if ((this.#last.key.get(key) ?? -1) > since) return false;
    for (const tag of tags) if ((this.#last.tag.get(tag) ?? -1) > since) return false;
    return !this.#patterns.some(({ pattern, at }) => at > since && concerns(pattern, key));
  }
}

/** Whether an invalidation concerns a value. */
export function isConcerned({ kind, value }: Invalidation, key: string, tags: readonly string[]): boolean {
  if (kind === 'key') return key === value;
  return kind === 'tag' ? tags.includes(value) : concerns(value, key);
}

/** An author's own keys may be meant with or without their prefix. */
function concerns(pattern: string, key: string): boolean {
  if (fitsPattern(key, pattern)) return true;
  return key.startsWith(APPLICATION_PREFIX) && fitsPattern(key.slice(APPLICATION_PREFIX.length), pattern);
}

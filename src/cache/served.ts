import type { Entry, Lifetime } from './entry.ts';

/** What a computation came to. */
export interface Computed {
  readonly text: string;
  /** Whether it may be kept. */
  readonly isKept: boolean;
  /** Whether those who asked meanwhile may have it too. */
  readonly isShared: boolean;
  /** Another lifetime than the one asked for. */
  readonly life?: Lifetime;
  /** Anything that goes with the text to those who asked, and is not kept. */
  readonly note?: unknown;
}

export type Compute = (signal: AbortSignal) => Promise<Computed>;

/** How a value is read. */
export interface ReadOptions {
  readonly tags: readonly string[];
  readonly life: Lifetime;
  /** The caller's: it may go away. Without one the computation goes on in any case. */
  readonly signal?: AbortSignal | undefined;
}

/** A value, and where it came from. */
export interface Served {
  readonly text: string;
  readonly from: 'memory' | 'redis' | 'stale' | 'computed';
  /** How long it may be used further, in milliseconds; 0 for a stale value. */
  readonly ttlMs: number;
  readonly note: unknown;
  readonly isShared: boolean;
}

export function served(entry: Entry, from: Served['from'], now: number): Served {
  return { text: entry.text, from, ttlMs: Math.max(0, entry.expiresAt - now), note: undefined, isShared: true };
}

export function computedOf({ text, isShared, note }: Computed, { ttlMs }: Lifetime): Served {
  return { text, from: 'computed', ttlMs, note, isShared };
}

/** Roughly what an entry takes besides its texts: objects, the map's slot, pointers. */
const OVERHEAD_BYTES = 240;

/** How long a value is used, all in milliseconds from when it was computed. */
export interface Lifetime {
  readonly ttlMs: number;
  /** After `ttlMs`: served as it is while it is computed anew. */
  readonly staleMs: number;
  /** After `ttlMs`: served where computing it anew fails. */
  readonly staleIfErrorMs: number;
}

/** A value as the first tier keeps it. Times are the clock's monotonic milliseconds. */
export class Entry {
  readonly text: string;
  readonly tags: readonly string[];
  readonly expiresAt: number;
  readonly staleUntil: number;
  readonly staleIfErrorUntil: number;
  /** How long computing it took, in milliseconds. */
  readonly computeMs: number;
  /** The number of invalidations at which its computation began; moved on where it is known to hold still. */
  since: number;
  /** Until then it is served with nothing else to be thought of. */
  quietUntil = 0;

  constructor(
    text: string,
    tags: readonly string[],
    since: number,
    computedAt: number,
    computeMs: number,
    life: Lifetime,
  ) {
    this.text = text;
    this.tags = tags;
    this.since = since;
    this.computeMs = computeMs;
    this.expiresAt = computedAt + life.ttlMs;
    this.staleUntil = this.expiresAt + life.staleMs;
    this.staleIfErrorUntil = this.expiresAt + life.staleIfErrorMs;
  }

  /** When nothing can be done with it any more. */
  get endsAt(): number {
    return Math.max(this.staleUntil, this.staleIfErrorUntil);
  }

  /** Bytes of memory, roughly: V8 keeps a text of plain ASCII in one byte a character, and takes two as soon as it must. */
  bytesWith(key: string): number {
    let bytes = OVERHEAD_BYTES + bytesOf(key) + bytesOf(this.text);
    for (const tag of this.tags) bytes += bytesOf(tag);
    return bytes;
  }
}

function bytesOf(text: string): number {
  return text.length * (Buffer.byteLength(text, 'utf8') === text.length ? 1 : 2);
}

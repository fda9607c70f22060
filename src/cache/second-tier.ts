import type { Invalidation } from './generations.ts';

/** One value for the second tier; without bytes it is removed. */
export interface TierWrite {
  readonly key: string;
  readonly bytes: Buffer | undefined;
  /** When it may be forgotten, in milliseconds from now. */
  readonly ttlMs: number;
}

/** An invalidation as all instances see it: numbered, and by whom; no two calls of one instance have the same origin. */
export interface LoggedInvalidation extends Invalidation {
  readonly number: number;
  readonly origin: string;
}

/** What an instance learns of the invalidations that it missed. */
export interface LogPage {
  /** The number of the last invalidation of all. */
  readonly now: number;
  /** Those from the number asked for on, in order, as far as they are still known. */
  readonly entries: readonly LoggedInvalidation[];
}

/** What a second tier tells by itself. */
export interface TierListener {
  /** An invalidation was logged, by this instance or another. */
  logged(entry: LoggedInvalidation): void;
  /** Both directions work, or no longer do. */
  state(isUp: boolean): void;
  error(error: unknown): void;
}

/**
 * A store that several instances share: values, locks, and a numbered log of invalidations. Every call may fail or hang; the
 * cache limits its time and goes on without.
 */
export interface SecondTier {
  /** Begins to connect, and goes on trying; never fails. */
  open(listener: TierListener): void;
  /** A value, and the number of the last invalidation at that moment, where there is a log. */
  read(key: string): Promise<{ readonly bytes: Buffer | undefined; readonly now: number | undefined }>;
  write(writes: readonly TierWrite[]): Promise<void>;
  /** Appends to the log, under numbers above one that was known, and tells all instances. @returns The number of the last one. */
  append(invalidations: readonly Invalidation[], origin: string, above: number): Promise<number>;
  /** The log from a number on, itself included; all of it without one. Begins a log where there is none. */
  log(from: number | undefined): Promise<LogPage>;
  /** Takes a lock that ends by itself. @returns Whether it was free. */
  lock(key: string, token: string, ttlMs: number): Promise<boolean>;
  /** Gives a lock back, if it is still this token's. */
  unlock(key: string, token: string): Promise<void>;
  /** Gives the connection up for a new one, since it answers nothing, or nonsense. */
  reset(): void;
  close(): Promise<void>;
}

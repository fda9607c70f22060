/** A value now or later: stores in this process answer at once, others in a while. */
export type Awaitable<T> = T | Promise<T>;

/** A text that is kept. Its version differs from that of every text before it under the same key. */
export interface StoredText {
  readonly text: string;
  readonly version: number;
}

export interface PutOptions {
  /** How long it is kept from now on, in milliseconds. */
  readonly ttlMs: number;
  /** The version that it takes the place of, 0 for none. @default whatever is there */
  readonly expect?: number;
  /** Sets that a new key becomes a member of, and how many living members each may have. */
  readonly within?: readonly SetLimit[];
}

/** A bound of the living keys of one set. */
export interface SetLimit {
  readonly set: string;
  readonly max: number;
}

/** The new version; or why nothing was changed: another version is there, or a set is full. */
export type PutOutcome = number | 'conflict' | 'full';

/** How a log of texts is bounded. */
export interface LogLimits {
  /** How long it is kept after its last entry, in milliseconds. */
  readonly ttlMs: number;
  /** Entries that are kept; older ones make room. */
  readonly maxEntries: number;
  /** Characters that are kept, of all entries together; older ones make room. */
  readonly maxLength: number;
}

export interface LogEntry {
  /** Counts from 1 within its log, without gaps. */
  readonly number: number;
  readonly text: string;
}

/** The entries after a number. */
export interface LogPage {
  readonly entries: readonly LogEntry[];
  /** Whether nothing is missing between that number and these entries: some may have made room, or the log was lost. */
  readonly isWhole: boolean;
}

/**
 * Keeps what outlives a request: sessions, their events, tasks. Everything in it ends by itself. A store that several
 * instances share is how any of them answers for the others.
 *
 * Keys of texts and of logs are apart from one another. All methods fail with a `StateStoreError` when the store cannot be reached.
 */
export interface StateStore {
  /** Where it keeps what it keeps, for logs and errors. */
  readonly kind: 'memory' | 'supervisor' | 'sqlite' | 'redis';
  get(key: string): Awaitable<StoredText | undefined>;
  put(key: string, text: string, options: PutOptions): Awaitable<PutOutcome>;
  /** Has it kept for so long from now on. @returns Whether it is there. */
  touch(key: string, ttlMs: number): Awaitable<boolean>;
  /** @returns Whether it was there. */
  delete(key: string): Awaitable<boolean>;
  /** How many living members a set has. */
  count(set: string): Awaitable<number>;
  /** @returns The entry's number. @throws {StateStoreError} also where there is no room for another log. */
  append(log: string, text: string, limits: LogLimits): Awaitable<number>;
  /** The entries after a number, 0 for all, oldest first. */
  read(log: string, after: number): Awaitable<LogPage>;
  /** Forgets a log. */
  drop(log: string): Awaitable<void>;
  /** Begins its work: connects, or makes what it needs. Called once, before all else. */
  open(): Awaitable<void>;
  close(): Awaitable<void>;
}

import type { CancelTimer, Clock } from '../kernel/clock.ts';
import { StateStoreError } from './errors.ts';
import { MAX_CHARACTERS } from './options.ts';
import type { LogLimits, LogPage, PutOptions, PutOutcome, SetLimit, StateStore, StoredText } from './state-store.ts';

interface Text {
  readonly stored: StoredText;
  expiresAt: number;
  readonly sets: readonly string[];
}

interface Log {
  texts: string[];
  /** The number of the first text. */
  first: number;
  length: number;
  expiresAt: number;
}

const SWEEP_EVERY_MS = 10_000;
/** A full store looks for what is over no more often than this. */
const SWEEP_WHEN_FULL_MS = 1_000;
/** What a text or a log counts beside its characters, so that many small ones are bounded too. */
const BESIDES = 128;

/** Keeps state in this process, and ends with it. */
export class MemoryStateStore implements StateStore {
  readonly kind = 'memory';
  maxCharacters: number;
  readonly #clock: Clock;
  readonly #texts = new Map<string, Text>();
  readonly #logs = new Map<string, Log>();
  readonly #sets = new Map<string, Set<string>>();
  #lastVersion = 0;
  #characters = 0;
  #sweptAt = 0;
  #cancelSweep: CancelTimer | undefined;
  #closed = false;

  /** @param maxCharacters What is kept at most, names included; beyond it nothing new is put, and logs keep less. */
  constructor(clock: Clock, maxCharacters: number = MAX_CHARACTERS) {
    this.#clock = clock;
    this.maxCharacters = maxCharacters;
  }

  open(): void {}

  close(): void {
    this.#closed = true;
    this.#rest();
  }

  /** How much is kept: living texts and logs, and what has not been swept yet. */
  get size(): {
    readonly texts: number;
    readonly logs: number;
    readonly sets: number;
    readonly characters: number;
  } {
    return { texts: this.#texts.size, logs: this.#logs.size, sets: this.#sets.size, characters: this.#characters };
  }

  get(key: string): StoredText | undefined {
    return this.#text(key)?.stored;
  }

  put(key: string, text: string, { ttlMs, expect, within = [] }: PutOptions): PutOutcome {
    const there = this.#text(key);
    if (expect !== undefined && expect !== (there?.stored.version ?? 0)) return 'conflict';
    if (there === undefined && !within.every((limit) => this.#hasRoom(limit))) return 'full';
    const growth = there === undefined ? costOf(key) + text.length : text.length - there.stored.text.length;
    if (growth > 0 && !this.#hasCharacters(growth)) return 'full';
    const version = ++this.#lastVersion;
    const sets = there?.sets ?? within.map(({ set }) => set);
    this.#texts.set(key, { stored: { text, version }, expiresAt: this.#clock.now() + ttlMs, sets });
    this.#characters += growth;
    if (there === undefined) for (const set of sets) this.#join(set, key);
    this.#watch();
    return version;
  }

  touch(key: string, ttlMs: number): boolean {
    const there = this.#text(key);
    if (there === undefined) return false;
    there.expiresAt = this.#clock.now() + ttlMs;
    return true;
  }

  delete(key: string): boolean {
    const there = this.#text(key);
    if (there !== undefined) this.#forget(key, there);
    return there !== undefined;
  }

  count(set: string): number {
    const members = this.#sets.get(set);
    if (members === undefined) return 0;
    for (const key of members) this.#text(key); // Forgets those that are over.
    return members.size;
  }

  append(name: string, text: string, { ttlMs, maxEntries, maxLength }: LogLimits): number {
    const log = this.#log(name) ?? this.#begin(name);
    if (log === undefined) throw new StateStoreError('there is no room for another log');
    log.texts.push(text);
    log.length += text.length;
    this.#characters += text.length;
    log.expiresAt = this.#clock.now() + ttlMs;
    const number = log.first + log.texts.length - 1;
    const isTooMuch = (): boolean => log.texts.length > maxEntries || log.length > maxLength || !this.#hasCharacters(0);
    while (log.texts.length > 0 && isTooMuch()) this.#shorten(log);
    return number;
  }

  read(name: string, after: number): LogPage {
    const log = this.#log(name);
    if (log === undefined) return { entries: [], isWhole: after === 0 };
    const { first, texts } = log;
    const from = Math.max(after + 1, first);
    const entries = texts.slice(from - first).map((text, index) => ({ number: from + index, text }));
    return { entries, isWhole: after >= first - 1 && after < first + texts.length };
  }

  drop(name: string): void {
    const log = this.#logs.get(name);
    if (log !== undefined) this.#characters -= costOf(name) + log.length;
    this.#logs.delete(name);
  }

  #text(key: string): Text | undefined {
    const found = this.#texts.get(key);
    if (found === undefined || found.expiresAt > this.#clock.now()) return found;
    this.#forget(key, found);
    return undefined;
  }

  #begin(name: string): Log | undefined {
    if (!this.#hasCharacters(costOf(name))) return undefined;
    const log = { texts: [], first: 1, length: 0, expiresAt: 0 };
    this.#logs.set(name, log);
    this.#characters += costOf(name);
    this.#watch();
    return log;
  }

  /** The oldest entry makes room. */
  #shorten(log: Log): void {
    const { length } = log.texts.shift() as string;
    log.length -= length;
    log.first++;
    this.#characters -= length;
  }

  #hasCharacters(more: number): boolean {
    const isFull = this.#characters + more > this.maxCharacters;
    if (isFull && this.#clock.now() - this.#sweptAt >= SWEEP_WHEN_FULL_MS) this.#sweep();
    return this.#characters + more <= this.maxCharacters;
  }

  #log(name: string): Log | undefined {
    const log = this.#logs.get(name);
    if (log === undefined || log.expiresAt > this.#clock.now()) return log;
    this.drop(name);
    return undefined;
  }

  #hasRoom({ set, max }: SetLimit): boolean {
    return (this.#sets.get(set)?.size ?? 0) < max || this.count(set) < max;
  }

  #join(set: string, key: string): void {
    const members = this.#sets.get(set);
    if (members === undefined) this.#sets.set(set, new Set([key]));
    else members.add(key);
  }

  #forget(key: string, { sets, stored }: Text): void {
    this.#texts.delete(key);
    this.#characters -= costOf(key) + stored.text.length;
    for (const set of sets) {
      const members = this.#sets.get(set);
      members?.delete(key);
      if (members?.size === 0) this.#sets.delete(set);
    }
  }

  /** Time is looked at only while there is something that ends. */
  #watch(): void {
    if (!this.#closed) this.#cancelSweep ??= this.#clock.every(SWEEP_EVERY_MS, () => this.#sweep());
  }

  #rest(): void {
    this.#cancelSweep?.();
    this.#cancelSweep = undefined;
  }

  #sweep(): void {
    const now = this.#clock.now();
    this.#sweptAt = now;
    for (const [key, text] of this.#texts) if (text.expiresAt <= now) this.#forget(key, text);
    for (const [name, log] of this.#logs) if (log.expiresAt <= now) this.drop(name);
    if (this.#texts.size + this.#logs.size === 0) this.#rest();
  }
}

function costOf(name: string): number {
  return BESIDES + name.length;
}

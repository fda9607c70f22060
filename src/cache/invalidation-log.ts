import { PeregrineError } from '../kernel/errors.ts';
import { Generations, type Invalidation } from './generations.ts';
import type { LoggedInvalidation, LogPage, SecondTier } from './second-tier.ts';

export interface InvalidationLogParts {
  readonly tier: SecondTier;
  /** This process among the instances. */
  readonly origin: string;
  /** Invalidations that are remembered, and that may wait to be logged. */
  readonly limit: number;
  /** Stands around each call to the tier. */
  call<T>(work: () => Promise<T>): Promise<T>;
  /** Another instance invalidated something; without one, anything may have been. */
  invalidated(invalidation: Invalidation | undefined): void;
}

/** An invalidation on its way to the log; `order` counts those of this instance. */
interface Waiting extends Invalidation {
  readonly order: number;
}

/** Invalidations logged by one call. */
const MAX_APPENDED = 500;
/** A number further behind than this is none that came late, but one of another log. */
const MAX_LATE = 10_000;
/** Beyond it there would be too few numbers left that Redis, Lua and JavaScript all count exactly. */
const MAX_NUMBER = 2 ** 52;
const EVERYTHING: Invalidation = { kind: 'pattern', value: '*' };

/**
 * The shared log of invalidations as one instance knows it, and what this instance still has to add to it.
 *
 * The tier may lose the log, or its last entries, at any time. The last known entry is therefore compared at each reading: where
 * it is not what it was, all values count as invalidated, here and, by an entry that says so, for all instances.
 */
export class InvalidationLog {
  readonly #parts: InvalidationLogParts;
  #known: Generations | undefined;
  /** The entry that {@link now} is the number of, where it is known. */
  #last: LoggedInvalidation | undefined;
  /** The highest number that was ever known: none is given twice, so that no older value comes to hold again. */
  #highest = 0;
  #waiting: Waiting[] = [];
  #added = 0;
  #loggedTo = 0;
  #reading: Promise<void> | undefined;
  #nextReading: Promise<void> | undefined;
  #appending: Promise<void> | undefined;
  #appends = 0;
  #epoch = 0;

  constructor(parts: InvalidationLogParts) {
    this.#parts = parts;
  }

  /** The number of the last known entry. */
  get now(): number | undefined {
    return this.#known?.now;
  }

  /** Changes whenever numbers from before mean nothing any more. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Whether the log is being read: what is heard meanwhile may not be in it. */
  get isReading(): boolean {
    return this.#reading !== undefined;
  }

  /** What this instance invalidated and could not log yet. */
  get waiting(): readonly Invalidation[] {
    return this.#waiting;
  }

  /** Whether a value of the tier still holds, as far as the log is known. */
  holds(key: string, tags: readonly string[], since: number): boolean {
    return this.#known?.holds(key, tags, since) === true;
  }

  /** Notes what is to be logged. @returns Tells whether it still waits. */
  add({ kind, value }: Invalidation): () => boolean {
    const order = ++this.#added;
    if (this.#waiting.length < this.#parts.limit) this.#waiting.push({ kind, value, order });
    else this.#waiting = [{ ...EVERYTHING, order }];
    return () => order > this.#loggedTo;
  }

  /** Logs what waits, the oldest first; what fails goes on waiting, since to log it twice does no harm. @throws */
  async append(): Promise<void> {
    while (this.#appending !== undefined) await this.#appending.catch(() => {});
    if (this.#waiting.length === 0) return;
    this.#appending = this.#append().finally(() => {
      this.#appending = undefined;
    });
    await this.#appending;
  }

  async #append(): Promise<void> {
    const { tier, origin, call } = this.#parts;
    const batch = this.#waiting.slice(0, MAX_APPENDED);
    const mark = `${origin}.${this.#appends++}`;
    const last = await call(async () => toNumber(await tier.append(batch, mark, this.#highest)));
    this.#highest = Math.max(this.#highest, last);
    if (this.#isNews(last)) await this.catchUp();
    if (this.#isNews(last)) throw new PeregrineError('CACHE_GARBAGE', 'the log lost what was added to it');
    this.#waiting = this.#waiting.filter((one) => !batch.includes(one));
    for (const { order } of batch) this.#loggedTo = Math.max(this.#loggedTo, order);
  }

  /**
   * An entry of this instance or another, as the tier tells of it. Resolves when the log is known that far.
   *
   * @param isInStep Whether the log is known to be the one that the entry is of; where it is not, it holds all the same.
   */
  async heard(entry: LoggedInvalidation, isInStep: boolean): Promise<void> {
    const { number } = entry;
    const isFollowed = isInStep || this.isReading;
    if (!isInStep || this.isReading) this.#tell(entry);
    while (this.#reading !== undefined) await this.#reading;
    if (!isFollowed || !(number <= MAX_NUMBER) || !this.#isNews(number)) return;
    if (number === (this.now ?? 0) + 1) return this.#apply(entry);
    this.#tell(entry);
    await this.catchUp();
  }

  #isNews(number: number): boolean {
    const now = this.now ?? 0;
    return number > now || number < now - MAX_LATE;
  }

  /** Learns what was logged until now: the reading that it waits for begins after the call. @throws */
  catchUp(): Promise<void> {
    if (this.#reading === undefined) return this.#read();
    this.#nextReading ??= this.#reading
      .catch(() => {})
      .then(() => {
        this.#nextReading = undefined;
        return this.#reading ?? this.#read();
      });
    return this.#nextReading;
  }

  #read(): Promise<void> {
    const reading = this.#readPage().finally(() => {
      this.#reading = undefined;
    });
    this.#reading = reading;
    return reading;
  }

  async #readPage(): Promise<void> {
    const { tier, call } = this.#parts;
    const known = this.now;
    const page = await call(async () => checkPage(await tier.log(known)));
    const { now } = page;
    this.#highest = Math.max(this.#highest, now);
    const first = firstInOrder(page);
    if (known === undefined) return this.#beginAt(first, page);
    if (now < known || this.#isAnother(known, page)) {
      this.#beginAt(first, page);
      this.#waiting.unshift({ ...EVERYTHING, order: 0 }); // The tier may still hold what the lost entries invalidated.
    } else if (now > known && first > known + 1) this.#beginAt(first, page);
    else for (const entry of page.entries) if (entry.number > known) this.#apply(entry);
  }

  /** Whether the entry at a number is another than it was, or is lost while nothing followed it. */
  #isAnother(known: number, { now, entries }: LogPage): boolean {
    if (this.#last === undefined) return false;
    const same = entries.find(({ number }) => number === known);
    if (same === undefined) return now === known;
    return same.origin !== this.#last.origin || same.value !== this.#last.value || same.kind !== this.#last.kind;
  }

  /** Goes on with a log of which nothing before a number is known. */
  #beginAt(first: number, { entries }: LogPage): void {
    this.#epoch++;
    this.#known = new Generations(this.#parts.limit, first - 1);
    this.#last = undefined;
    for (const entry of entries) if (entry.number >= first) this.#note(this.#known, entry);
    this.#parts.invalidated(undefined);
  }

  #apply(entry: LoggedInvalidation): void {
    if (this.#known === undefined) return;
    this.#note(this.#known, entry);
    this.#tell(entry);
  }

  /** This instance's own invalidations held for it from the beginning. */
  #tell(entry: LoggedInvalidation): void {
    if (!entry.origin.startsWith(`${this.#parts.origin}.`)) this.#parts.invalidated(entry);
  }

  #note(known: Generations, entry: LoggedInvalidation): void {
    known.record(entry, entry.number);
    this.#last = entry;
    this.#highest = Math.max(this.#highest, entry.number);
  }
}

/** The number from which on a page has every entry up to its end. */
function firstInOrder({ now, entries }: LogPage): number {
  let first = now + 1;
  for (const { number } of entries.toReversed()) {
    if (number !== first - 1) break;
    first--;
  }
  return first;
}

function checkPage(page: LogPage): LogPage {
  toNumber(page.now);
  return page;
}

function toNumber(value: unknown): number {
  if (Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= MAX_NUMBER) return value as number;
  throw new PeregrineError('CACHE_GARBAGE', 'the log of invalidations has no number', { retryable: true });
}

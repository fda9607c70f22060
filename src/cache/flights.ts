import type { Clock } from '../kernel/clock.ts';
import type { Generations } from './generations.ts';

/** A computation under way, for all who want its value. It is given up when none of them waits any more. */
export class Flight<T> {
  readonly tags: readonly string[];
  /** The number of invalidations at which it began. */
  since: number;
  readonly #controller = new AbortController();
  readonly #result: Promise<T>;
  #waiting = 0;
  /** Whether it goes on without anybody waiting. */
  #isPinned = false;

  constructor(tags: readonly string[], since: number, run: (flight: Flight<T>) => Promise<T>) {
    this.tags = tags;
    this.since = since;
    this.#result = run(this);
    this.#result.catch(() => {}); // Whoever waits hears of it; nobody may.
  }

  /** Aborted when nobody waits any more. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Its value; a caller that goes away meanwhile does not end it for the others. */
  join(signal: AbortSignal | undefined): Promise<T> {
    if (signal === undefined) {
      this.#isPinned = true;
      return this.#result;
    }
    if (signal.aborted) return Promise.reject(signal.reason as Error);
    this.#waiting++;
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        reject(signal.reason as Error);
        if (--this.#waiting === 0 && !this.#isPinned) this.#controller.abort(signal.reason);
      };
      signal.addEventListener('abort', leave, { once: true });
      const settle = (): void => {
        this.#waiting--;
        signal.removeEventListener('abort', leave);
      };
      this.#result.then(
        (value) => {
          if (!signal.aborted) settle();
          resolve(value);
        },
        (error: unknown) => {
          if (!signal.aborted) settle();
          reject(error);
        },
      );
    });
  }
}

/** A computation that takes longer hangs, for all that can be told: others do not wait for it, and try again. */
const MAX_AGE_MS = 60_000;

/** The computations under way, one for each key. */
export class Flights<T> {
  readonly #flights = new Map<string, Flight<T>>();
  readonly #startedAt = new WeakMap<Flight<T>, number>();
  readonly #clock: Pick<Clock, 'now'>;

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#flights.size;
  }

  /** The computation that a caller may join: not given up, not hanging, and not invalidated since it began. */
  find(key: string, generations: Generations): Flight<T> | undefined {
    const flight = this.#flights.get(key);
    if (flight === undefined || flight.signal.aborted) return undefined;
    if (this.#clock.now() - (this.#startedAt.get(flight) as number) >= MAX_AGE_MS) return undefined;
    return generations.holds(key, flight.tags, flight.since) ? flight : undefined;
  }

  start(key: string, tags: readonly string[], since: number, run: (flight: Flight<T>) => Promise<T>): Flight<T> {
    const flight = new Flight<T>(tags, since, async (self) => {
      await undefined; // So that it stands in the map before it can end.
      try {
        return await run(self);
      } finally {
        if (this.#flights.get(key) === self) this.#flights.delete(key);
      }
    });
    this.#flights.set(key, flight);
    this.#startedAt.set(flight, this.#clock.now());
    return flight;
  }
}

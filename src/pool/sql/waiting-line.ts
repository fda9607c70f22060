import type { Clock } from '../../kernel/clock.ts';
import { DatabaseError, PoolQueueFullError, PoolTimeoutError } from '../errors.ts';
import { LazyTimer } from './lazy-timer.ts';

interface Waiter<T> {
  readonly joinedAt: number;
  resolve(value: T): void;
  reject(error: unknown): void;
  /** Leaves the line and stops listening to the signal. */
  leave(): void;
}

/** What a line is made of. */
export interface WaitingLineParts {
  readonly pool: string;
  readonly limits: { readonly maxWaiting: number; readonly acquireTimeoutMs: number };
  readonly clock: Clock;
  /** Told how long each waited who was served. */
  onServed(waitedMs: number): void;
  /** Told of everyone who waited too long or found the line full. */
  onTimeout(error: unknown): void;
}

/** Callers in the order in which they came, each for a bounded time. */
export class WaitingLine<T> {
  readonly #parts: WaitingLineParts;
  readonly #waiters = new Set<Waiter<T>>();
  readonly #timer: LazyTimer;

  constructor(parts: WaitingLineParts) {
    this.#parts = parts;
    this.#timer = new LazyTimer(parts.clock);
  }

  get length(): number {
    return this.#waiters.size;
  }

  /** Waits for a turn. @throws {PeregrineError} `POOL_TIMEOUT`, `POOL_QUEUE_FULL`, `DB_CANCELLED` */
  join(signal?: AbortSignal): Promise<T> {
    const { pool, limits, clock } = this.#parts;
    if (this.#waiters.size >= limits.maxWaiting) {
      const error = new PoolQueueFullError(pool, this.#waiters.size);
      this.#parts.onTimeout(error);
      return Promise.reject(error);
    }
    return new Promise<T>((resolve, reject) => {
      const waiter: Waiter<T> = {
        joinedAt: clock.now(),
        resolve,
        reject,
        leave: () => {
          signal?.removeEventListener('abort', onAbort);
          this.#waiters.delete(waiter);
          if (this.#waiters.size === 0) this.#timer.stop();
        },
      };
      const onAbort = (): void => {
        waiter.leave();
        reject(new DatabaseError('DB_CANCELLED', pool, { cause: signal?.reason }));
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#waiters.add(waiter);
      if (this.#waiters.size === 1) this.#timer.start(limits.acquireTimeoutMs, () => this.#expire());
    });
  }

  /** All wait equally long, so those whose time is up are the first ones, and one timer serves all. */
  #expire(): void {
    const { pool, limits, clock } = this.#parts;
    for (const waiter of [...this.#waiters]) {
      const restMs = waiter.joinedAt + limits.acquireTimeoutMs - clock.now();
      if (restMs > 0) {
        this.#timer.start(restMs, () => this.#expire());
        return;
      }
      waiter.leave();
      const error = new PoolTimeoutError(pool, limits.acquireTimeoutMs, this.#waiters.size);
      this.#parts.onTimeout(error);
      waiter.reject(error);
    }
  }

  /** Gives the first in line what they wait for. @returns Whether there was anyone. */
  serve(value: T): boolean {
    const [first] = this.#waiters;
    if (first === undefined) return false;
    first.leave();
    this.#parts.onServed(this.#parts.clock.now() - first.joinedAt);
    first.resolve(value);
    return true;
  }

  /** Ends the timer, which may be running without anybody in line. */
  close(): void {
    this.#timer.close();
  }

  rejectAll(toError: () => unknown): void {
    for (const waiter of [...this.#waiters]) {
      waiter.leave();
      waiter.reject(toError());
    }
  }
}

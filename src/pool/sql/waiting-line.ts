import type { CancelTimer, Clock } from '../../kernel/clock.ts';
import { DatabaseError, PoolQueueFullError, PoolTimeoutError } from '../errors.ts';

interface Waiter<T> {
  resolve(value: T): void;
  reject(error: unknown): void;
  /** Ends the timer and stops listening to the signal. */
  leave(): void;
}

/** What a line is made of. */
export interface WaitingLineParts {
  readonly pool: string;
  readonly limits: { readonly maxWaiting: number; readonly acquireTimeoutMs: number };
  readonly clock: Clock;
  /** Told of everyone who waited too long or found the line full. */
  onTimeout(error: unknown): void;
}

/** Callers in the order in which they came, each for a bounded time. */
export class WaitingLine<T> {
  readonly #parts: WaitingLineParts;
  readonly #waiters = new Set<Waiter<T>>();

  constructor(parts: WaitingLineParts) {
    this.#parts = parts;
  }

  get length(): number {
    return this.#waiters.size;
  }

  /** Waits for a turn. @throws {PeregrineError} `POOL_TIMEOUT`, `POOL_QUEUE_FULL`, `DB_CANCELLED` */
  async join(signal?: AbortSignal): Promise<T> {
    const { pool, limits, clock } = this.#parts;
    if (this.#waiters.size >= limits.maxWaiting) {
      const error = new PoolQueueFullError(pool, this.#waiters.size);
      this.#parts.onTimeout(error);
      throw error;
    }
    return new Promise<T>((resolve, reject) => {
      const waiter: Waiter<T> = {
        resolve,
        reject,
        leave: () => {
          cancel();
          signal?.removeEventListener('abort', onAbort);
          this.#waiters.delete(waiter);
        },
      };
      const onAbort = (): void => {
        waiter.leave();
        reject(new DatabaseError('DB_CANCELLED', pool, { cause: signal?.reason }));
      };
      const cancel: CancelTimer = clock.after(limits.acquireTimeoutMs, () => {
        waiter.leave();
        const error = new PoolTimeoutError(pool, limits.acquireTimeoutMs, this.#waiters.size);
        this.#parts.onTimeout(error);
        reject(error);
      });
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#waiters.add(waiter);
    });
  }

  /** Gives the first in line what they wait for. @returns Whether there was anyone. */
  serve(value: T): boolean {
    const [first] = this.#waiters;
    if (first === undefined) return false;
    first.leave();
    first.resolve(value);
    return true;
  }

  rejectAll(toError: () => unknown): void {
    for (const waiter of [...this.#waiters]) {
      waiter.leave();
      waiter.reject(toError());
    }
  }
}

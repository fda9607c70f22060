import type { Clock } from '../kernel/clock.ts';
import { PeregrineError } from '../kernel/errors.ts';

/**
 * Waits for work at most so long; what it comes to afterwards is dropped.
 *
 * Where the event loop was busy for longer than that, an answer may be there that nobody has read yet: one more round of the
 * loop goes by before the time is over.
 *
 * @throws {PeregrineError} `CACHE_TIMEOUT`
 */
export function withinTime<T>(clock: Clock, limitMs: number, work: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void =>
      reject(new PeregrineError('CACHE_TIMEOUT', `no answer within ${limitMs} ms`, { retryable: true }));
    let cancel = clock.after(limitMs, () => {
      cancel = clock.after(0, giveUp);
    });
    work().then(
      (value) => {
        cancel();
        resolve(value);
      },
      (error: unknown) => {
        cancel();
        reject(error);
      },
    );
  });
}

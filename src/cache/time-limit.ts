import type { Clock } from '../kernel/clock.ts';
import { PeregrineError } from '../kernel/errors.ts';

/** Waits for work at most so long; what it comes to afterwards is dropped. @throws {PeregrineError} `CACHE_TIMEOUT` */
export function withinTime<T>(clock: Clock, limitMs: number, work: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(limitMs, () =>
      reject(new PeregrineError('CACHE_TIMEOUT', `no answer within ${limitMs} ms`, { retryable: true })),
    );
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

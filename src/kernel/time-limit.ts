import type { Clock } from './clock.ts';
import { PeregrineError } from './errors.ts';

/** Waits for work at most so long; what it comes to afterwards is dropped. @throws {PeregrineError} with this code. */
export async function withinTime<T>(clock: Clock, limitMs: number, code: string, work: () => Promise<T>): Promise<T> {
  let cancel = (): void => {};
  const late = new Promise<never>((_, reject) => {
    const giveUp = (): void => reject(new PeregrineError(code, `no answer within ${limitMs} ms`, { retryable: true }));
    // Where this process itself was held up, the answer is there by now, and is read before the second timer runs.
    cancel = clock.after(limitMs, () => {
      cancel = clock.after(0, giveUp);
    });
  });
  try {
    return await Promise.race([work(), late]);
  } finally {
    cancel();
  }
}

import type { CancelTimer, Clock } from '../kernel/clock.ts';
import { OptionError } from '../kernel/errors.ts';
import { integerOption, objectOption } from '../kernel/options.ts';
import { type LimitSources, sourcesOf } from './options.ts';

export interface BatchOptions extends Pick<LimitSources, 'clock'> {
  /** Most items of one run. @default 100 */
  readonly maxItems?: number;
  /** How long items are collected after the first, in milliseconds. @default 10 */
  readonly maxWaitMs?: number;
}

interface Waiting<T, R> {
  readonly item: T;
  readonly resolve: (result: R) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Collects single items for work that does many at once, such as one `INSERT` for many rows. Equal items stay several, in
 * order; look-ups by key, where they should be one, are `createBatcher`'s.
 *
 * @param work Gets the items and answers a result for each, in their order.
 * @returns What adds an item; it rejects when the whole run does, or answers another number of results.
 * @throws {OptionError} when an option is not valid.
 */
export function batch<T, R>(
  work: (items: readonly T[]) => PromiseLike<readonly R[]> | readonly R[],
  options: BatchOptions = {},
): (item: T) => Promise<R> {
  if (typeof work !== 'function') throw new OptionError('work', 'must be a function', work);
  const given = objectOption('batch', options, ['maxItems', 'maxWaitMs', 'clock']);
  const maxItems = integerOption('batch.maxItems', given.maxItems, 100, { min: 1, max: 1_000_000 });
  const maxWaitMs = integerOption('batch.maxWaitMs', given.maxWaitMs, 10, { min: 0, max: 3_600_000 });
  const clock: Clock = sourcesOf('batch', options).clock;
  let waiting: Waiting<T, R>[] = [];
  let cancelTimer: CancelTimer | undefined;
  const flush = (): void => {
    cancelTimer?.();
    const run = waiting;
    waiting = [];
    void runBatch(work, run);
  };
  return (item) =>
    new Promise<R>((resolve, reject) => {
      if (waiting.push({ item, resolve, reject }) >= maxItems) flush();
      else if (waiting.length === 1) cancelTimer = clock.after(maxWaitMs, flush);
    });
}

async function runBatch<T, R>(
  work: (items: readonly T[]) => PromiseLike<readonly R[]> | readonly R[],
  run: readonly Waiting<T, R>[],
): Promise<void> {
  try {
    const results = await work(run.map(({ item }) => item));
    if (results.length !== run.length)
      throw new TypeError(`the work answered ${results.length} results for ${run.length} items`);
    for (const [index, { resolve }] of run.entries()) resolve(results[index] as R);
  } catch (error) {
    for (const { reject } of run) reject(error);
  }
}

import type { CancelTimer } from '../kernel/clock.ts';
import { OptionError } from '../kernel/errors.ts';
import { integerOption, objectOption } from '../kernel/options.ts';
import { type LimitSources, sourcesOf, WAIT } from './options.ts';

export interface DebounceOptions extends Pick<LimitSources, 'clock'> {
  /** How long there must be no further call, in milliseconds. */
  readonly waitMs: number;
  /** Longest wait after the first call, in milliseconds. @default unlimited */
  readonly maxWaitMs?: number;
}

/** Work that is put off while it is asked for again. */
export interface Debounced<A extends unknown[]> {
  /** Asks for the work, which is done with the arguments of the last call. */
  (...args: A): void;
  /** Does at once what waits. */
  flush(): void;
  /** Forgets what waits. */
  cancel(): void;
}

/** Joins calls that follow each other closely into one, after the last of them. @throws {OptionError} */
export function debounce<A extends unknown[]>(work: (...args: A) => void, options: DebounceOptions): Debounced<A> {
  if (typeof work !== 'function') throw new OptionError('work', 'must be a function', work);
  const given = objectOption('debounce', options, ['waitMs', 'maxWaitMs', 'clock']);
  const waitMs = integerOption('debounce.waitMs', given.waitMs, Number.NaN, WAIT);
  const longest = { min: waitMs, max: WAIT.max };
  const maxWaitMs =
    given.maxWaitMs === undefined ? Infinity : integerOption('debounce.maxWaitMs', given.maxWaitMs, 0, longest);
  const { clock } = sourcesOf('debounce', options);
  let waiting: A | undefined;
  let firstAt = 0;
  let cancelTimer: CancelTimer | undefined;
  const take = (): A | undefined => {
    cancelTimer?.();
    const args = waiting;
    waiting = undefined;
    return args;
  };
  const flush = (): void => {
    const args = take();
    if (args !== undefined) work(...args);
  };
  const call = (...args: A): void => {
    const now = clock.now();
    if (waiting === undefined) firstAt = now;
    cancelTimer?.();
    waiting = args;
    cancelTimer = clock.after(Math.max(0, Math.min(waitMs, firstAt + maxWaitMs - now)), flush);
  };
  return Object.assign(call, { flush, cancel: () => void take() });
}

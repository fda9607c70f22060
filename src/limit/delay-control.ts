import type { ShedClass } from '../signal/signal.ts';

/** How long work may wait. */
export interface DelayOptions {
  /** A delay up to this is no queue, in milliseconds. */
  readonly targetMs: number;
  /** A delay above the target for this long is overload, in milliseconds. */
  readonly windowMs: number;
}

/** What each class may wait when overload begins, in windows: what may wait less is refused first. */
const PATIENCE: { readonly [C in ShedClass]: number } = { list: 2, retry: 3, tool: 4, essential: 6, health: 20 };
/** Windows of overload after which the patience begins to wear out. */
const PERIOD = 5;

/**
 * Decides by how long work waits whether there is too much of it, after CoDel: short queues come and go, a queue that
 * stands is overload.
 *
 * While it lasts, only work that itself has waited too long is refused, so that a burst beside an idle hour is not. What
 * is too long comes nearer to the target the longer the overload lasts, with the root of time, as CoDel's drops do.
 */
export class DelayControl {
  readonly #options: DelayOptions;
  readonly #changed: ((overloaded: boolean, delayMs: number) => void) | undefined;
  #aboveSince = -1;
  #overloadedAt = -1;

  constructor(options: DelayOptions, changed?: (overloaded: boolean, delayMs: number) => void) {
    this.#options = options;
    this.#changed = changed;
  }

  get overloaded(): boolean {
    return this.#overloadedAt >= 0;
  }

  /** Takes note of a delay that work had, or has by now. */
  observe(nowMs: number, delayMs: number): void {
    if (delayMs <= this.#options.targetMs) {
      this.#aboveSince = -1;
      if (!this.overloaded) return;
      this.#overloadedAt = -1;
      this.#changed?.(false, delayMs);
    } else if (this.#aboveSince < 0) {
      this.#aboveSince = nowMs;
    } else if (!this.overloaded && nowMs - this.#aboveSince >= this.#options.windowMs) {
      this.#overloadedAt = nowMs;
      this.#changed?.(true, delayMs);
    }
  }

  /** Whether work that has waited this long is to be refused. */
  refuses(shedClass: ShedClass, waitedMs: number, nowMs: number): boolean {
    return this.overloaded && waitedMs > this.patienceMs(shedClass, nowMs);
  }

  /** How long a class may wait now. Without overload there is no bound. */
  patienceMs(shedClass: ShedClass, nowMs: number): number {
    if (!this.overloaded) return Number.POSITIVE_INFINITY;
    const { targetMs, windowMs } = this.#options;
    const periods = this.lastedMs(nowMs) / (PERIOD * windowMs);
    return targetMs + Math.max(0, PATIENCE[shedClass] * windowMs - targetMs) / Math.sqrt(1 + periods);
  }

  /** How long the overload has lasted, in milliseconds. */
  lastedMs(nowMs: number): number {
    return this.overloaded ? nowMs - this.#overloadedAt : 0;
  }
}

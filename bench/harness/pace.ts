/** However busy the machine is, a measured part keeps at least this part of its time. */
const LEAST_SCALE = 0.3;

/**
 * Keeps a bench within its time: on a busy machine the time limits of the measured parts shrink, so that slow rows stop
 * at fewer requests. On a quiet one the scale stays 1. The warm-up is left alone: rivals have to be warm.
 */
export class Pace {
  readonly #budgetMs: number;
  readonly #measurements: number;
  #done = 0;
  #spentMs = 0;
  #measuredMs = 0;
  #unscaledMs = 0;
  #scale = 1;
  #least = 1;

  constructor(budgetMs: number, measurements: number) {
    this.#budgetMs = budgetMs;
    this.#measurements = measurements;
  }

  /** By what to multiply the next measured part's limit. */
  get scale(): number {
    return this.#scale;
  }

  /** The smallest scale so far. */
  get least(): number {
    return this.#least;
  }

  /** A measurement took `ms` with all its starting and stopping, `measuredMs` of them in the measured part. */
  took(ms: number, measuredMs: number): void {
    this.#done++;
    this.#spentMs += ms;
    this.#measuredMs += measuredMs;
    this.#unscaledMs += measuredMs / this.#scale;
    const left = this.#measurements - this.#done;
    if (left === 0) return;
    const overheadMs = (this.#spentMs - this.#measuredMs) / this.#done;
    const shareMs = (this.#budgetMs - this.#spentMs) / left;
    const fits = (shareMs - overheadMs) / Math.max(1, this.#unscaledMs / this.#done);
    this.#scale = Math.min(1, Math.max(LEAST_SCALE, fits));
    this.#least = Math.min(this.#least, this.#scale);
  }
}

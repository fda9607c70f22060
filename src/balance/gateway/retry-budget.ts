const WINDOW_SECONDS = 10;

/** How many attempts may be made beyond the first ones. */
export interface BudgetOptions {
  /** Share of the requests, 0 to 1. */
  readonly share: number;
  /** And so many a second. */
  readonly perSecond: number;
}

/** Bounds further attempts by the requests of the last 10 seconds, so that a fault is not answered with a flood. */
export class RetryBudget {
  readonly #options: BudgetOptions;
  readonly #requests = new Float64Array(WINDOW_SECONDS);
  readonly #taken = new Float64Array(WINDOW_SECONDS);
  #second = 0;
  #requestSum = 0;
  #takenSum = 0;

  constructor(options: BudgetOptions) {
    this.#options = options;
  }

  /** Counts a request at a time in milliseconds. */
  request(now: number): void {
    this.#moveTo(now);
    this.#requestSum++;
    const at = this.#second % WINDOW_SECONDS;
    this.#requests[at] = (this.#requests[at] as number) + 1;
  }

  /** Takes a further attempt from the budget, if there is one left. */
  take(now: number): boolean {
    this.#moveTo(now);
    const { share, perSecond } = this.#options;
    if (this.#takenSum + 1 > this.#requestSum * share + perSecond * WINDOW_SECONDS) return false;
    this.#takenSum++;
    const at = this.#second % WINDOW_SECONDS;
    this.#taken[at] = (this.#taken[at] as number) + 1;
    return true;
  }

  #moveTo(now: number): void {
    const second = Math.floor(now / 1_000);
    const steps = Math.min(second - this.#second, WINDOW_SECONDS);
    for (let step = 1; step <= steps; step++) {
      const at = (second - steps + step) % WINDOW_SECONDS;
      this.#requestSum -= this.#requests[at] as number;
      this.#takenSum -= this.#taken[at] as number;
      this.#requests[at] = 0;
      this.#taken[at] = 0;
    }
    if (second > this.#second) this.#second = second;
  }
}

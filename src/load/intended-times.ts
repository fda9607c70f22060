/** Times at which requests should have been sent and were not yet, oldest first. */
export class IntendedTimes {
  #times = new Float64Array(1_024);
  #first = 0;
  #count = 0;

  get length(): number {
    return this.#count;
  }

  push(ms: number): void {
    if (this.#count === this.#times.length) this.#grow();
    this.#times[(this.#first + this.#count++) & (this.#times.length - 1)] = ms;
  }

  /** Takes the oldest; only where there is one. */
  shift(): number {
    const ms = this.#times[this.#first] as number;
    this.#first = (this.#first + 1) & (this.#times.length - 1);
    this.#count--;
    return ms;
  }

  #grow(): void {
    const times = new Float64Array(this.#times.length * 2);
    for (let index = 0; index < this.#count; index++)
      times[index] = this.#times[(this.#first + index) & (this.#times.length - 1)] as number;
    this.#times = times;
    this.#first = 0;
  }
}

import type { VitalRow } from './history.ts';

const MINUTE_MS = 60_000;
/** Of these a mean would hide what they are for. */
const MAXIMA: readonly string[] = ['responseTime.p99', 'eventLoop.delayMs', 'overloaded'];

interface Sum {
  value: number;
  count: number;
}

/** Makes of the rows of a minute's seconds the row of that minute: means, and of delays the longest. */
export class MinuteMeter {
  #minute = Number.NaN;
  #sums = new Map<string, Sum>();

  /** Takes a second's row. Returns the minute before when this second begins another one. */
  add(at: number, row: VitalRow): { readonly at: number; readonly row: VitalRow } | undefined {
    // A second is told of at its end.
    const minute = Math.ceil(at / MINUTE_MS);
    const ended = this.#sums.size > 0 && minute !== this.#minute ? this.#end() : undefined;
    this.#minute = minute;
    for (const [name, value] of row) {
      const sum = this.#sums.get(name);
      if (sum === undefined) this.#sums.set(name, { value, count: 1 });
      else {
        sum.value = MAXIMA.includes(name) ? Math.max(sum.value, value) : sum.value + value;
        sum.count++;
      }
    }
    return ended;
  }

  #end(): { readonly at: number; readonly row: VitalRow } {
    const means = Array.from(this.#sums, ([name, { value, count }]) => {
      return [name, MAXIMA.includes(name) ? value : value / count] as const;
    });
    this.#sums = new Map();
    return { at: this.#minute * MINUTE_MS, row: new Map(means) };
  }
}

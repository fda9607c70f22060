/** Random numbers that repeat: equal seeds give equal sequences (the generator is mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    let mixed = Math.imul(seed ^ (seed >>> 16) ^ 0x9e3779b9, 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    this.#state = (mixed ^ (mixed >>> 16)) >>> 0;
  }

  /** An integer from 0 to `below - 1`. */
  int(below: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * below);
  }

  /** True once in `times` draws on average. */
  oneIn(times: number): boolean {
    return this.int(times) === 0;
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.int(choices.length)] as T;
  }

  /** A text of so many characters out of an alphabet. */
  text(length: number, alphabet: string): string {
    let text = '';
    for (let at = 0; at < length; at++) text += alphabet[this.int(alphabet.length)];
    return text;
  }
}

import type { Reading } from './alert-rules.ts';

interface Sample {
  readonly from: number;
  readonly to: number;
  readonly value: number;
  readonly weight: number;
}

/** Seconds are rarely exact. */
const TOLERANCE_MS = 500;

/** What a window of time held. */
export interface WindowFigure {
  readonly value: number;
  readonly weight: number;
}

/** One value over time, for as long as the longest window. */
export class Track {
  readonly #middle: 'mean' | 'median';
  readonly #keepMs: number;
  #since: number;
  #samples: Sample[] = [];

  constructor(since: number, middle: 'mean' | 'median', keepMs: number) {
    this.#since = since;
    this.#middle = middle;
    this.#keepMs = keepMs;
  }

  /** Adds what was seen between two times, nothing among it. */
  add(from: number, to: number, reading: Reading | undefined): void {
    const { length } = this.#samples;
    let gone = 0;
    while (gone < length && !isWithin(this.#samples[gone], to, this.#keepMs)) gone++;
    this.#samples.splice(0, gone);
    if (reading !== undefined) this.#samples.push({ from, to, value: reading.value, weight: reading.weight });
  }

  /** Forgets all: what was seen before a time in which nobody looked says nothing. */
  restart(since: number): void {
    this.#since = since;
    this.#samples = [];
  }

  /** Whether it has been watched for a whole window. */
  covers(now: number, windowMs: number): boolean {
    return now - this.#since >= windowMs - TOLERANCE_MS;
  }

  /** The value over a window up to now; nothing where nothing was seen. */
  over(now: number, windowMs: number): WindowFigure | undefined {
    const within = this.#samples.filter((sample) => isWithin(sample, now, windowMs));
    const weight = within.reduce((sum, sample) => sum + sample.weight, 0);
    if (weight === 0) return undefined;
    return { weight, value: this.#middle === 'mean' ? mean(within, weight) : median(within, weight) };
  }

  /** How many of the seconds that it remembers a test holds for. */
  count(test: (value: number) => boolean): number {
    return this.#samples.filter(({ value }) => test(value)).length;
  }
}

function isWithin(sample: Sample | undefined, now: number, windowMs: number): boolean {
  return sample !== undefined && sample.from >= now - windowMs - TOLERANCE_MS;
}

function mean(samples: readonly Sample[], weight: number): number {
  return samples.reduce((sum, sample) => sum + sample.value * sample.weight, 0) / weight;
}

function median(samples: readonly Sample[], weight: number): number {
  let seen = 0;
  for (const sample of [...samples].sort((a, b) => a.value - b.value)) {
    seen += sample.weight;
    if (seen >= weight / 2) return sample.value;
  }
  return 0;
}

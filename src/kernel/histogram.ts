const SUB_BUCKET_BITS = 5;
const SUB_BUCKETS = 1 << SUB_BUCKET_BITS;
const MAX_EXPONENT = 40;
const OCTAVES = MAX_EXPONENT - SUB_BUCKET_BITS + 2;
const BUCKETS = SUB_BUCKETS * OCTAVES;

/** Index and count of each bucket that is not empty, by index: what a histogram holds, as plain JSON. */
export type SparseBuckets = readonly (readonly [index: number, count: number])[];

/**
 * A histogram with log-linear buckets: 32 per power of two, hence a relative error of at most 1/32 (3.2 %).
 *
 * Values are non-negative integers below 2^40, such as microseconds; larger ones count in the last bucket. Histograms
 * with different sources merge by addition. Memory is taken for the powers of two that values fell into.
 */
export class Histogram {
  readonly #octaves: (Float64Array | undefined)[] = new Array<Float64Array | undefined>(OCTAVES).fill(undefined);
  #count = 0;
  #sum = 0;
  #max = 0;

  get count(): number {
    return this.#count;
  }

  get sum(): number {
    return this.#sum;
  }

  get max(): number {
    return this.#max;
  }

  get mean(): number {
    return this.#count === 0 ? 0 : this.#sum / this.#count;
  }

  /** Counts one value. HOT: once a request; guarded by `npm run bench`. */
  record(value: number): void {
    const whole = value > 0 ? Math.floor(value) : 0;
    this.#add(bucketOf(whole), 1);
    this.#count++;
    this.#sum += whole;
    if (whole > this.#max) this.#max = whole;
  }

  /** The smallest value that a share of all values (0 to 1) does not exceed; 0 when empty. */
  quantile(share: number): number {
    if (this.#count === 0) return 0;
    const rank = Math.max(1, Math.ceil(share * this.#count));
    let seen = 0;
    for (const [index, count] of this.buckets()) {
      seen += count;
      if (seen >= rank) return Math.min(upperEdge(index), this.#max);
    }
    return this.#max;
  }

  /** Adds all that another histogram has counted. */
  merge(other: Histogram): void {
    const max = Math.max(this.#max, other.#max);
    this.add(other.buckets(), other.#sum);
    this.#max = max;
  }

  /** Adds what another histogram held; its maximum is then known as well as its buckets are. */
  add(buckets: SparseBuckets, sum: number): void {
    for (const bucket of buckets) {
      this.#add(bucket[0], bucket[1]);
      this.#count += bucket[1];
    }
    this.#sum += sum;
    const last = buckets.at(-1);
    if (last !== undefined) this.#max = Math.max(this.#max, upperEdge(last[0]));
  }

  /** Takes away what this histogram held at an earlier time; the maximum stays. */
  subtract(earlier: Histogram): void {
    for (const [index, count] of earlier.buckets()) this.#add(index, -count);
    this.#count -= earlier.#count;
    this.#sum -= earlier.#sum;
  }

  buckets(): SparseBuckets {
    const found: [number, number][] = [];
    for (let octave = 0; octave < OCTAVES; octave++) {
      const counts = this.#octaves[octave];
      if (counts === undefined) continue;
      for (let within = 0; within < SUB_BUCKETS; within++) {
        const count = counts[within] ?? 0;
        if (count > 0) found.push([octave * SUB_BUCKETS + within, count]);
      }
    }
    return found;
  }

  reset(): void {
    this.#octaves.fill(undefined);
    this.#count = 0;
    this.#sum = 0;
    this.#max = 0;
  }

  #add(index: number, count: number): void {
    const octave = index >> SUB_BUCKET_BITS;
    let counts = this.#octaves[octave];
    if (counts === undefined) {
      counts = new Float64Array(SUB_BUCKETS);
      this.#octaves[octave] = counts;
    }
    const within = index & (SUB_BUCKETS - 1);
    counts[within] = (counts[within] ?? 0) + count;
  }
}

function bucketOf(value: number): number {
  if (value < SUB_BUCKETS) return value;
  const exponent =
    value < 0x80000000 ? 31 - Math.clz32(value) : 31 + (32 - Math.clz32(Math.floor(value / 0x80000000))) - 1;
  if (exponent >= MAX_EXPONENT) return BUCKETS - 1;
  const shift = exponent - SUB_BUCKET_BITS;
  return SUB_BUCKETS * (shift + 1) + Math.floor(value / 2 ** shift) - SUB_BUCKETS;
}

/** The largest value of a bucket. */
export function upperEdge(index: number): number {
  if (index < SUB_BUCKETS) return index;
  const shift = Math.floor(index / SUB_BUCKETS) - 1;
  const within = index % SUB_BUCKETS;
  return (SUB_BUCKETS + within + 1) * 2 ** shift - 1;
}

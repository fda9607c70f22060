const SUB_BUCKET_BITS = 5;
const SUB_BUCKETS = 1 << SUB_BUCKET_BITS;
const MAX_EXPONENT = 40;
const BUCKETS = SUB_BUCKETS * (MAX_EXPONENT - SUB_BUCKET_BITS + 2);

/**
 * A histogram with log-linear buckets: 32 per power of two, hence a relative error of at most 1/32 (3.2 %).
 *
 * Values are non-negative integers below 2^40, such as microseconds; larger ones count in the last bucket. Histograms
 * with different sources merge by addition.
 */
export class Histogram {
  readonly #counts = new Float64Array(BUCKETS);
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
    const index = bucketOf(whole);
    this.#counts[index] = (this.#counts[index] ?? 0) + 1;
    this.#count++;
    this.#sum += whole;
    if (whole > this.#max) this.#max = whole;
  }

  /** The smallest value that a share of all values (0 to 1) does not exceed; 0 when empty. */
  quantile(share: number): number {
    if (this.#count === 0) return 0;
    const rank = Math.max(1, Math.ceil(share * this.#count));
    let seen = 0;
    for (let index = 0; index < BUCKETS; index++) {
      seen += this.#counts[index] ?? 0;
      if (seen >= rank) return Math.min(bucketUpperEdge(index), this.#max);
    }
    return this.#max;
  }

  /** Adds all that another histogram has counted. */
  merge(other: Histogram): void {
    for (let index = 0; index < BUCKETS; index++) {
      this.#counts[index] = (this.#counts[index] ?? 0) + (other.#counts[index] ?? 0);
    }
    this.#count += other.#count;
    this.#sum += other.#sum;
    this.#max = Math.max(this.#max, other.#max);
  }

  reset(): void {
    this.#counts.fill(0);
    this.#count = 0;
    this.#sum = 0;
    this.#max = 0;
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

/** The largest value that a bucket counts. */
export function bucketUpperEdge(index: number): number {
  if (index < SUB_BUCKETS) return index;
  const shift = Math.floor(index / SUB_BUCKETS) - 1;
  const within = index % SUB_BUCKETS;
  return (SUB_BUCKETS + within + 1) * 2 ** shift - 1;
}

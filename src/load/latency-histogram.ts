/** Sub-buckets per power of two: a bucket is at most 1/128 of its value wide, so a percentile is at most 0.8 % off. */
const SUB_BITS = 7;
const SUB = 1 << SUB_BITS;
/** Values of 2^42 ns (73 minutes) and more share the last bucket. */
const MAX_EXPONENT = 42;
const LIMIT = 2 ** MAX_EXPONENT;
const BUCKETS = (MAX_EXPONENT - SUB_BITS + 1) * SUB;
const TWO_31 = 2 ** 31;

export interface LatencySummary {
  readonly count: number;
  readonly minUs: number;
  readonly meanUs: number;
  readonly p50Us: number;
  readonly p90Us: number;
  readonly p99Us: number;
  readonly p999Us: number;
  readonly maxUs: number;
}

function floorLog2(value: number): number {
  return value < TWO_31 ? 31 - Math.clz32(value) : 62 - Math.clz32(value / TWO_31);
}

/** The bucket of a value in nanoseconds: linear below 2^7, then 128 equal steps in each power of two. */
function bucketOf(valueNs: number): number {
  if (valueNs < SUB) return valueNs | 0;
  const shift = floorLog2(valueNs) - SUB_BITS;
  return shift * SUB + Math.floor(valueNs / 2 ** shift);
}

/** The middle of a bucket, in nanoseconds. */
function middleOf(bucket: number): number {
  if (bucket < 2 * SUB) return bucket;
  const shift = Math.floor(bucket / SUB) - 1;
  const low = (bucket - shift * SUB) * 2 ** shift;
  return low + (2 ** shift - 1) / 2;
}

/**
 * A log-linear histogram over one typed array; values in nanoseconds. Four times as fine as that of the metrics, at the price
 * of 36 KB: what is published is a difference of two runs. Recording allocates nothing.
 */
export class LatencyHistogram {
  readonly #counts = new Float64Array(BUCKETS);
  #count = 0;
  #sum = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = 0;

  get count(): number {
    return this.#count;
  }

  record(valueNs: number): void {
    const value = valueNs >= 0 ? Math.floor(valueNs) : 0;
    const bucket = value < LIMIT ? bucketOf(value) : BUCKETS - 1;
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#count++;
    this.#sum += value;
    if (value < this.#min) this.#min = value;
    if (value > this.#max) this.#max = value;
  }

  /** The value in nanoseconds that `fraction` (0..1) of the recorded values do not exceed; 0 while empty. */
  percentile(fraction: number): number {
    if (this.#count === 0) return 0;
    const rank = Math.max(1, Math.ceil(fraction * this.#count));
    let seen = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      seen += this.#counts[bucket] ?? 0;
      if (seen >= rank) return Math.min(Math.max(middleOf(bucket), this.#min), this.#max);
    }
    return this.#max;
  }

  merge(other: LatencyHistogram): void {
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      this.#counts[bucket] = (this.#counts[bucket] ?? 0) + (other.#counts[bucket] ?? 0);
    }
    this.#count += other.#count;
    this.#sum += other.#sum;
    this.#min = Math.min(this.#min, other.#min);
    this.#max = Math.max(this.#max, other.#max);
  }

  reset(): void {
    this.#counts.fill(0);
    this.#count = 0;
    this.#sum = 0;
    this.#min = Number.POSITIVE_INFINITY;
    this.#max = 0;
  }

  summary(): LatencySummary {
    const us = (ns: number): number => Math.round(ns / 10) / 100;
    return {
      count: this.#count,
      minUs: this.#count === 0 ? 0 : us(this.#min),
      meanUs: this.#count === 0 ? 0 : us(this.#sum / this.#count),
      p50Us: us(this.percentile(0.5)),
      p90Us: us(this.percentile(0.9)),
      p99Us: us(this.percentile(0.99)),
      p999Us: us(this.percentile(0.999)),
      maxUs: us(this.#max),
    };
  }
}

import { describe, expect, it } from 'vitest';
import { LatencyHistogram } from '../../../src/load/latency-histogram.ts';

function filled(values: Iterable<number>): LatencyHistogram {
  const histogram = new LatencyHistogram();
  for (const value of values) histogram.record(value);
  return histogram;
}

describe('LatencyHistogram', () => {
  it('is empty at first', () => {
    expect(new LatencyHistogram().summary()).toEqual({
      count: 0,
      minUs: 0,
      meanUs: 0,
      p50Us: 0,
      p90Us: 0,
      p99Us: 0,
      p999Us: 0,
      maxUs: 0,
    });
  });

  it('keeps small values exactly', () => {
    const histogram = filled(Array.from({ length: 256 }, (_, value) => value));
    for (let value = 0; value < 256; value++) expect(histogram.percentile((value + 1) / 256)).toBe(value);
  });

  it('is within 0.8 % of every value up to an hour', () => {
    for (let value = 1; value < 3.6e12; value = Math.ceil(value * 1.37)) {
      const histogram = filled([value - 1, value, value, value + 1]);
      expect(Math.abs(histogram.percentile(0.5) - value)).toBeLessThanOrEqual(value * 0.008);
    }
  });

  it('has its percentiles where a sorted list has them', () => {
    const values = Array.from({ length: 10_000 }, (_, index) => ((index * 7_919) % 10_000) * 1_000 + 50_000);
    const sorted = values.toSorted((a, b) => a - b);
    const histogram = filled(values);
    for (const fraction of [0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 1]) {
      const exact = sorted[Math.ceil(fraction * sorted.length) - 1] as number;
      expect(Math.abs(histogram.percentile(fraction) - exact)).toBeLessThanOrEqual(exact * 0.008);
    }
  });

  it('never answers below the least or above the greatest value', () => {
    const histogram = filled([1_000_003]);
    expect(histogram.percentile(0.01)).toBe(1_000_003);
    expect(histogram.percentile(1)).toBe(1_000_003);
  });

  it('takes negative and huge values into its outermost buckets', () => {
    const histogram = filled([-5, 2 ** 60]);
    expect(histogram.count).toBe(2);
    expect(histogram.percentile(0.5)).toBe(0);
    expect(histogram.percentile(1)).toBeGreaterThan(2 ** 41);
  });

  it('merges and resets', () => {
    const histogram = filled([1_000, 2_000]);
    histogram.merge(filled([3_000, 4_000]));
    expect(histogram.summary()).toMatchObject({ count: 4, minUs: 1, meanUs: 2.5, maxUs: 4 });
    histogram.reset();
    expect(histogram.summary().count).toBe(0);
  });
});

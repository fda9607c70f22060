import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Histogram } from '../../../src/kernel/histogram.ts';

const LIMIT = 2 ** 40;
const value = fc.oneof(
  fc.integer({ min: 0, max: 100 }),
  fc.integer({ min: 0, max: 2 ** 31 + 1_000 }),
  fc.double({ min: 0, max: LIMIT - 1, noNaN: true }).map(Math.floor),
  fc.integer({ min: 0, max: 39 }).chain((bits) => fc.constantFrom(2 ** bits, 2 ** bits - 1, 2 ** bits + 1)),
);
const values = fc.array(value, { minLength: 1, maxLength: 200 });
const share = fc.oneof(fc.constantFrom(0, 0.5, 0.95, 0.99, 1), fc.double({ min: 0, max: 1, noNaN: true }));

function filled(numbers: Iterable<number>): Histogram {
  const histogram = new Histogram();
  for (const each of numbers) histogram.record(each);
  return histogram;
}

function figuresOf(histogram: Histogram): unknown {
  const { count, sum, max, mean } = histogram;
  return { count, sum, max, mean, quantiles: [0, 0.1, 0.5, 0.9, 0.99, 1].map((each) => histogram.quantile(each)) };
}

describe('Histogram', () => {
  it('answers a quantile that is never below the exact one and at most 1/32 above it', () => {
    fc.assert(
      fc.property(values, share, (numbers, wanted) => {
        const sorted = numbers.toSorted((a, b) => a - b);
        const exact = sorted[Math.max(1, Math.ceil(wanted * sorted.length)) - 1] as number;
        const found = filled(numbers).quantile(wanted);
        expect(found).toBeGreaterThanOrEqual(exact);
        expect(found).toBeLessThanOrEqual(exact + exact / 32);
      }),
      { numRuns: 500 },
    );
  });

  it('keeps count, sum, mean and maximum exactly', () => {
    fc.assert(
      fc.property(values, (numbers) => {
        const sum = numbers.reduce((total, each) => total + each, 0);
        const histogram = filled(numbers);
        expect(histogram).toMatchObject({ count: numbers.length, sum, max: Math.max(...numbers) });
        expect(histogram.mean).toBe(sum / numbers.length);
        expect(histogram.quantile(1)).toBe(histogram.max);
      }),
    );
  });

  it('merged with another is the same as one that recorded all', () => {
    fc.assert(
      fc.property(values, values, (left, right) => {
        const merged = filled(left);
        merged.merge(filled(right));
        expect(figuresOf(merged)).toEqual(figuresOf(filled([...left, ...right])));
      }),
    );
  });

  it('taken apart into buckets and put together again has the same quantiles, its maximum within a bucket', () => {
    fc.assert(
      fc.property(values, values, share, (left, right, wanted) => {
        const [a, b] = [filled(left), filled(right)];
        const joined = new Histogram();
        joined.add(JSON.parse(JSON.stringify(a.buckets())), a.sum);
        joined.add(b.buckets(), b.sum);
        const exact = filled([...left, ...right]);
        expect(joined).toMatchObject({ count: exact.count, sum: exact.sum });
        expect(joined.buckets()).toEqual(exact.buckets());
        expect(joined.quantile(wanted)).toBeGreaterThanOrEqual(exact.quantile(wanted));
        expect(joined.quantile(wanted)).toBeLessThanOrEqual(exact.quantile(wanted) * (1 + 1 / 32));
        joined.subtract(a);
        expect(joined.buckets()).toEqual(b.buckets());
        expect(joined).toMatchObject({ count: b.count, sum: b.sum });
      }),
    );
  });

  it('has quantiles that never fall as the share rises', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -10, max: 2 ** 50, noNaN: true })), share, share, (numbers, a, b) => {
        const histogram = filled(numbers);
        expect(histogram.quantile(Math.min(a, b))).toBeLessThanOrEqual(histogram.quantile(Math.max(a, b)));
      }),
    );
  });

  it('is exact below 32', () => {
    for (let each = 0; each < 32; each++) expect(filled([each, 1_000_000]).quantile(0.5)).toBe(each);
  });

  it('counts what is negative, fractional, too large or not a number without losing the others', () => {
    const histogram = filled([-5, Number.NaN, 7.9, LIMIT, 2 ** 50]);
    expect(histogram.count).toBe(5);
    expect(histogram.quantile(0.4)).toBe(0);
    expect(histogram.quantile(0.6)).toBe(7);
    expect(histogram.quantile(1)).toBeGreaterThanOrEqual(LIMIT);
  });

  it('is empty at first and after a reset', () => {
    const histogram = filled([1, 1_000_000]);
    histogram.reset();
    expect(figuresOf(histogram)).toEqual({ count: 0, sum: 0, max: 0, mean: 0, quantiles: [0, 0, 0, 0, 0, 0] });
  });
});

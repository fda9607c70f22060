import { describe, expect, it } from 'vitest';
import { type BalancingModel, simulate } from '../../../../bench/scale-model/simulate.ts';

const SEEDS = [1, 2, 3];
const FEW = { backends: 16, durationS: 60 };
const MANY = { backends: 1_000, durationS: 2 };
const MODEL = { slowShare: 0.1, slowSpeed: 0.4, load: 0.7 };

const p99Of = (algorithm: BalancingModel['algorithm'], of: typeof FEW, seed: number): number =>
  simulate({ ...MODEL, ...of, algorithm, seed }).p99;

describe('with a tenth of the backends at 0.4 of the speed of the others, at 70 % load', () => {
  it.each(SEEDS)('least connections is within 1.2 of the omniscient choice: 16 backends, seed %i', (seed) => {
    expect(p99Of('least-connections', FEW, seed)).toBeLessThanOrEqual(1.2 * p99Of('omniscient', FEW, seed));
  });

  it.each(SEEDS)('and of 1,000 even of who knows what each request will cost: seed %i', (seed) => {
    expect(p99Of('least-connections', MANY, seed)).toBeLessThanOrEqual(1.2 * p99Of('clairvoyant', MANY, seed));
  });

  it.each(SEEDS)('the others stand where they are known to: seed %i', (seed) => {
    const of = (algorithm: BalancingModel['algorithm']) => p99Of(algorithm, FEW, seed);
    const [least, peak, resource, round] = [
      of('least-connections'),
      of('peak-ewma'),
      of('resource-based'),
      of('round-robin'),
    ];
    expect(least).toBeLessThan(0.9 * Math.min(peak, resource));
    expect(Math.max(peak, resource)).toBeLessThan(2 * least);
    expect(round).toBeGreaterThan(100 * least);
  });
});

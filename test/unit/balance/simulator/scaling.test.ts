import { describe, expect, it } from 'vitest';
import { simulateScaling } from '../../../../bench/scale-model/simulate-scaling.ts';

const SEEDS = [1, 2, 3];
const STEP = { demand: 1, step: 8, noise: 0.3 };

describe('eight times the load at once, on a noisy load', () => {
  it.each(SEEDS.flatMap((seed) => [130, 131.1].map((stepAtS) => [seed, stepAtS] as const)))(
    'is absorbed within 5 s, without going back for 2 min: seed %i, at %f s',
    (seed, stepAtS) => {
      const result = simulateScaling({ ...STEP, seed, stepAtS, durationS: stepAtS + 300 });
      expect(result.shedShare).toBeLessThanOrEqual(0.01);
      expect(result.recoveredAfterS).toBeGreaterThan(0);
      expect(result.recoveredAfterS).toBeLessThanOrEqual(5);
      const after = result.recommendations.filter(({ atS }) => atS >= stepAtS);
      expect(after[0]?.direction).toBe('up');
      expect(after.filter(({ direction, atS }) => direction === 'down' && atS < stepAtS + 120)).toEqual([]);
      expect(after.at(-1)?.to).toBeGreaterThanOrEqual(12);
    },
  );
});

it.each(SEEDS)('a load that stays does not make instances come and go: seed %i', (seed) => {
  const { recommendations } = simulateScaling({
    ...STEP,
    demand: 4,
    step: 1,
    seed,
    stepAtS: 0,
    durationS: 600,
  });
  expect(recommendations.map(({ direction }) => direction)).not.toContain('down');
  expect(recommendations.filter(({ atS }) => atS > 60).length).toBeLessThanOrEqual(2);
});

it.each(SEEDS)('a load that is gone lets instances go, by halves: seed %i', (seed) => {
  const { recommendations } = simulateScaling({
    ...STEP,
    demand: 8,
    step: 1 / 8,
    seed,
    stepAtS: 100,
    durationS: 700,
  });
  const down = recommendations.filter(({ atS }) => atS > 100);
  expect(down.length).toBeGreaterThan(1);
  for (const { direction, from, to } of down) {
    expect(direction).toBe('down');
    expect(to).toBeGreaterThanOrEqual(Math.ceil(from / 2));
  }
  expect(down[0]?.atS).toBeGreaterThan(220);
  // 1.0 of demand is 0.25 for each of four: that is few enough.
  expect(down.at(-1)?.to).toBeLessThanOrEqual(4);
});

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Autoscaler } from '../../../../src/balance/balance.ts';

const amount = fc.double({ min: 0, max: 40, noNaN: true });
const sample = fc.record({
  starting: fc.integer({ min: 0, max: 4 }),
  utilization: amount,
  backlogSeconds: amount,
  shedPerSecond: fc.integer({ min: 0, max: 5_000 }),
  meanCostSeconds: fc.double({ min: 0, max: 0.1, noNaN: true }),
});
const phase = fc.record({ sample, ticks: fc.integer({ min: 1, max: 100 }), follows: fc.boolean() });

it('whatever the load, an autoscaler stays within its bounds, goes down by half at most, and repeats nothing', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 0, max: 12 }),
      fc.integer({ min: 1, max: 30 }),
      fc.array(phase, { minLength: 1, maxLength: 8 }),
      (minInstances, more, first, phases) => {
        const maxInstances = minInstances + more;
        const autoscaler = new Autoscaler({ minInstances, maxInstances });
        let instances = first;
        let at = 0;
        /** The last time that more were wanted, and how many. Somebody else may have started even more. */
        let up = { at: Number.NEGATIVE_INFINITY, to: 0 };
        for (const { sample, ticks, follows } of phases) {
          let told: number | undefined;
          for (let tick = 0; tick < ticks; tick++) {
            at += 2_000;
            const from = instances + sample.starting;
            const recommendation = autoscaler.observe({ ...sample, instances }, at);
            if (recommendation === undefined) continue;
            const { direction, to } = recommendation;
            expect(recommendation).toMatchObject({ from, recommendedInstances: to });
            expect(to).toBe(autoscaler.recommendedInstances);
            if (direction === 'up') {
              expect(to).toBeGreaterThan(from);
              expect(to).toBeGreaterThanOrEqual(minInstances);
              expect(to).toBeLessThanOrEqual(maxInstances);
              up = { at, to };
            } else {
              expect(to).toBeLessThan(from);
              expect(to).toBeGreaterThanOrEqual(Math.max(minInstances, Math.ceil(from / 2)));
              if (at - up.at < 120_000) expect(to).toBeGreaterThanOrEqual(up.to);
            }
            if (follows) instances = Math.max(1, to - sample.starting);
            else {
              expect(to).not.toBe(told);
              told = to;
            }
          }
        }
      },
    ),
    { numRuns: 300 },
  );
});

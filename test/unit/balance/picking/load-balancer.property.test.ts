import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CallOutcome, ChosenBackend } from '../../../../src/balance/balance.ts';
import { ALGORITHMS } from '../../../../src/balance/picking/options.ts';
import { balancerWith, countOf, pickMany } from './rig.ts';

const id = fc.constantFrom('a', 'b', 'c', 'd', 'e');
const outcome = fc.constantFrom<CallOutcome>('success', 'failure', 'unknown');
const share = fc.double({ min: 0, max: 1, noNaN: true });
const step = fc.oneof(
  fc.record({ kind: fc.constant('add' as const), id, weight: fc.integer({ min: 1, max: 5 }) }),
  fc.record({ kind: fc.constant('remove' as const), id }),
  fc.record({ kind: fc.constant('drain' as const), id }),
  fc.record({ kind: fc.constant('report' as const), id, cpu: share, memory: share }),
  fc.record({ kind: fc.constant('pick' as const), exclude: fc.uniqueArray(id, { maxLength: 3 }) }),
  fc.record({ kind: fc.constant('settle' as const), at: fc.nat(), outcome, times: fc.integer({ min: 1, max: 2 }) }),
  fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 20_000 }) }),
);
const algorithm = fc.constantFrom(...ALGORITHMS);

describe('a balancer, whatever happens to its backends', () => {
  it('chooses what may be chosen, whenever there is any, and counts what is in flight', () => {
    fc.assert(
      fc.property(algorithm, fc.nat(), fc.array(step, { maxLength: 120 }), (algorithm, seed, steps) => {
        const { balancer, clock } = balancerWith({}, { algorithm, slowStartMs: 10_000 }, seed);
        const draining = new Map<string, boolean>();
        const flights: { readonly chosen: ChosenBackend; readonly of: object }[] = [];
        /** One record for each life of a backend: calls of an earlier life are none of the next. */
        const lives = new Map<string, object>();
        for (const step of steps) {
          if (step.kind === 'add') {
            balancer.add(step.id, { weight: step.weight });
            if (!lives.has(step.id)) lives.set(step.id, {});
            draining.set(step.id, false);
          } else if (step.kind === 'remove') {
            balancer.remove(step.id);
            lives.delete(step.id);
            draining.delete(step.id);
          } else if (step.kind === 'drain') {
            if (!lives.has(step.id)) continue;
            balancer.drain(step.id);
            draining.set(step.id, true);
          } else if (step.kind === 'report') balancer.report(step.id, step);
          else if (step.kind === 'wait') clock.advance(step.ms);
          else if (step.kind === 'settle') {
            const [flight] = flights.splice(step.at % Math.max(1, flights.length), 1);
            for (let time = 0; time < step.times; time++) flight?.chosen.settle(step.outcome);
          } else {
            const exclude = new Set<string>(step.exclude);
            const chosen = balancer.pick({ exclude });
            const healthy = balancer.getStatistics().instances.filter(({ state }) => state === 'healthy');
            if (chosen === undefined) expect(healthy.filter((each) => !exclude.has(each.id))).toEqual([]);
            else {
              expect(exclude.has(chosen.id)).toBe(false);
              expect(draining.get(chosen.id)).toBe(false);
              flights.push({ chosen, of: lives.get(chosen.id) as object });
            }
          }
          for (const { id, connections } of balancer.getStatistics().instances)
            expect(connections).toBe(flights.filter(({ of }) => of === lives.get(id)).length);
        }
        balancer.close();
        for (const { chosen } of flights) chosen.settle('failure');
        expect(balancer.getStatistics().instances.every(({ connections }) => connections === 0)).toBe(true);
        expect(clock.timers).toBe(0);
      }),
      { numRuns: 300 },
    );
  });
});

const weights = fc.dictionary(id, fc.integer({ min: 1, max: 9 }), { minKeys: 1 });

describe('weights', () => {
  it('are what backends get of a round', () => {
    fc.assert(
      fc.property(weights, fc.nat(), (weights, seed) => {
        const { balancer } = balancerWith(weights, { algorithm: 'weighted-round-robin' }, seed);
        const round = Object.values(weights).reduce((sum, weight) => sum + weight, 0);
        expect(countOf(pickMany(balancer, 3 * round))).toEqual(
          Object.fromEntries(Object.entries(weights).map(([id, weight]) => [id, 3 * weight])),
        );
      }),
    );
  });

  it('are what backends have in flight', () => {
    fc.assert(
      fc.property(weights, fc.nat(), fc.integer({ min: 1, max: 5 }), (weights, seed, each) => {
        const { balancer } = balancerWith(weights, { algorithm: 'least-connections' }, seed);
        const round = Object.values(weights).reduce((sum, weight) => sum + weight, 0);
        pickMany(balancer, each * round, false);
        for (const { connections, weight } of balancer.getStatistics().instances)
          expect(Math.abs(connections - each * weight)).toBeLessThanOrEqual(weight);
      }),
    );
  });
});

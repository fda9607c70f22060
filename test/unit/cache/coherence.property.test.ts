import fc from 'fast-check';
import { expect, it } from 'vitest';
import { seededRandom } from '../../../src/kernel/random.ts';
import { FakeClock } from '../../../src/testing/testing.ts';
import { CoherenceModel, type ModelCall } from './coherence-model.ts';
import type { TierCall, TierFate } from './fake-tier.ts';

const at = fc.nat(5);
/** Most of what happens is about few values, so that it meets. */
const which = fc.oneof({ weight: 4, arbitrary: fc.nat(1) }, { weight: 1, arbitrary: fc.nat(14) });
const how = fc.nat(2);
const fate = fc.constantFrom<TierFate>(
  'answer',
  'answer',
  'answer',
  'fail',
  'hold',
  'hold-answer',
  'hold-answer',
  'hang',
);
const mostly = fc.nat(2).map((n) => n > 0);
const only = fc.constantFrom<TierCall | undefined>(undefined, 'read', 'write', 'append', 'log', 'lock', 'unlock');

/** Most calls follow one another at once, so that what they begin is under way together. */
const pause = fc.constantFrom(undefined, undefined, undefined, 0, 0, 1, 20, 60, 150);

const call: fc.Arbitrary<ModelCall> = fc.oneof(
  { weight: 20, arbitrary: fc.tuple(fc.constant('read'), at, which) },
  { weight: 3, arbitrary: fc.tuple(fc.constant('write'), which) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('invalidate'), at, which, how) },
  { weight: 5, arbitrary: fc.tuple(fc.constant('change'), at, which, how) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('put'), at, which) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('setDatabase'), fc.boolean(), fc.boolean()) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('finishComputing'), fc.integer({ min: 1, max: 4 })) },
  { weight: 3, arbitrary: fc.tuple(fc.constant('setFate'), at, fate, only) },
  { weight: 4, arbitrary: fc.tuple(fc.constant('release'), at, fc.nat(5)) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('connect'), at, mostly) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('deafen'), at, fc.boolean()) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('lose'), fc.nat(4)) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('rollBack'), fc.nat(3), fc.tuple(mostly, mostly, mostly)) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('missAll'), at, which, how, fc.nat(9)) },
);
const runs = fc.record({
  instances: fc.constantFrom(1, 2, 2, 3),
  seed: fc.nat(),
  calls: fc.array(fc.tuple(call, pause), { minLength: 45, maxLength: 75, size: 'max' }),
});

/** `SEED=... npx vitest run ...` repeats a run. */
const SEED = process.env.SEED === undefined ? {} : { seed: Number(process.env.SEED) };

it('answers neither what was invalidated before a read began, nor what is another principal’s', async () => {
  let reads = 0;
  let hits = 0;
  const property = fc.asyncProperty(runs, async ({ instances, seed, calls }) => {
    const model = new CoherenceModel(new FakeClock(), instances, seededRandom(seed));
    await model.step(0);
    for (const [one, ms] of calls) {
      await model.run(one);
      if (ms !== undefined) await model.step(ms);
      if (model.faults.length > 0) break;
    }
    if (model.faults.length === 0) await model.heal();
    reads += model.reads;
    hits += model.hits;
    expect(model.faults).toEqual([]);
  });
  await fc.assert(property, { numRuns: 1_000, ...SEED });
  expect(hits / reads).toBeGreaterThan(0.25); // Else it would have shown nothing.
});

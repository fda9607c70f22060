import { describe, expect, it } from 'vitest';
import { exponential } from '../../../../bench/scale-model/chance.ts';
import { EventQueue } from '../../../../bench/scale-model/event-queue.ts';
import { LoadBalancer } from '../../../../src/balance/balance.ts';
import { ALGORITHMS } from '../../../../src/balance/picking/options.ts';
import { seededRandom } from '../../../../src/kernel/random.ts';

interface Call {
  readonly atS: number;
  readonly id: string;
  readonly failed: boolean;
}

/** 16 backends under 400 calls a second of 20 ms each. Two of them fail at once from the 20th to the 60th second; one drains after 90. */
function run(algorithm: (typeof ALGORITHMS)[number], seed: number): readonly Call[] {
  const clock = new EventQueue();
  const random = seededRandom(seed);
  const balancer = new LoadBalancer({ algorithm, clock, random: seededRandom(seed + 1) });
  for (let at = 0; at < 16; at++) balancer.add(`b${at}`);
  const calls: Call[] = [];
  const isBroken = (id: string): boolean =>
    (id === 'b3' || id === 'b7') && clock.now() >= 20_000 && clock.now() < 60_000;
  clock.after(90_000, () => balancer.drain('b11'));
  const arrive = (): void => {
    const chosen = balancer.pick();
    if (chosen === undefined) throw new Error('nothing was chosen');
    const failed = isBroken(chosen.id);
    calls.push({ atS: clock.now() / 1_000, id: chosen.id, failed });
    clock.after(failed ? 0.1 : exponential(20, random), () => chosen.settle(failed ? 'failure' : 'success'));
    clock.after(exponential(2.5, random), arrive);
  };
  arrive();
  clock.run(180_000);
  return calls;
}

const inSeconds = (calls: readonly Call[], from: number, to: number, id?: string): number =>
  calls.filter((call) => call.atS >= from && call.atS < to && (id === undefined || call.id === id)).length;

describe.each(ALGORITHMS)('two of 16 backends that fail at once: %s', (algorithm) => {
  it.each([1, 2, 3])('are left alone, and come back: seed %i', (seed) => {
    const calls = run(algorithm, seed);
    // Five failures each, out for 30 s, five more, out for 60 s: by then they work again.
    const failures = calls.filter(({ failed }) => failed);
    expect(failures.length).toBeGreaterThanOrEqual(10);
    expect(failures.length).toBeLessThanOrEqual(24);
    // Most of the time nothing fails at all.
    expect(new Set(failures.map(({ atS }) => Math.floor(atS))).size).toBeLessThan(16);
    for (const id of ['b3', 'b7']) {
      const back = calls.find((call) => call.id === id && call.atS > 80)?.atS ?? 0;
      expect(back).toBeGreaterThan(100);
      expect(back).toBeLessThan(130);
      const all = inSeconds(calls, back + 12, back + 40) / 15;
      expect(inSeconds(calls, back + 12, back + 40, id)).toBeGreaterThan(0.7 * all);
      // Slowly at first.
      expect(inSeconds(calls, back, back + 1, id)).toBeLessThan((0.7 * inSeconds(calls, back, back + 1)) / 15);
    }
  });

  it('and nothing is chosen that drains', () => {
    const calls = run(algorithm, 4);
    expect(inSeconds(calls, 80, 90, 'b11')).toBeGreaterThan(100);
    expect(inSeconds(calls, 90, 180, 'b11')).toBe(0);
  });
});

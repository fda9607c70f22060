import { describe, expect, it } from 'vitest';
import { Pace } from '../../bench/harness/pace.ts';

/** Plays 60 measurements of `fixedMs + scale * workMs` each; the time all of them took. */
function play(pace: Pace, fixedMs: number, workMs: number): number {
  let totalMs = 0;
  for (let i = 0; i < 60; i++) {
    const measuredMs = pace.scale * workMs;
    totalMs += fixedMs + measuredMs;
    pace.took(fixedMs + measuredMs, measuredMs);
  }
  return totalMs;
}

describe('Pace', () => {
  it('leaves the limits alone while there is time', () => {
    const pace = new Pace(200_000, 60);
    expect(play(pace, 1_000, 2_000)).toBe(180_000);
    expect(pace.least).toBe(1);
  });

  it('keeps the budget on a busy machine', () => {
    const pace = new Pace(200_000, 60);
    expect(play(pace, 2_000, 3_000)).toBeCloseTo(200_000, -1);
    expect(pace.least).toBeCloseTo(0.435, 2);
  });

  it('never goes below 0.3, even when the budget cannot be kept', () => {
    const pace = new Pace(10_000, 60);
    expect(play(pace, 2_000, 3_000)).toBeGreaterThan(10_000);
    expect(pace.least).toBe(0.3);
  });
});

import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../src/kernel/random.ts';
import {
  type LoadSummary,
  parseDuration,
  parseMix,
  parseStages,
  parseThreshold,
  Schedule,
  stagesOf,
  withWarmUp,
} from '../../../src/load/load.ts';
import { createChooser } from '../../../src/load/mix.ts';

describe('parseMix', () => {
  it('reads names and weights', () => {
    expect(parseMix('search=8, tools/list=0.5,ping')).toEqual([
      { name: 'search', weight: 8 },
      { name: 'tools/list', weight: 0.5 },
      { name: 'ping', weight: 1 },
    ]);
  });

  it.each([
    ['', '"" is not NAME=WEIGHT'],
    ['a=b', '"a=b" is not NAME=WEIGHT'],
    ['a=1,,b', '"" is not NAME=WEIGHT'],
    ['a=0,b=0', 'all weights are 0'],
    ['a,b,a', '"a" stands twice in it'],
  ])('refuses %j', (text, message) => {
    expect(() => parseMix(text)).toThrow(message);
  });

  it('is chosen from by weight', () => {
    const choose = createChooser([8, 0, 2], seededRandom(1));
    const draws = Array.from({ length: 10_000 }, choose);
    expect(draws).not.toContain(1);
    expect(draws.filter((index) => index === 0).length / 10_000).toBeCloseTo(0.8, 1);
  });
});

describe('stages', () => {
  it.each([
    ['500ms', 500],
    ['30', 30_000],
    ['2.5s', 2_500],
    ['5m', 300_000],
  ])('reads %s', (text, ms) => expect(parseDuration(text)).toBe(ms));

  it.each(['', 'soon', '5d', '-1s'])('refuses the time %j', (text) => {
    expect(() => parseDuration(text)).toThrow('is not a time such as');
  });

  it('follow a list, evenly from a level to another', () => {
    const schedule = new Schedule(withWarmUp(parseStages('10s:100,20s:100-1000'), 2_000));
    expect([schedule.totalMs, schedule.countedFromMs, schedule.peak]).toEqual([32_000, 2_000, 1_000]);
    expect([0, 5_000, 12_000, 22_000, 31_999, 32_000].map((at) => Math.round(schedule.at(at)))).toEqual([
      100, 100, 100, 550, 1_000, 0,
    ]);
  });

  it.each(['10s', '10s:many', '0s:5'])('refuses the list %j', (text) => {
    expect(() => parseStages(text)).toThrow(RangeError);
  });

  it('of a stress profile rise in steps to the peak', () => {
    const levels = stagesOf({ profile: 'stress', peak: 2_000, durationMs: 120_000 }).map(({ from, to, ms }) => [
      from,
      to,
      ms,
    ]);
    expect(levels[0]).toEqual([250, 250, 15_000]);
    expect(levels.at(-1)).toEqual([2_000, 2_000, 15_000]);
  });

  it('of a ramp rise for four fifths of the time', () => {
    expect(stagesOf({ profile: 'ramp', peak: 80, durationMs: 10_000 })).toEqual([
      { ms: 8_000, from: 10, to: 80, counts: true },
      { ms: 2_000, from: 80, to: 80, counts: true },
    ]);
  });
});

describe('parseThreshold', () => {
  const run = {
    latency: { p99Us: 51_000, meanUs: 900 },
    answersPerSecond: 990,
    errorShare: 0.002,
  } as unknown as LoadSummary;

  it.each([
    ['p99>50ms', 'p99 is 51.0 ms'],
    ['p99 > 0.05s', 'p99 is 51.0 ms'],
    ['rps<1000', 'rps is 990.0'],
    ['errors>0.1%', 'errors is 0.200 %'],
    ['p99>51ms', undefined],
    ['avg>900us', undefined],
    ['errors>0.2%', undefined],
  ])('%s', (text, found) => {
    expect(parseThreshold(text).check(run)).toBe(found);
  });

  it.each([
    ['p99', 'is not FIGURE>VALUE'],
    ['p98>5ms', '"p98" is none of avg, min'],
    ['p99>5', 'p99 is compared in us, ms, s'],
    ['rps<5ms', 'rps is compared without a unit'],
    ['errors>5', 'errors is compared in %'],
  ])('refuses %j', (text, message) => {
    expect(() => parseThreshold(text)).toThrow(message);
  });
});

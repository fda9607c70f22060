import { describe, expect, it } from 'vitest';
import { OptionError } from '../../../src/kernel/errors.ts';
import { seededRandom } from '../../../src/kernel/random.ts';
import { RateLimiter } from '../../../src/limit/limit.ts';
import { FakeClock } from '../../../src/testing/testing.ts';

describe('RateLimiter', () => {
  it('lets a burst through, then one at a time exactly when it is due', () => {
    const clock = new FakeClock();
    const limiter = new RateLimiter({ requestsPerSecond: 3, burst: 2, clock });
    expect([limiter.take(), limiter.take(), limiter.take()]).toEqual([0, 0, 334]);
    clock.advance(333);
    expect(limiter.take()).toBe(1);
    clock.advance(1);
    expect(limiter.take()).toBe(0);
    clock.advance(3_600_000);
    expect([limiter.take(), limiter.take(), limiter.take()]).toEqual([0, 0, 334]);
  });

  it('loses nothing to fractions: 7 a second for an hour', () => {
    const clock = new FakeClock();
    const limiter = new RateLimiter({ requestsPerSecond: 7, burst: 1, clock });
    let taken = 0;
    for (let ms = 0; ms < 3_600_000; ms += 10) {
      if (limiter.take() === 0) taken++;
      clock.advance(10);
    }
    // A bucket of one token loses what comes while it is full: the steps of 10 ms decide, and they are exact.
    expect(taken).toBe(3_600_000 / 150);
  });

  it.each([1, 2, 3])('agrees with a list of all that was taken, seed %i', (seed) => {
    const random = seededRandom(seed);
    const clock = new FakeClock();
    const [rate, burst] = [1 + Math.floor(random() * 50), 1 + Math.floor(random() * 20)];
    const limiter = new RateLimiter({ requestsPerSecond: rate, burst, clock });
    const taken: number[] = [];
    /** Within any time up to now, no more than the burst and what the rate brings in it. */
    const mayTake = (now: number): boolean =>
      taken.every((from, index) => (taken.length - index + 1) * 1_000 <= burst * 1_000 + (now - from) * rate);
    for (let step = 0; step < 3_000; step++) {
      clock.advance(Math.floor(random() * (2_000 / rate)));
      const expected = mayTake(clock.now());
      const waitMs = limiter.take();
      expect(waitMs === 0).toBe(expected);
      if (expected) taken.push(clock.now());
      if (waitMs > 0 && random() < 0.2) {
        clock.advance(waitMs - 1);
        expect(limiter.waitMs()).toBe(1);
        clock.advance(1);
        expect(limiter.waitMs()).toBe(0);
      }
    }
  });

  it('keeps keys apart, and forgets the one not seen for longest', () => {
    const clock = new FakeClock();
    const limiter = new RateLimiter({ requestsPerSecond: 1, maxKeys: 2, clock });
    expect([limiter.take('a'), limiter.take('b'), limiter.take('a')]).toEqual([0, 0, 1_000]);
    expect(limiter.take('c')).toBe(0);
    expect(limiter.size).toBe(2);
    expect([limiter.take('a'), limiter.take('b')]).toEqual([1_000, 0]);
  });

  it('checks its options', () => {
    for (const options of [
      { requestsPerSecond: 0 },
      { requestsPerSecond: 1, burst: 0 },
      { requestsPerSecond: 1, maxKeys: 0 },
    ])
      expect(() => new RateLimiter(options)).toThrow(OptionError);
  });
});

import { describe, expect, it } from 'vitest';
import { OptionError } from '../../../src/kernel/errors.ts';
import { batch, debounce } from '../../../src/limit/limit.ts';
import { FakeClock } from '../../../src/testing/testing.ts';

describe('debounce', () => {
  it('works once, after the last of the calls, with its arguments', () => {
    const clock = new FakeClock();
    const seen: number[] = [];
    const call = debounce((value: number) => void seen.push(value), { waitMs: 50, clock });
    for (const value of [1, 2, 3]) {
      call(value);
      clock.advance(49);
    }
    expect(seen).toEqual([]);
    clock.advance(1);
    expect(seen).toEqual([3]);
    expect(clock.timers).toBe(0);
  });

  it('waits no longer than the longest wait', () => {
    const clock = new FakeClock();
    const at: number[] = [];
    const call = debounce(() => void at.push(clock.now()), { waitMs: 50, maxWaitMs: 120, clock });
    for (let ms = 0; ms < 300; ms += 30) {
      call();
      clock.advance(30);
    }
    expect(at).toEqual([120, 240]);
  });

  it('works at once when it is told to, or never', () => {
    const clock = new FakeClock();
    const seen: string[] = [];
    const call = debounce((text: string) => void seen.push(text), { waitMs: 50, clock });
    call('now');
    call.flush();
    call('never');
    call.cancel();
    call.flush();
    clock.advance(1_000);
    expect(seen).toEqual(['now']);
  });

  it('checks its options', () => {
    expect(() => debounce(() => {}, { waitMs: 0 })).toThrow(OptionError);
    expect(() => debounce(() => {}, { waitMs: 10, maxWaitMs: 5 })).toThrow(OptionError);
    expect(() => debounce('work' as never, { waitMs: 10 })).toThrow(OptionError);
  });
});

describe('batch', () => {
  it('collects for a while, and answers each its own, equal ones too', async () => {
    const clock = new FakeClock();
    const runs: (readonly number[])[] = [];
    const square = batch(
      (items: readonly number[]) => {
        runs.push(items);
        return items.map((item) => item * item);
      },
      { maxWaitMs: 10, clock },
    );
    const first = [square(2), square(3), square(2)];
    clock.advance(9);
    first.push(square(4));
    clock.advance(1);
    expect(await Promise.all(first)).toEqual([4, 9, 4, 16]);
    expect(runs).toEqual([[2, 3, 2, 4]]);
  });

  it('does not wait once there are enough', async () => {
    const clock = new FakeClock();
    const sizes: number[] = [];
    const add = batch((items: readonly string[]) => items.map(() => sizes.push(items.length)), { maxItems: 2, clock });
    await Promise.all(['a', 'b', 'c', 'd'].map(add));
    expect(sizes).toEqual([2, 2, 2, 2]);
    expect(clock.timers).toBe(0);
  });

  it('fails each item of a run that fails, or that answers too few', async () => {
    const clock = new FakeClock();
    const fails = batch(() => Promise.reject(new Error('no')), { maxItems: 2, clock });
    const results = await Promise.allSettled([fails('a'), fails('b')]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    const short = batch((_: readonly string[]) => ['one'], { maxItems: 2, clock });
    await expect(Promise.all([short('a'), short('b')])).rejects.toThrow('1 results for 2 items');
  });
});

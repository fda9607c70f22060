import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../src/testing/testing.ts';

function start() {
  const clock = new FakeClock(Date.UTC(2026, 0, 1));
  const log: string[] = [];
  const note = (name: string) => () => void log.push(`${name}@${clock.now()}`);
  return { clock, log, note };
}

describe('FakeClock', () => {
  it('stands still until it is moved', () => {
    const { clock } = start();
    expect([clock.now(), clock.wallNow()]).toEqual([0, Date.UTC(2026, 0, 1)]);
    clock.advance(1_500);
    expect([clock.now(), clock.wallNow()]).toEqual([1_500, Date.UTC(2026, 0, 1, 0, 0, 1, 500)]);
  });

  it('runs due timers in order, each at its time', () => {
    const { clock, log, note } = start();
    clock.after(30, note('c'));
    clock.after(10, note('a'));
    clock.after(20, note('b'));
    clock.after(20, note('b2'));
    clock.after(31, note('d'));
    clock.advance(30);
    expect(log).toEqual(['a@10', 'b@20', 'b2@20', 'c@30']);
    expect(clock.timers).toBe(1);
    clock.advance(1);
    expect(log.at(-1)).toBe('d@31');
  });

  it('runs what a timer sets when it falls due on the way', () => {
    const { clock, log, note } = start();
    clock.after(10, () => clock.after(5, note('inner')));
    clock.after(12, note('between'));
    clock.advance(20);
    expect(log).toEqual(['between@12', 'inner@15']);
  });

  it('repeats until it is cancelled, also from inside', () => {
    const { clock, log, note } = start();
    const cancel = clock.every(10, note('tick'));
    let count = 0;
    const cancelOther = clock.every(10, () => {
      if (++count === 2) cancelOther();
    });
    clock.advance(35);
    cancel();
    cancel();
    clock.advance(100);
    expect(log).toEqual(['tick@10', 'tick@20', 'tick@30']);
    expect([count, clock.timers]).toEqual([2, 0]);
  });

  it('does not run what was cancelled', () => {
    const { clock, log, note } = start();
    const cancel = clock.after(10, note('never'));
    clock.after(5, cancel);
    clock.advance(20);
    expect(log).toEqual([]);
  });

  it('runs timers without delay at the next advance, even of nothing', () => {
    const { clock, log, note } = start();
    clock.after(0, note('now'));
    clock.after(-5, note('late'));
    expect(log).toEqual([]);
    clock.advance(0);
    expect(log).toEqual(['now@0', 'late@0']);
  });

  it('does not go back', () => {
    const { clock } = start();
    expect(() => clock.advance(-1)).toThrow(RangeError);
    expect(() => clock.advance(Number.NaN)).toThrow(RangeError);
    expect(() => clock.every(0, () => {})).toThrow(RangeError);
  });
});

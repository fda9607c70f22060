import { describe, expect, it } from 'vitest';
import {
  bytes,
  bytesPerSecond,
  count,
  duration,
  milliseconds,
  percent,
  perSecond,
  text,
} from '../../../dashboard/src/format.ts';

describe('numbers on the page', () => {
  it('have about three digits', () => {
    const numbers = [0, 0.0042, 0.42, 0.999, 1, 4.04, 42.16, 99.96, 421.4, 4_213, 42_130, 421_300, 4_213_000, 4.2e9];
    expect(numbers.map((number) => text(count, number))).toEqual([
      ...['0', '0.00', '0.42', '1.0', '1', '4.0', '42.2', '100', '421', '4,213', '42,130', '421k', '4.2M', '4.2G'],
    ]);
  });

  it('have their unit, and are a dash where there are none', () => {
    expect([
      text(perSecond, 12.34),
      text(percent, 5),
      text(milliseconds, 0.5),
      text(milliseconds, 999),
      text(milliseconds, 1_500),
      text(bytes, 0),
      text(bytes, 1_500),
      text(bytes, 150_000_000),
      text(bytes, 5e15),
      text(bytesPerSecond, 2_500_000),
    ]).toEqual([
      ...['12.3/s', '5 %', '0.50 ms', '999 ms', '1.50 s', '0 B', '1.5 kB', '150 MB', '5,000 TB', '2.5 MB/s'],
    ]);
    for (const none of [null, undefined, Number.NaN]) expect(text(milliseconds, none)).toBe('–');
  });

  it('say how long something takes in two units', () => {
    expect([-5, 0, 59_999, 250_000, 7_500_000, 273_600_000].map(duration)).toEqual([
      ...['0 s', '0 s', '59 s', '4 min 10 s', '2 h 5 min', '3 d 4 h'],
    ]);
  });
});

import { performance as monotonic } from 'node:perf_hooks';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../../src/kernel/clock.ts';

describe('systemClock', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('runs once after a delay, unless cancelled', () => {
    const run = vi.fn();
    const cancelled = vi.fn();
    systemClock.after(100, run);
    const cancel = systemClock.after(100, cancelled);
    cancel();
    cancel();
    vi.advanceTimersByTime(99);
    expect(run).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1_000);
    expect(run).toHaveBeenCalledTimes(1);
    expect(cancelled).not.toHaveBeenCalled();
  });

  it('runs again and again until cancelled', () => {
    const run = vi.fn();
    const cancel = systemClock.every(100, run);
    vi.advanceTimersByTime(350);
    cancel();
    vi.advanceTimersByTime(1_000);
    expect(run).toHaveBeenCalledTimes(3);
  });

  it('tells monotonic time and wall time', () => {
    const wall = systemClock.wallNow();
    vi.advanceTimersByTime(250);
    expect(systemClock.wallNow() - wall).toBe(250);
    const before = monotonic.now();
    const now = systemClock.now();
    expect(now).toBeGreaterThanOrEqual(before);
    expect(now).toBeLessThanOrEqual(monotonic.now());
  });
});

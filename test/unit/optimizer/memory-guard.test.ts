import { describe, expect, it } from 'vitest';
import { MemoryGuard, type MemoryReading, resolvePerformance } from '../../../src/optimizer/optimizer.ts';
import { type MemoryEvent, Signal } from '../../../src/signal/signal.ts';
import { FakeClock } from '../../../src/testing/testing.ts';

interface Setting {
  /** What a collection leaves of the heap. */
  readonly alive?: () => number;
  readonly canCollect?: boolean;
  readonly isExposed?: boolean;
  readonly profile?: (number: number) => Promise<string>;
}

/** A guard of a heap of 100 bytes and a resident memory of 1_000. */
function rig({ alive, canCollect = true, isExposed = false, profile }: Setting = {}) {
  const clock = new FakeClock();
  const signal = new Signal<MemoryEvent>();
  const seen: string[] = [];
  signal.on(({ kind, state, file, error }) =>
    seen.push([kind, state, file ?? (error as Error)?.message].join(' ').trim()),
  );
  const at = { heap: 10, resident: 100, shed: false, freed: 0, collected: 0, reads: 0 };
  const options = resolvePerformance({
    memoryGuard: profile === undefined ? {} : { heapProfiles: { directory: '/nowhere', maxFiles: 2 } },
  }).memoryGuard;
  if (options === undefined) throw new Error('no guard');
  const collect = (): void => {
    at.collected++;
    if (alive !== undefined) at.heap = alive();
  };
  const guard = new MemoryGuard({
    options,
    clock,
    signal,
    read: (): MemoryReading => {
      at.reads++;
      return { heapUsed: at.heap, heapLimit: 100, resident: at.resident, residentLimit: 1_000 };
    },
    collector: {
      ifExposed() {
        if (isExposed) collect();
        return isExposed;
      },
      async always() {
        if (canCollect) collect();
        return canCollect;
      },
    },
    free: () => void at.freed++,
    shed(isShedding) {
      at.shed = isShedding;
    },
    profile,
  });
  guard.start();
  const settle = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 100) {
      clock.advance(100);
      for (let turn = 0; turn < 10; turn++) await Promise.resolve();
    }
  };
  return { clock, guard, at, seen, settle };
}

describe('the memory guard', () => {
  it('looks once a second, and does nothing while memory is fine', () => {
    const { clock, guard, at, seen } = rig();
    clock.advance(60_000);
    expect([at.reads, at.freed, at.shed, clock.timers]).toEqual([61, 0, false, 1]);
    expect(guard.report()).toMatchObject({ state: 'ok', pressure: 0.1, samples: 60, freed: 0, shed: 0 });
    expect(seen).toEqual([]);
    guard.stop();
    clock.advance(60_000);
    expect([at.reads, clock.timers]).toEqual([61, 0]);
  });

  it('frees memory when it has been above the threshold for two seconds, and again every ten seconds', () => {
    const { clock, guard, at, seen } = rig({ isExposed: true });
    at.heap = 80;
    clock.advance(1_000);
    expect(guard.state).toBe('ok');
    clock.advance(2_100);
    expect([guard.state, at.freed, at.collected, at.shed]).toEqual(['elevated', 1, 1, false]);
    clock.advance(9_000);
    expect(at.freed).toBe(1);
    clock.advance(1_000);
    expect(at.freed).toBe(2);
    expect(seen).toEqual(['state elevated', 'freed elevated', 'freed elevated']);
  });

  it('takes a peak for nothing, and lets go only well below the threshold', () => {
    const { clock, guard, at } = rig();
    for (const heap of [80, 80, 20, 80, 80, 20]) {
      at.heap = heap;
      clock.advance(1_000);
    }
    expect([guard.state, at.freed]).toEqual(['ok', 0]);
    at.heap = 80;
    clock.advance(5_000);
    at.heap = 70;
    clock.advance(60_000);
    expect(guard.state).toBe('elevated');
    at.heap = 60;
    clock.advance(5_000);
    expect(guard.state).toBe('ok');
  });

  it('looks more often while memory rises towards the threshold', () => {
    const { clock, at } = rig();
    at.heap = 50;
    clock.advance(1_000);
    at.reads = 0;
    clock.advance(100); // It rose by 40 in a second: fast, until it is seen to stand.
    expect(at.reads).toBe(1);
    clock.advance(10_000);
    expect(at.reads).toBe(11);
  });

  it('refuses work at the hard limit, until what is alive has fallen', async () => {
    let alive = 95;
    const { guard, at, settle, seen } = rig({ alive: () => alive });
    at.heap = 92;
    await settle(1_000);
    expect([guard.state, at.shed, at.collected, at.freed]).toEqual(['shedding', true, 1, 1]);
    alive = 85; // Not far enough.
    await settle(30_000);
    expect(guard.state).toBe('shedding');
    alive = 70;
    await settle(20_000);
    expect([guard.state, at.shed]).toEqual(['elevated', false]);
    expect(guard.report().shed).toBe(1);
    alive = 10;
    at.heap = 10;
    await settle(10_000);
    expect(seen.filter((event) => event.startsWith('state'))).toEqual(['state shedding', 'state elevated', 'state ok']);
  });

  it('lets work in at once where it was garbage alone', async () => {
    const { guard, at, settle } = rig({ alive: () => 85 });
    at.heap = 95;
    await settle(1_000);
    expect([guard.state, at.shed, at.collected]).toEqual(['elevated', false, 1]);
  });

  it('asks for collections at least five seconds apart', async () => {
    const { at, settle } = rig({ alive: () => 95 });
    at.heap = 95;
    for (let second = 0; second < 60; second++) await settle(1_000);
    expect(at.collected).toBe(12);
  });

  it('refuses nothing where no collection can be had, since it would never end', async () => {
    const { guard, at, settle } = rig({ canCollect: false });
    at.heap = 95;
    await settle(1_000);
    expect([guard.state, at.shed]).toEqual(['elevated', false]);
    await settle(60_000);
    expect([guard.state, at.shed]).toEqual(['elevated', false]);
  });

  it('watches the resident memory too', async () => {
    const { guard, at, settle } = rig();
    at.resident = 950;
    await settle(1_000);
    expect([guard.state, guard.pressure]).toEqual(['shedding', 0.95]);
    at.resident = 500;
    await settle(1_000);
    expect(at.shed).toBe(false);
  });

  it('lets work in when it is stopped', async () => {
    const { clock, guard, at, settle } = rig();
    at.heap = 95;
    await settle(1_000);
    guard.stop();
    expect([at.shed, clock.timers, guard.state]).toEqual([false, 0, 'ok']);
  });

  it('records so many profiles of the heap and no more', async () => {
    const profile = async (number: number) => {
      if (number === 2) throw new Error('disk full');
      return `heap-${number}`;
    };
    const { at, settle, seen } = rig({ profile });
    for (let rise = 0; rise < 4; rise++) {
      at.heap = 80;
      await settle(5_000);
      at.heap = 10;
      await settle(5_000);
    }
    expect(seen.filter((event) => event.startsWith('profile'))).toEqual([
      'profile elevated heap-1',
      'profile-failed elevated disk full',
    ]);
  });
});

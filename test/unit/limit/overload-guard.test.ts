import { describe, expect, it } from 'vitest';
import { OptionError } from '../../../src/kernel/errors.ts';
import { DelayControl } from '../../../src/limit/delay-control.ts';
import { OverloadGuard, resolveOverload } from '../../../src/limit/limit.ts';
import { type LimitEvent, Signal } from '../../../src/signal/signal.ts';
import { FakeClock } from '../../../src/testing/testing.ts';

const OPTIONS = { targetMs: 20, windowMs: 100 };

describe('DelayControl', () => {
  it('takes a delay for overload when it stays above the target for a window', () => {
    const told: boolean[] = [];
    const control = new DelayControl(OPTIONS, (overloaded) => void told.push(overloaded));
    for (const [at, delay] of [
      [0, 30],
      [50, 500],
      [99, 21],
    ] as const)
      control.observe(at, delay);
    expect(control.overloaded).toBe(false);
    control.observe(100, 21);
    expect(control.overloaded).toBe(true);
    control.observe(150, 20);
    expect(control.overloaded).toBe(false);
    expect(told).toEqual([true, false]);
  });

  it('begins anew after a delay at the target, so that one long call is no overload', () => {
    const control = new DelayControl(OPTIONS);
    for (let at = 0; at < 1_000; at += 90) {
      control.observe(at, 80);
      control.observe(at + 10, 20);
    }
    expect(control.overloaded).toBe(false);
  });

  it('is patient with everything outside an overload, then less and less, but never below the target', () => {
    const control = new DelayControl(OPTIONS);
    expect(control.patienceMs('list', 0)).toBe(Number.POSITIVE_INFINITY);
    control.observe(0, 30);
    control.observe(100, 30);
    const classes = ['list', 'retry', 'tool', 'essential', 'health'] as const;
    for (const after of [0, 500, 5_000, 500_000]) {
      const patience = classes.map((name) => control.patienceMs(name, 100 + after));
      expect(patience).toEqual(patience.toSorted((a, b) => a - b));
      expect(patience[0]).toBeGreaterThan(20);
    }
    expect(control.patienceMs('tool', 100)).toBe(400);
    expect(control.patienceMs('tool', 100 + 500 * 3)).toBe(20 + 380 / 2);
    expect(control.patienceMs('tool', 1e12)).toBeCloseTo(20, 1);
  });
});

/** A clock whose thread can be kept busy: its timers run late. */
class BusyClock extends FakeClock {
  #ahead = 0;
  override now(): number {
    return super.now() + this.#ahead;
  }
  burn(ms: number): void {
    this.#ahead += ms;
  }
}

function rig(options: Record<string, unknown> = {}) {
  const clock = new BusyClock();
  const signal = new Signal<LimitEvent>();
  const events: LimitEvent[] = [];
  signal.on((event) => void events.push(event));
  const resolved = resolveOverload({ maxInFlight: 1_000, ...options });
  const guard = new OverloadGuard({ options: resolved, clock, random: () => 0.5, signal });
  return { clock, guard, events };
}

describe('OverloadGuard', () => {
  it('bounds what is in flight, lists first and health checks never', () => {
    const { guard, events } = rig({ maxInFlight: 10 });
    for (let count = 0; count < 8; count++) expect(guard.enter('tool')).toBe(true);
    expect(guard.enter('list')).toBe(false);
    expect(guard.refused('tools/list')).toMatchObject({
      code: 'OVERLOADED',
      reason: 'in-flight',
      retryAfterMs: 1_500,
    });
    expect(guard.enter('retry')).toBe(true);
    expect(guard.enter('retry')).toBe(false);
    expect(guard.enter('tool')).toBe(true);
    expect(guard.enter('tool')).toBe(false);
    expect(guard.enter('health')).toBe(true);
    expect(guard.inFlight).toBe(11);
    guard.release();
    guard.release();
    expect(guard.enter('tool')).toBe(true);
    expect(events).toEqual([
      { kind: 'shed', reason: 'in-flight', shedClass: 'list', target: 'tools/list', delayMs: 0 },
    ]);
    expect(guard.statistics()).toMatchObject({ shed: { 'in-flight': 1 }, shedByClass: { list: 1, tool: 0 } });
  });

  it('has work wait inside the process only while the loop is late', () => {
    const { clock, guard } = rig();
    expect(guard.enter('tool')).toBe(true);
    expect(guard.turns.active).toBe(false);
    clock.burn(40);
    while (!guard.turns.active) expect(guard.enter('tool')).toBe(true);
    let waited = -1;
    guard.turns.add(() => {
      waited = guard.turns.waitedMs(clock.now());
      guard.enter('tool');
    });
    clock.burn(500);
    expect(guard.statistics().admitted).toBe(guard.inFlight);
    return new Promise<void>((resolve) => void setImmediate(resolve)).then(() => {
      expect(waited).toBe(500);
      expect(guard.turns.active).toBe(false);
    });
  });

  it('asks whether a call is a retry only when something is to be refused', () => {
    const { guard } = rig({ maxInFlight: 10 });
    let asked = 0;
    const retry = {
      get isRetry() {
        asked++;
        return true;
      },
    };
    for (let count = 0; count < 9; count++) expect(guard.enter('tool', retry)).toBe(true);
    expect(asked).toBe(0);
    expect(guard.enter('essential', retry)).toBe(true);
    guard.release();
    expect(asked).toBe(0);
    expect(guard.enter('tool', retry)).toBe(false);
    expect(guard.refused('t')).toMatchObject({ reason: 'in-flight' });
    expect(guard.enter('tool', { isRetry: false })).toBe(true);
    expect(guard.statistics()).toMatchObject({ admitted: 11, shedByClass: { retry: 1, tool: 0 } });
  });

  it('refuses the end of a crowd that comes at once and cannot be served in time', () => {
    const { clock, guard, events } = rig();
    let admitted = 0;
    for (let count = 0; count < 1_000; count++) {
      if (!guard.enter('tool')) continue;
      admitted++;
      clock.burn(5);
      guard.release();
    }
    expect(admitted).toBeGreaterThan(60);
    expect(admitted).toBeLessThan(85);
    expect(events.map(({ kind }) => kind)).toEqual(['overloaded']);
  });

  it('lets a crowd in whose work takes others time, not the thread', () => {
    const { guard } = rig();
    for (let count = 0; count < 700; count++) expect(guard.enter('tool')).toBe(true);
    expect(guard.statistics()).toMatchObject({ inFlight: 700, overloaded: false });
  });

  it('sets no timer while nothing comes', () => {
    const { clock, guard } = rig();
    expect(clock.timers).toBe(0);
    guard.enter('tool');
    guard.release();
    expect(clock.timers).toBe(1);
    clock.advance(40);
    expect(clock.timers).toBe(0);
    guard.enter('tool');
    expect(clock.timers).toBe(1);
    guard.close();
    expect(clock.timers).toBe(0);
  });

  it('refuses all but health checks while memory is short, from the next request on', () => {
    const { clock, guard, events } = rig();
    guard.enter('tool'); // There is credit now.
    guard.memoryShort = true;
    for (const shedClass of ['list', 'tool', 'essential'] as const) {
      expect(guard.enter(shedClass)).toBe(false);
      expect(guard.refused('x')).toMatchObject({
        reason: 'memory',
        message: expect.stringContaining('memory is short'),
      });
    }
    expect(guard.enter('health')).toBe(true);
    clock.advance(1_000); // A tick gives no credit either.
    expect(guard.enter('tool')).toBe(false);
    expect([guard.statistics().shed.memory, events.length]).toEqual([3, 3]);
    guard.memoryShort = false;
    expect(guard.enter('tool')).toBe(true);
    const off = rig({ shed: false }).guard;
    off.memoryShort = true;
    expect(off.enter('list')).toBe(true);
  });

  it('goes by a bound in flight that is changed', () => {
    const { guard } = rig({ maxInFlight: 10 });
    guard.maxInFlight = 2;
    expect([guard.enter('tool'), guard.enter('tool'), guard.enter('tool')]).toEqual([true, true, false]);
    guard.maxInFlight = 5;
    expect(guard.enter('tool')).toBe(true);
  });

  it('refuses nothing where that is switched off', () => {
    const { clock, guard } = rig({ shed: false, maxInFlight: 1 });
    for (let count = 0; count < 100; count++) expect(guard.enter('list')).toBe(true);
    expect(clock.timers).toBe(0);
  });
});

describe('resolveOverload', () => {
  it('takes the bound in flight from the memory', () => {
    const withMemory = (memoryBytes: number) =>
      resolveOverload(undefined, () => ({ cores: 2, memoryBytes })).maxInFlight;
    expect([2 ** 20, 512 * 2 ** 20, 32 * 2 ** 30].map(withMemory)).toEqual([64, 1_024, 65_536]);
  });

  it.each([
    [{ targetMs: 0 }, 'overload.targetMs'],
    [{ targetMs: 200 }, 'overload.targetMs'],
    [{ burst: 3 }, 'overload.burst'],
    [{ perPrincipal: { concurrency: 0 } }, 'overload.perPrincipal.concurrency'],
    [{ maxInflight: 3 }, 'overload.maxInflight'],
  ])('refuses %j', (options, name) => {
    expect(() => resolveOverload(options as object)).toThrow(expect.objectContaining({ option: name }));
    expect(() => resolveOverload(options as object)).toThrow(OptionError);
  });
});

import { afterEach, describe, expect, it, vi } from 'vitest';
import { resolveHardwareProfile } from '../../../src/kernel/hardware-profile.ts';
import {
  additiveIncrease,
  type BoundUse,
  type Conditions,
  type Law,
  PerformanceOptimizer,
  type Tunable,
} from '../../../src/optimizer/optimizer.ts';
import { FakeClock } from '../../../src/testing/testing.ts';

class Knob implements Tunable {
  readonly name: string;
  readonly min = 10;
  readonly max = 160;
  value = 100;
  used: number | undefined;

  constructor(name = 'knob', used?: number) {
    this.name = name;
    this.used = used;
  }

  apply(value: number): void {
    this.value = value;
  }
}

function rig(adaptive = true) {
  const clock = new FakeClock();
  const profile = resolveHardwareProfile({ cores: 2, memoryBytes: 2 ** 30 });
  return { clock, optimizer: new PerformanceOptimizer({ preset: 'auto', profile, clock, adaptive }) };
}

const alternating = (values: readonly number[]): Law => {
  let turn = 0;
  return { decide: () => ({ to: values[turn++ % values.length] as number, reason: 'by turns' }) };
};

afterEach(() => void vi.restoreAllMocks());

describe('the optimizer', () => {
  it('asks each law once in ten seconds, and keeps the last decisions', () => {
    const { clock, optimizer } = rig();
    const knob = new Knob();
    optimizer.add({ tunable: knob, law: alternating([20, 30]) });
    optimizer.start();
    clock.advance(9_999);
    expect(knob.value).toBe(100);
    clock.advance(1);
    expect(knob.value).toBe(20);
    clock.advance(990_000);
    const { decisions, ...rest } = optimizer.report().tunables.knob as { decisions: readonly object[] };
    expect(rest).toEqual({ value: 30, min: 10, max: 160 });
    expect(decisions).toHaveLength(32);
    expect(decisions.at(-1)).toEqual({
      at: Date.UTC(2026, 0, 1) + 1_000_000,
      tunable: 'knob',
      from: 20,
      to: 30,
      reason: 'by turns',
    });
    optimizer.stop();
    expect(clock.timers).toBe(0);
  });

  it('never leaves the bounds, whatever a law says', () => {
    const { clock, optimizer } = rig();
    const knob = new Knob();
    optimizer.add({ tunable: knob, law: alternating([1_000, -5, 20.4]) });
    optimizer.start();
    const values = Array.from({ length: 3 }, () => {
      clock.advance(10_000);
      return knob.value;
    });
    expect(values).toEqual([160, 10, 20]);
  });

  it('sets no timer without tunables or when it is not to adapt, and takes some later', () => {
    const { clock, optimizer } = rig();
    optimizer.start();
    expect(clock.timers).toBe(0);
    optimizer.add({ tunable: new Knob(), law: alternating([20]) });
    expect(clock.timers).toBe(1);
    const still = rig(false);
    still.optimizer.add({ tunable: new Knob(), law: alternating([20]) });
    still.optimizer.start();
    expect(still.clock.timers).toBe(0);
  });

  it('halves what holds memory, as far as it is in use', () => {
    const { optimizer } = rig(false);
    const [full, half, other] = [new Knob('full', 100), new Knob('half', 60), new Knob('other')];
    const restart = vi.fn();
    for (const tunable of [full, half, other]) optimizer.add({ tunable, law: { decide: () => undefined, restart } });
    optimizer.free();
    expect([full.value, half.value, other.value, restart.mock.calls.length]).toEqual([50, 30, 100, 2]);
    for (let count = 0; count < 9; count++) optimizer.free();
    expect(full.value).toBe(10);
    expect(optimizer.report().tunables.full?.decisions[0]).toMatchObject({
      from: 100,
      to: 50,
      reason: 'memory is short',
    });
  });

  it('goes on without a law that fails', () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const { clock, optimizer } = rig();
    const knob = new Knob('good');
    const law: Law = {
      decide() {
        throw new Error('broken');
      },
    };
    optimizer.add({ tunable: new Knob('bad'), law });
    optimizer.add({ tunable: knob, law: alternating([20]) });
    optimizer.start();
    clock.advance(30_000);
    expect(knob.value).toBe(20);
    expect(warn.mock.calls).toEqual([['tunable "bad": broken', 'PeregrineTunableError']]);
  });

  it.each<[string, Partial<Tunable>]>([
    ['tunable.name', { name: '' }],
    ['tunable.name', { name: 'taken' }],
    ['tunable.name', { name: 'a b' }],
    ['tunable "knob"', { name: 'knob', min: 200 }],
    ['tunable "knob"', { name: 'knob', min: 0.5 }],
  ])('refuses, naming %s, %j', (option, wrong) => {
    const { optimizer } = rig();
    const law = alternating([20]);
    optimizer.add({ tunable: new Knob('taken'), law });
    const tunable = { value: 100, min: 10, max: 160, name: 'fine', apply: () => {}, ...wrong };
    expect(() => optimizer.add({ tunable, law })).toThrow(expect.objectContaining({ option }));
  });
});

describe('a bound by memory', () => {
  const steps = (use: () => BoundUse, conditions: Conditions, count: number, knob = new Knob()): number[] => {
    const law = additiveIncrease(use);
    return Array.from({ length: count }, () => {
      const step = law.decide(knob, conditions);
      if (step !== undefined) knob.apply(step.to);
      return knob.value;
    });
  };
  const SHORT: Conditions = { memory: 'elevated', pressure: 0.8 };
  const CALM: Conditions = { memory: 'ok', pressure: 0.3 };

  it('falls by a quarter of what is under way while memory is short, not below its least', () => {
    const knob = new Knob();
    const inUse = () => ({ inUse: Math.min(80, knob.value), refused: 0 });
    expect(steps(inUse, SHORT, 3, knob)).toEqual([60, 45, 34]);
    expect(steps(inUse, SHORT, 20, knob).at(-1)).toBe(10);
    expect(steps(() => ({ inUse: 2, refused: 0 }), SHORT, 5)).toEqual([100, 100, 100, 100, 100]);
  });

  it('rises step by step while it refuses, and there is memory', () => {
    let refused = 0;
    const refusing = () => ({ inUse: 100, refused: refused++ });
    refused = 1;
    expect(steps(refusing, CALM, 8)).toEqual([110, 120, 130, 140, 150, 160, 160, 160]);
    expect(steps(refusing, { memory: 'ok', pressure: 0.65 }, 3)).toEqual([100, 100, 100]);
    expect(steps(() => ({ inUse: 100, refused: 5 }), CALM, 3)).toEqual([110, 110, 110]);
  });

  it('is frozen when nothing happens', () => {
    expect(new Set(steps(() => ({ inUse: 0, refused: 0 }), CALM, 100))).toEqual(new Set([100]));
  });
});

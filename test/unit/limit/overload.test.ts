import { describe, expect, it } from 'vitest';
import { type Phase, type SimulatedTool, simulate } from './simulation.ts';

const tool = (cpuMs: number, weight: number, more: Partial<SimulatedTool> = {}): SimulatedTool => ({
  shedClass: 'tool',
  cpuMs,
  waitMs: 0,
  weight,
  ...more,
});
const MIX = [tool(1, 60), tool(5, 30), tool(20, 10), tool(1, 20, { waitMs: 80 })];
const steady = (load: number, tools: readonly SimulatedTool[] = MIX): Phase[] => [{ forMs: 30_000, load, tools }];
const SEEDS = [1, 2, 3];

describe.each(SEEDS)('a server of one thread, seed %i', (seed) => {
  it.each([2, 4])('does what it can at %i times its capacity', (load) => {
    const { goodput, p99Ms } = simulate(steady(load), seed);
    expect(goodput).toBeGreaterThanOrEqual(0.95);
    expect(p99Ms).toBeLessThanOrEqual(700);
  });

  it('does nearly all that it can at its capacity', () => {
    const { goodput, p99Ms, shed, admitted } = simulate(steady(1), seed);
    expect(goodput).toBeGreaterThanOrEqual(0.93);
    expect(p99Ms).toBeLessThanOrEqual(700);
    expect(shed / (shed + admitted)).toBeLessThan(0.05);
  });

  it.each([0.3, 0.6, 0.8])('refuses nothing at %d of its capacity', (load) => {
    expect(simulate(steady(load), seed).shed).toBe(0);
  });

  it('refuses nothing when only the mix of tools changes', () => {
    const light = [tool(1, 95), tool(5, 5)];
    const heavy = [tool(5, 20), tool(25, 70), tool(40, 10)];
    const waiting = [tool(0.5, 100, { waitMs: 900 })];
    const phases = [light, heavy, light, waiting, heavy].map((tools) => ({ forMs: 8_000, load: 0.7, tools }));
    expect(simulate(phases, seed).shed).toBe(0);
  });

  it('collapses without control, so that this simulation can fail', () => {
    const { goodput, shed } = simulate(steady(4), seed, false);
    expect(shed).toBe(0);
    expect(goodput).toBeLessThan(0.1);
  });

  it('is itself again after an overload', () => {
    const phases = [0.5, 4, 0.5].map((load) => ({ forMs: 5_000, load, tools: MIX }));
    const { events } = simulate(phases, seed);
    expect(events.length).toBeGreaterThanOrEqual(2);
    expect(events.at(-1)?.kind).toBe('recovered');
  });

  it('refuses what matters least first', () => {
    const classes = ['list', 'retry', 'tool', 'essential', 'health'] as const;
    const mix = classes.map((shedClass) => tool(2, 1, { shedClass }));
    const { shedByClass, arrivedByClass } = simulate(steady(1.5, mix), seed);
    const shares = classes.map((name) => shedByClass[name] / arrivedByClass[name]);
    expect(shares).toEqual(shares.toSorted((a, b) => b - a));
    expect(shares[0]).toBeGreaterThan(0.6);
    expect(shares.at(-1)).toBe(0);
  });
});

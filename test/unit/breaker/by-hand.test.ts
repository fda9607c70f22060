import { describe, expect, it } from 'vitest';
import { OptionError } from '../../../src/kernel/errors.ts';
import { settle } from '../support/test-server.ts';
import { rigOf } from './rig.ts';

describe('open() by hand', () => {
  it('refuses calls for the reset timeout, then probes', async () => {
    const { clock, circuit, begin, steps } = rigOf();
    circuit.open();
    expect(begin()).toBeUndefined();
    expect(circuit.statistics()).toMatchObject({ state: 'open', opened: 1, retryAfterMs: 30_000 });
    clock.advance(30_000);
    await begin()?.succeed();
    expect(steps()).toEqual([
      'closed > open: by-hand',
      'open > half-open: reset-timeout',
      'half-open > closed: probe-succeeded',
    ]);
  });

  it('refuses calls for as long as it says', async () => {
    const { clock, circuit, begin, steps } = rigOf();
    circuit.open(50);
    clock.advance(49);
    circuit.open(Number.POSITIVE_INFINITY);
    clock.advance(1e9);
    expect(begin()).toBeUndefined();
    await expect(circuit.run(() => 1)).rejects.toMatchObject({
      message: 'circuit "db": no calls until closed by hand',
      retryAfterMs: Number.POSITIVE_INFINITY,
    });
    circuit.close();
    expect(begin()).toBeDefined();
    expect(steps()).toEqual(['closed > open: by-hand', 'open > closed: by-hand']);
  });

  it.each([0, -1, Number.NaN])('refuses a time of %s', (forMs) => {
    expect(() => rigOf().circuit.open(forMs)).toThrow(OptionError);
  });

  it('does not disturb calls on their way', async () => {
    const { circuit, begin } = rigOf();
    const call = begin();
    circuit.open();
    await call?.succeed('late but good');
    await expect(call?.result).resolves.toBe('late but good');
    expect(circuit.state).toBe('open');
  });

  it('overrules a probe', async () => {
    const { clock, circuit, begin } = rigOf();
    circuit.open();
    clock.advance(30_000);
    const probe = begin();
    circuit.open();
    await probe?.succeed();
    expect(circuit.state).toBe('open');
  });

  it('overrules a probe that is about to begin', async () => {
    const { clock, circuit, begin } = rigOf();
    circuit.changed.on(({ to }) => {
      if (to === 'half-open') circuit.open();
    });
    circuit.open();
    clock.advance(30_000);
    expect(begin()).toBeUndefined();
    await settle();
    expect(circuit.statistics()).toMatchObject({ state: 'open', refused: 1, retryAfterMs: 30_000 });
  });
});

describe('close() by hand', () => {
  it('lets calls through at once', async () => {
    const { circuit, begin, fail } = rigOf({ threshold: 2 });
    await fail(2);
    circuit.close();
    expect(begin()).toBeDefined();
    expect(begin()).toBeDefined();
  });

  it('forgets the failures in a row, without an event when it was closed', async () => {
    const { circuit, fail, events } = rigOf({ threshold: 2 });
    await fail();
    circuit.close();
    await fail();
    expect(circuit.state).toBe('closed');
    expect(events).toEqual([]);
  });

  it('overrules a probe', async () => {
    const { clock, circuit, begin } = rigOf({ threshold: 1 });
    circuit.open();
    clock.advance(30_000);
    const probe = begin();
    circuit.close();
    await probe?.fail();
    expect(circuit.statistics()).toMatchObject({ state: 'closed', failures: 1, failuresInRow: 0 });
  });
});

import { describe, expect, it, vi } from 'vitest';
import { createEngineSignals, Signal } from '../../../src/signal/signal.ts';
import { settle } from '../support/test-server.ts';

describe('Signal', () => {
  it('is active exactly while someone listens', () => {
    const signal = new Signal<number>();
    expect(signal.active).toBe(false);
    const offs = [signal.on(() => {}), signal.on(() => {})];
    expect(signal.active).toBe(true);
    offs[0]?.();
    expect(signal.active).toBe(true);
    offs[1]?.();
    expect(signal.active).toBe(false);
  });

  it('tells listeners in the order in which they came', () => {
    const signal = new Signal<string>();
    const heard: string[] = [];
    for (const name of ['one', 'two', 'three']) signal.on((event) => heard.push(`${name}:${event}`));
    signal.emit('a');
    signal.emit('b');
    expect(heard).toEqual(['one:a', 'two:a', 'three:a', 'one:b', 'two:b', 'three:b']);
  });

  it('tells a listener as often as it was added, and each subscription ends once', () => {
    const signal = new Signal<void>();
    const heard = vi.fn();
    const offs = [signal.on(heard), signal.on(heard)];
    signal.emit();
    expect(heard).toHaveBeenCalledTimes(2);
    offs[0]?.();
    offs[0]?.();
    signal.emit();
    expect(heard).toHaveBeenCalledTimes(3);
    offs[1]?.();
    expect(signal.active).toBe(false);
  });

  it('is not disturbed by listeners that come or go while it tells', () => {
    const signal = new Signal<number>();
    const heard: string[] = [];
    const off = signal.on(() => {
      heard.push('first');
      off();
      signal.on(() => heard.push('late'));
    });
    signal.on(() => heard.push('second'));
    signal.emit(1);
    expect(heard).toEqual(['first', 'second']);
    signal.emit(2);
    expect(heard).toEqual(['first', 'second', 'second', 'late']);
  });

  it.each([
    ['an error', new Error('of the listener')],
    ['a string', 'of the listener'],
    ['null', null],
    ['an object without a text', Object.create(null)],
  ])('turns what a listener throws into a warning: %s', async (_what, thrown) => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const signal = new Signal<number>();
    const heard = vi.fn();
    signal.on(() => {
      throw thrown;
    });
    signal.on(heard);
    signal.emit(7);
    await settle();
    expect(heard).toHaveBeenCalledWith(7);
    expect(warned).toHaveBeenCalledTimes(1);
    expect(warned.mock.calls[0]?.[1]).toBe('PeregrineListenerError');
    warned.mockRestore();
  });

  it('has a set of its own for each server', () => {
    const [one, two] = [createEngineSignals(), createEngineSignals()];
    one.request.on(() => {});
    expect(two.request.active).toBe(false);
    expect(Object.isFrozen(one)).toBe(true);
  });
});

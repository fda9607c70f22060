import { describe, expect, expectTypeOf, it, vi } from 'vitest';
import {
  type BreakerCall,
  Circuit,
  CircuitBreaker,
  CircuitBreakers,
  CircuitOpenError,
  CircuitTimeoutError,
} from '../../../src/breaker/breaker.ts';
import { type BreakerEvent, createEngineSignals } from '../../../src/signal/signal.ts';
import { FakeClock } from '../../../src/testing/testing.ts';
import { settle } from '../support/test-server.ts';
import { BROKEN } from './rig.ts';

describe('CircuitBreaker', () => {
  it('makes the call with the arguments of fire and nothing else', async () => {
    const call = vi.fn(async (a: number, b: number) => a + b);
    const breaker = new CircuitBreaker(call, { threshold: 5, timeout: 10_000, resetTimeout: 30_000 });
    await expect(breaker.fire(2, 3)).resolves.toBe(5);
    expect(call.mock.calls).toEqual([[2, 3]]);
  });

  it('has the types of its call', () => {
    const breaker = new CircuitBreaker(async (city: string, days?: number) => ({ city, days: days ?? 1 }));
    expectTypeOf(breaker.fire).parameters.toEqualTypeOf<[city: string, days?: number | undefined]>();
    expectTypeOf(breaker.fire).returns.toEqualTypeOf<Promise<{ city: string; days: number }>>();
    expectTypeOf(new CircuitBreaker(() => 5).fire).returns.toEqualTypeOf<Promise<number>>();
    const looking = new CircuitBreaker(async function (city: string) {
      expectTypeOf(this.signal).toEqualTypeOf<AbortSignal>();
      return city.length;
    });
    expectTypeOf(looking).toEqualTypeOf<CircuitBreaker<[city: string], number>>();
    // @ts-expect-error The fallback answers what the call does.
    new CircuitBreaker(async () => 5, { fallback: () => 'five' });
  });

  it('gives a call that asks for it a signal', async () => {
    const clock = new FakeClock();
    let seen: AbortSignal | undefined;
    const breaker = new CircuitBreaker(
      function (this: BreakerCall, _city: string) {
        seen = this.signal;
        return new Promise<never>(() => {});
      },
      { clock },
    );
    const result = breaker.fire('Oslo');
    clock.advance(10_000);
    await expect(result).rejects.toBeInstanceOf(CircuitTimeoutError);
    expect(seen?.aborted).toBe(true);
  });

  it('gives a call that asks late a signal that is aborted', async () => {
    const clock = new FakeClock();
    let call: BreakerCall | undefined;
    const breaker = new CircuitBreaker(
      function (this: BreakerCall) {
        call = this;
        return new Promise<never>(() => {});
      },
      { clock },
    );
    const error = breaker.fire().catch((thrown: unknown) => thrown);
    clock.advance(10_000);
    expect(call?.signal.reason).toBe(await error);
  });

  it('takes cancellation from the caller', async () => {
    const caller = new AbortController();
    const breaker = new CircuitBreaker((_city: string) => new Promise<string>(() => {}), { threshold: 1, timeout: 0 });
    const result = breaker.fireWith({ signal: caller.signal }, 'Oslo');
    caller.abort('enough');
    await expect(result).rejects.toBe('enough');
    expect(breaker.state).toBe('closed');
  });

  it('has the name of its call, unless it is given one', () => {
    const fetchWeather = async (): Promise<void> => {};
    expect(new CircuitBreaker(fetchWeather).name).toBe('fetchWeather');
    expect(new CircuitBreaker(fetchWeather, { name: 'weather' }).name).toBe('weather');
    expect(new CircuitBreaker(async () => {}).name).toBe('circuit');
  });

  it('guards other work with the same circuit', async () => {
    const breaker = new CircuitBreaker(async () => Promise.reject(BROKEN), { threshold: 2 });
    await expect(breaker.fire()).rejects.toBe(BROKEN);
    await expect(breaker.run(() => Promise.reject(BROKEN))).rejects.toBe(BROKEN);
    await expect(breaker.fire()).rejects.toBeInstanceOf(CircuitOpenError);
    await expect(breaker.run(() => 1)).rejects.toBeInstanceOf(CircuitOpenError);
  });
});

describe('the fallback', () => {
  const failing = (options = {}) => {
    const fallback = vi.fn((error: unknown, city: string) => `no weather in ${city}: ${(error as Error).name}`);
    const clock = new FakeClock();
    const call = vi.fn(async (_city: string): Promise<string> => Promise.reject(BROKEN));
    const breaker = new CircuitBreaker(call, { threshold: 2, fallback, clock, ...options });
    return { breaker, fallback, call, clock };
  };

  it('stands in for failed, refused and timed-out calls', async () => {
    const { breaker, call, clock } = failing();
    await expect(breaker.fire('Oslo')).resolves.toBe('no weather in Oslo: Error');
    call.mockImplementationOnce(() => new Promise(() => {}));
    const late = breaker.fire('Rome');
    clock.advance(10_000);
    await expect(late).resolves.toBe('no weather in Rome: CircuitTimeoutError');
    await expect(breaker.fire('Bern')).resolves.toBe('no weather in Bern: CircuitOpenError');
    expect(breaker.statistics()).toMatchObject({ state: 'open', fallbacks: 3, failures: 2, refused: 1 });
  });

  it('does not stand in for cancelled calls and for errors that are no failures', async () => {
    const { breaker, fallback, call } = failing({ isFailure: () => false });
    await expect(breaker.fire('Oslo')).rejects.toBe(BROKEN);
    call.mockImplementationOnce(() => new Promise(() => {}));
    const caller = new AbortController();
    const result = breaker.fireWith({ signal: caller.signal }, 'Oslo');
    caller.abort('enough');
    await expect(result).rejects.toBe('enough');
    expect(fallback).not.toHaveBeenCalled();
  });

  it('may fail itself', async () => {
    const { breaker, fallback } = failing();
    fallback.mockImplementation(() => {
      throw new TypeError('nothing left');
    });
    await expect(breaker.fire('Oslo')).rejects.toBeInstanceOf(TypeError);
    expect(breaker.statistics()).toMatchObject({ failures: 1, fallbacks: 1 });
  });

  it('can be given with the work', async () => {
    const circuit = new Circuit({ threshold: 1 });
    circuit.open();
    await expect(circuit.run(() => 1, { fallback: () => 2 })).resolves.toBe(2);
  });
});

describe('what counts as a failure', () => {
  class NotFound extends Error {}

  it('is up to isFailure: other errors show that the dependency answers', async () => {
    const isFailure = (error: unknown): boolean => !(error instanceof NotFound);
    const circuit = new Circuit({ threshold: 2, isFailure });
    const fail = (error: Error) => circuit.run(() => Promise.reject(error)).catch(() => {});
    await fail(BROKEN);
    await fail(new NotFound());
    await fail(BROKEN);
    expect(circuit.statistics()).toMatchObject({ state: 'closed', successes: 1, failures: 2, failuresInRow: 1 });
    await fail(BROKEN);
    expect(circuit.state).toBe('open');
  });

  it('closes a half-open circuit when the error of the probe is none', async () => {
    const clock = new FakeClock();
    const circuit = new Circuit({ clock, isFailure: () => false });
    circuit.open();
    clock.advance(30_000);
    await expect(circuit.run(() => Promise.reject(BROKEN))).rejects.toBe(BROKEN);
    expect(circuit.state).toBe('closed');
  });

  it('can be a result, which callers get all the same', async () => {
    const answers = [503, 200, 503, 503];
    const breaker = new CircuitBreaker(async () => ({ status: answers.shift() ?? 0 }), {
      threshold: 2,
      isFailedResult: ({ status }) => status >= 500,
      fallback: () => ({ status: -1 }),
    });
    for (const status of [...answers]) await expect(breaker.fire()).resolves.toEqual({ status });
    expect(breaker.statistics()).toMatchObject({ state: 'open', successes: 1, failures: 3, fallbacks: 0 });
  });

  it('is what a filter throws at, too', async () => {
    const clock = new FakeClock();
    const broken = (): never => {
      throw new TypeError('filter');
    };
    const breaker = new CircuitBreaker(async () => 1, { clock, threshold: 1, isFailedResult: broken });
    await expect(breaker.fire()).rejects.toBeInstanceOf(TypeError);
    expect(breaker.state).toBe('open');
    const circuit = new Circuit({ clock, threshold: 1, isFailure: broken });
    circuit.open();
    clock.advance(30_000);
    await expect(circuit.run(() => Promise.reject(BROKEN))).rejects.toBeInstanceOf(TypeError);
    expect(circuit.state).toBe('open');
  });
});

describe('CircuitBreakers', () => {
  it('has one circuit for each dependency, made on demand with the same options', async () => {
    const { breaker: changed } = createEngineSignals();
    const heard: BreakerEvent[] = [];
    changed.on((event) => heard.push(event));
    const breakers = new CircuitBreakers({ threshold: 1, changed });
    expect(breakers.changed).toBe(changed);
    expect(breakers.statistics()).toEqual([]);
    const redis = breakers.get('redis');
    expect(breakers.get('redis')).toBe(redis);
    await redis.run(() => Promise.reject(BROKEN)).catch(() => {});
    await breakers.get('postgres').run(() => 1);
    expect(breakers.statistics()).toMatchObject([
      { name: 'redis', state: 'open', failures: 1 },
      { name: 'postgres', state: 'closed', successes: 1 },
    ]);
    expect(heard).toEqual([{ name: 'redis', from: 'closed', to: 'open', reason: 'failures', failures: 1 }]);
  });

  it('checks its options at construction', () => {
    expect(() => new CircuitBreakers({ threshold: 0 })).toThrow('option "breaker.threshold" must be');
    expect(() => new CircuitBreakers().get('')).toThrow('option "breaker.name" must be');
  });
});

describe('statistics', () => {
  it('has every outcome', async () => {
    const clock = new FakeClock();
    const circuit = new Circuit({ name: 'all', clock, threshold: 2 });
    const fail = () => circuit.run(() => Promise.reject(BROKEN)).catch(() => {});
    await circuit.run(() => 1);
    await fail();
    const late = circuit.run(() => new Promise(() => {})).catch(() => {});
    clock.advance(10_000);
    await late;
    await fail();
    await circuit.run(() => 1, { fallback: () => 2 });
    await circuit.run(() => 1, { signal: AbortSignal.abort() }).catch(() => {});
    await settle();
    expect(circuit.statistics()).toEqual({
      name: 'all',
      state: 'open',
      retryAfterMs: 30_000,
      failuresInRow: 2,
      calls: 6,
      successes: 1,
      failures: 2,
      timeouts: 1,
      refused: 2,
      cancelled: 1,
      fallbacks: 1,
      opened: 1,
    });
  });
});

import { describe, expect, it } from 'vitest';
import { CircuitOpenError } from '../../../src/breaker/breaker.ts';
import { settle } from '../support/test-server.ts';
import { BROKEN, rigOf } from './rig.ts';

describe('a closed circuit', () => {
  it('opens after five failures in a row, unless told otherwise', async () => {
    const { circuit, fail, steps } = rigOf();
    await fail(4);
    expect(circuit.state).toBe('closed');
    await fail();
    expect(circuit.state).toBe('open');
    expect(steps()).toEqual(['closed > open: failures']);
  });

  it('forgets failures at every success', async () => {
    const { circuit, fail, succeed } = rigOf({ threshold: 3 });
    for (let round = 0; round < 4; round++) {
      await fail(2);
      await succeed();
    }
    expect(circuit.state).toBe('closed');
    await fail(3);
    expect(circuit.state).toBe('open');
  });

  it('gives callers the result and the error of the call', async () => {
    const { circuit } = rigOf();
    await expect(circuit.run(() => 5)).resolves.toBe(5);
    await expect(circuit.run(async () => Promise.reject(BROKEN))).rejects.toBe(BROKEN);
    await expect(
      circuit.run(() => {
        throw BROKEN;
      }),
    ).rejects.toBe(BROKEN);
    expect(circuit.statistics()).toMatchObject({ calls: 3, successes: 1, failures: 2 });
  });

  it('sets no timer without a time limit, and leaves none behind with one', async () => {
    const free = rigOf({ timeout: 0 });
    const call = free.begin();
    expect(free.clock.timers).toBe(0);
    await call?.succeed();
    const limited = rigOf();
    const calls = [limited.begin(), limited.begin()];
    expect(limited.clock.timers).toBe(2);
    await calls[0]?.succeed();
    await calls[1]?.fail();
    expect(limited.clock.timers).toBe(0);
  });
});

describe('an open circuit', () => {
  it('refuses calls without making them, and says when to come back', async () => {
    const { clock, circuit, fail } = rigOf({ threshold: 1 });
    await fail();
    clock.advance(10_000);
    let made = false;
    const refusal = await circuit.run(() => (made = true)).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(CircuitOpenError);
    expect(refusal).toMatchObject({ code: 'CIRCUIT_OPEN', retryable: true, circuit: 'db', retryAfterMs: 20_000 });
    expect((refusal as Error).message).toBe('circuit "db": no calls for 20000 ms');
    expect(made).toBe(false);
    expect(clock.timers).toBe(0);
  });

  it('refuses until the last millisecond of the reset timeout', async () => {
    const { clock, begin, fail } = rigOf({ threshold: 1, resetTimeout: 1_000 });
    await fail();
    clock.advance(999);
    expect(begin()).toBeUndefined();
    clock.advance(1);
    expect(begin()).toBeDefined();
  });

  it('takes no notice of calls that began before it opened', async () => {
    const { circuit, begin, fail, steps } = rigOf({ threshold: 2 });
    const [good, bad] = [begin(), begin()];
    await fail(2);
    await good?.succeed();
    await bad?.fail();
    expect(circuit.state).toBe('open');
    expect(steps()).toEqual(['closed > open: failures']);
    expect(circuit.statistics()).toMatchObject({ successes: 1, failures: 3, failuresInRow: 2 });
  });
});

describe('a half-open circuit', () => {
  const opened = async (options = {}) => {
    const rig = rigOf({ threshold: 2, ...options });
    await rig.fail(2);
    rig.clock.advance(30_000);
    return rig;
  };

  it('lets one of many concurrent calls through', async () => {
    const { circuit, begin } = await opened();
    const calls = Array.from({ length: 20 }, () => begin());
    expect(calls.filter((call) => call !== undefined)).toHaveLength(1);
    expect(calls[0]).toBeDefined();
    expect(circuit.state).toBe('half-open');
    expect(circuit.statistics()).toMatchObject({ refused: 19, retryAfterMs: 10_000 });
  });

  it('closes when the probe succeeds, and counts from zero', async () => {
    const { circuit, fail, succeed, steps } = await opened();
    await succeed();
    expect(circuit.state).toBe('closed');
    expect(circuit.statistics()).toMatchObject({ failuresInRow: 0, retryAfterMs: 0 });
    await fail();
    expect(circuit.state).toBe('closed');
    expect(steps()).toEqual([
      'closed > open: failures',
      'open > half-open: reset-timeout',
      'half-open > closed: probe-succeeded',
    ]);
  });

  it('opens again for a whole reset timeout when the probe fails', async () => {
    const { clock, circuit, begin, fail, events } = await opened();
    await fail();
    expect(circuit.state).toBe('open');
    expect(events.at(-1)).toEqual({ name: 'db', from: 'half-open', to: 'open', reason: 'probe-failed', failures: 3 });
    clock.advance(29_999);
    expect(begin()).toBeUndefined();
    clock.advance(1);
    expect(begin()).toBeDefined();
  });

  it('opens again when the probe runs out of time', async () => {
    const { clock, circuit, begin } = await opened();
    begin();
    clock.advance(9_999);
    expect(begin()).toBeUndefined();
    expect(circuit.state).toBe('half-open');
    clock.advance(1);
    expect(begin()).toBeUndefined();
    await settle();
    expect(circuit.state).toBe('open');
  });

  it('lets the next call probe when the probe is cancelled', async () => {
    const { circuit, begin, steps } = await opened();
    const caller = new AbortController();
    begin(caller.signal);
    caller.abort();
    await settle();
    expect(circuit.state).toBe('open');
    expect(steps().at(-1)).toBe('half-open > open: probe-cancelled');
    expect(circuit.statistics()).toMatchObject({ opened: 1, failures: 2, cancelled: 1 });
    expect(begin()).toBeDefined();
    expect(circuit.state).toBe('half-open');
  });

  it('takes no notice of calls that began before it was half-open', async () => {
    const rig = rigOf({ threshold: 2, timeout: 60_000 });
    const [good, bad] = [rig.begin(), rig.begin()];
    await rig.fail(2);
    rig.clock.advance(30_000);
    const probe = rig.begin();
    await good?.succeed();
    await bad?.fail();
    expect(rig.circuit.state).toBe('half-open');
    await probe?.succeed();
    expect(rig.circuit.state).toBe('closed');
  });

  it('takes a probe without a time limit for lost after another reset timeout', async () => {
    const { clock, circuit, begin, steps } = await opened({ timeout: 0 });
    const lost = begin();
    clock.advance(29_999);
    expect(begin()).toBeUndefined();
    clock.advance(1);
    const next = begin();
    expect(next).toBeDefined();
    expect(begin()).toBeUndefined();
    await lost?.fail();
    expect(circuit.state).toBe('half-open');
    await next?.succeed();
    expect(steps().slice(1)).toEqual(['open > half-open: reset-timeout', 'half-open > closed: probe-succeeded']);
  });
});

describe('the reset timeout', () => {
  /** Opens a circuit, fails its probes, and notes how long it was open each time. */
  const waitsOf = async (options: object, probes: number): Promise<number[]> => {
    const { clock, circuit, fail } = rigOf({ threshold: 1, resetTimeout: 1_000, ...options });
    const waits: number[] = [];
    for (let probe = 0; probe < probes; probe++) {
      await fail();
      waits.push(circuit.statistics().retryAfterMs);
      clock.advance(waits.at(-1)!);
    }
    return waits;
  };

  it('stays the same without a backoff', async () => {
    expect(await waitsOf({}, 3)).toEqual([1_000, 1_000, 1_000]);
  });

  it('grows with failed probes up to its maximum', async () => {
    expect(await waitsOf({ resetBackoff: 2, maxResetTimeout: 5_000 }, 5)).toEqual([1_000, 2_000, 4_000, 5_000, 5_000]);
    expect((await waitsOf({ resetBackoff: 100 }, 400)).at(-1)).toBe(300_000);
  });

  it('begins anew once the circuit was closed', async () => {
    const { clock, circuit, fail, succeed } = rigOf({ threshold: 1, resetTimeout: 1_000, resetBackoff: 3 });
    await fail();
    clock.advance(1_000);
    await fail();
    expect(circuit.statistics().retryAfterMs).toBe(3_000);
    clock.advance(3_000);
    await succeed();
    await fail();
    expect(circuit.statistics().retryAfterMs).toBe(1_000);
  });

  it('is prolonged at random, never shortened', async () => {
    const draws = [0, 0.5, 0.75];
    const random = (): number => draws.shift() ?? 0;
    expect(await waitsOf({ resetJitter: 0.2, random }, 3)).toEqual([1_000, 1_100, 1_150]);
  });
});

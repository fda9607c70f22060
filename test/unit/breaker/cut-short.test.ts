import { getEventListeners } from 'node:events';
import { describe, expect, it, vi } from 'vitest';
import { CircuitTimeoutError } from '../../../src/breaker/breaker.ts';
import { settle } from '../support/test-server.ts';
import { rigOf } from './rig.ts';

describe('a call that runs out of time', () => {
  it('fails, and its signal is aborted with the same error', async () => {
    const { clock, circuit, begin } = rigOf();
    const call = begin();
    clock.advance(9_999);
    expect(call?.signal.aborted).toBe(false);
    clock.advance(1);
    expect(call?.signal.aborted).toBe(true);
    const error = await call?.result.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(CircuitTimeoutError);
    expect(error).toMatchObject({ code: 'CIRCUIT_TIMEOUT', retryable: true, circuit: 'db', timeoutMs: 10_000 });
    expect(call?.signal.reason).toBe(error);
    expect(circuit.statistics()).toMatchObject({ failures: 1, timeouts: 1, failuresInRow: 1 });
  });

  it('counts as a failure, whatever the filter says', async () => {
    const { clock, circuit, begin } = rigOf({ threshold: 2, isFailure: () => false });
    begin();
    begin();
    clock.advance(10_000);
    await settle();
    expect(circuit.state).toBe('open');
  });

  it.each(['succeed', 'fail'] as const)('has its late result dropped: %s', async (how) => {
    const unhandled = vi.fn();
    process.on('unhandledRejection', unhandled);
    const { clock, circuit, begin } = rigOf();
    const call = begin();
    clock.advance(10_000);
    await settle();
    await call?.[how]();
    await settle();
    process.off('unhandledRejection', unhandled);
    await expect(call?.result).rejects.toBeInstanceOf(CircuitTimeoutError);
    expect(unhandled).not.toHaveBeenCalled();
    expect(circuit.statistics()).toMatchObject({ calls: 1, successes: 0, failures: 1, failuresInRow: 1 });
  });

  it('keeps its result when that comes in the last moment', async () => {
    const { clock, circuit, begin } = rigOf();
    const call = begin();
    clock.advance(9_999);
    await call?.succeed();
    clock.advance(1);
    await expect(call?.result).resolves.toBe('ok');
    expect(call?.signal.aborted).toBe(false);
    expect(circuit.statistics()).toMatchObject({ successes: 1, timeouts: 0 });
  });
});

describe('a call that its caller cancels', () => {
  it('ends with the reason, aborts its signal, and counts neither as failure nor as success', async () => {
    const { clock, circuit, begin, fail } = rigOf({ threshold: 2 });
    await fail();
    const caller = new AbortController();
    const call = begin(caller.signal);
    const reason = new Error('no longer wanted');
    caller.abort(reason);
    expect(call?.signal.reason).toBe(reason);
    await expect(call?.result).rejects.toBe(reason);
    await call?.fail();
    expect(circuit.statistics()).toMatchObject({ cancelled: 1, failures: 1, successes: 0, failuresInRow: 1 });
    expect(clock.timers).toBe(0);
    await fail();
    expect(circuit.state).toBe('open');
  });

  it('is not a failure when the call itself ends by the signal', async () => {
    const { circuit } = rigOf({ threshold: 1, timeout: 0 });
    const caller = new AbortController();
    const { promise, reject } = Promise.withResolvers<never>();
    const result = circuit.run(
      (signal) => {
        signal.addEventListener('abort', () => reject(signal.reason));
        return promise;
      },
      { signal: caller.signal },
    );
    caller.abort();
    await expect(result).rejects.toMatchObject({ name: 'AbortError' });
    expect(circuit.statistics()).toMatchObject({ state: 'closed', cancelled: 1, failures: 0 });
  });

  it('is not begun when it was cancelled before', async () => {
    const { clock, circuit } = rigOf({ threshold: 1 });
    circuit.open();
    clock.advance(30_000);
    const work = vi.fn();
    await expect(circuit.run(work, { signal: AbortSignal.abort('gone') })).rejects.toBe('gone');
    expect(work).not.toHaveBeenCalled();
    expect(circuit.statistics()).toMatchObject({ state: 'open', calls: 1, cancelled: 1, refused: 0 });
  });

  it('leaves no listener on the signal of its caller', async () => {
    const { clock, begin } = rigOf({ threshold: 100 });
    const { signal } = new AbortController();
    const calls = [begin(signal), begin(signal), begin(signal)];
    expect(getEventListeners(signal, 'abort')).toHaveLength(3);
    await calls[0]?.succeed();
    await calls[1]?.fail();
    clock.advance(10_000);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });
});

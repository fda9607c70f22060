import { describe, expect, it } from 'vitest';
import { Circuit } from '../../../src/breaker/breaker.ts';
import { FakeClock } from '../../../src/testing/testing.ts';

function circuitOf(options: object = {}) {
  const clock = new FakeClock();
  return { clock, circuit: new Circuit({ name: 'shop', threshold: 2, resetTimeout: 1_000, clock, ...options }) };
}

describe('a circuit whose calls tell their outcome later', () => {
  it('opens after failures in a row and refuses further calls', () => {
    const { circuit } = circuitOf();
    for (const outcome of ['failure', 'success', 'failure', 'failure'] as const)
      circuit.leave(circuit.enter(), outcome);
    expect(circuit.state).toBe('open');
    expect(() => circuit.enter()).toThrow(
      expect.objectContaining({ code: 'CIRCUIT_OPEN', retryable: true, circuit: 'shop', retryAfterMs: 1_000 }),
    );
    expect(circuit.statistics()).toMatchObject({ calls: 5, successes: 1, failures: 3, refused: 1, opened: 1 });
  });

  it('lets one call through after the reset timeout, whose outcome decides', () => {
    const { circuit, clock } = circuitOf();
    circuit.open();
    clock.advance(1_000);
    const probe = circuit.enter();
    expect(() => circuit.enter()).toThrow('shop');
    circuit.leave(probe, 'success');
    expect(circuit.state).toBe('closed');
  });

  it('learns nothing from a call of which nothing is known', () => {
    const { circuit, clock } = circuitOf();
    circuit.leave(circuit.enter(), 'failure');
    circuit.leave(circuit.enter(), 'unknown');
    circuit.leave(circuit.enter(), 'failure');
    expect(circuit.state).toBe('open');
    clock.advance(1_000);
    circuit.leave(circuit.enter(), 'unknown');
    circuit.leave(circuit.enter(), 'success'); // the next call is the probe
    expect(circuit.statistics()).toMatchObject({ state: 'closed', cancelled: 2, opened: 1 });
  });

  it('takes a probe for lost after another reset timeout, though other calls have a time limit', () => {
    const { circuit, clock } = circuitOf({ timeout: 300 });
    circuit.open();
    clock.advance(1_000);
    const lost = circuit.enter();
    clock.advance(999);
    expect(() => circuit.enter()).toThrow('shop');
    clock.advance(1);
    const probe = circuit.enter();
    circuit.leave(lost, 'failure'); // too late to decide
    expect(circuit.state).toBe('half-open');
    circuit.leave(probe, 'success');
    expect(circuit.state).toBe('closed');
  });

  it('counts an error for which isFailure answers nothing neither as a failure nor as a success', async () => {
    const { circuit } = circuitOf({ isFailure: ({ code }: { code?: boolean }) => code });
    const failing = (code?: boolean) => circuit.run(() => Promise.reject({ code })).catch(() => {});
    await failing(true);
    await failing();
    await failing(true);
    expect(circuit.statistics()).toMatchObject({ state: 'open', failures: 2, successes: 0, cancelled: 1 });
  });
});

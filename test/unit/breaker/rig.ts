import { Circuit, type CircuitOptions } from '../../../src/breaker/breaker.ts';
import type { BreakerEvent } from '../../../src/signal/signal.ts';
import { FakeClock } from '../../../src/testing/testing.ts';
import { settle } from '../support/test-server.ts';

/** A call on its way, which the test settles. */
export interface PendingCall {
  readonly signal: AbortSignal;
  readonly result: Promise<string>;
  succeed(value?: string): Promise<void>;
  fail(error?: unknown): Promise<void>;
}

export const BROKEN = new Error('broken');

/** A circuit on a clock that stands still, and a way to make calls that the test settles. */
export function rigOf(options: CircuitOptions = {}) {
  const clock = new FakeClock();
  const circuit = new Circuit({ name: 'db', clock, ...options });
  const events: BreakerEvent[] = [];
  circuit.changed.on((event) => events.push(event));
  const steps = (): string[] => events.map(({ from, to, reason }) => `${from} > ${to}: ${reason}`);

  /** Begins a call; undefined when it was refused. */
  const begin = (caller?: AbortSignal): PendingCall | undefined => {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    let seen: AbortSignal | undefined;
    const result = circuit.run(
      (signal) => {
        seen = signal;
        return promise;
      },
      { signal: caller },
    );
    result.catch(() => {});
    if (seen === undefined) return undefined;
    return {
      signal: seen,
      result,
      succeed: (value = 'ok') => settleAfter(() => resolve(value)),
      fail: (error = BROKEN) => settleAfter(() => reject(error)),
    };
  };
  const fail = async (times = 1): Promise<void> => {
    for (let time = 0; time < times; time++) await begin()?.fail();
  };
  const succeed = async (): Promise<void> => begin()?.succeed();
  return { clock, circuit, events, steps, begin, fail, succeed };
}

async function settleAfter(act: () => void): Promise<void> {
  act();
  await settle(1);
}

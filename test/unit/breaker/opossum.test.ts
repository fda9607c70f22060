import fc from 'fast-check';
import Opossum from 'opossum';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { CircuitBreaker } from '../../../src/breaker/breaker.ts';
import { FakeClock } from '../../../src/testing/testing.ts';

/** `refused` without a call, or how the call ended. */
type Outcome = 'refused' | 'ok' | 'failed' | 'timeout';

const RESET = 1_000;
const TIMEOUT = 200;

/** Opossum and this package's breaker around the same call, in the same time. */
class Twins {
  readonly #clock = new FakeClock();
  #behaviour: 'ok' | 'failed' | 'hangs' = 'ok';
  readonly #ours;
  readonly #theirs;

  constructor(threshold: number) {
    const call = async (): Promise<string> => {
      if (this.#behaviour === 'failed') throw new Error('broken');
      return this.#behaviour === 'ok' ? 'ok' : new Promise(() => {});
    };
    const common = { timeout: TIMEOUT, resetTimeout: RESET };
    this.#ours = new CircuitBreaker(call, { ...common, threshold, clock: this.#clock });
    // Opossum opens by the share of failures among at least so many calls; while all fail, that is the number in a row.
    this.#theirs = new Opossum(call, { ...common, volumeThreshold: threshold, errorThresholdPercentage: 50 });
  }

  states(): [ours: string, theirs: string] {
    const theirs = this.#theirs.opened ? 'open' : this.#theirs.closed ? 'closed' : 'half-open';
    return [this.#ours.state, theirs];
  }

  /** Fires both, several times at once, and lets time pass until all have settled. */
  async fire(behaviour: 'ok' | 'failed' | 'hangs', times: number): Promise<[ours: Outcome[], theirs: Outcome[]]> {
    this.#behaviour = behaviour;
    const ours = Promise.all(Array.from({ length: times }, () => this.#ours.fire().then(toOk, toOutcome)));
    const theirs = Promise.all(Array.from({ length: times }, () => this.#theirs.fire().then(toOk, toOutcome)));
    await this.wait(behaviour === 'hangs' ? TIMEOUT : 0);
    return [await ours, await theirs];
  }

  async wait(ms: number): Promise<void> {
    this.#clock.advance(ms);
    await vi.advanceTimersByTimeAsync(ms);
  }

  shutdown(): void {
    this.#theirs.shutdown();
  }
}

const toOk = (): Outcome => 'ok';
function toOutcome(error: { readonly code?: string }): Outcome {
  if (error.code === 'CIRCUIT_OPEN' || error.code === 'EOPENBREAKER') return 'refused';
  return error.code === 'CIRCUIT_TIMEOUT' || error.code === 'ETIMEDOUT' ? 'timeout' : 'failed';
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const failure = fc.constantFrom('failed' as const, 'hangs' as const);
const probes = fc.array(
  fc.record({ early: fc.integer({ min: 1, max: 799 }), behaviour: failure, times: fc.integer({ min: 1, max: 5 }) }),
  { maxLength: 4 },
);

it('opens, refuses and probes as opossum does', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 6 }), failure, probes, async (threshold, first, failing) => {
      const twins = new Twins(threshold);
      const fireBoth = async (...args: Parameters<Twins['fire']>): Promise<Outcome[]> => {
        const [ours, theirs] = await twins.fire(...args);
        expect(ours).toEqual(theirs);
        return ours;
      };
      const bothAre = (state: string): void => expect(twins.states()).toEqual([state, state]);

      for (let time = 1; time <= threshold; time++) {
        bothAre('closed');
        await fireBoth(first, 1);
      }
      bothAre('open');
      for (const { early, behaviour, times } of failing) {
        await twins.wait(early);
        expect(new Set(await fireBoth('ok', times))).toEqual(new Set(['refused']));
        bothAre('open');
        await twins.wait(RESET - early);
        expect((await fireBoth(behaviour, times)).filter((outcome) => outcome !== 'refused')).toHaveLength(1);
        bothAre('open');
      }
      await twins.wait(RESET);
      expect(await fireBoth('ok', 3)).toEqual(['ok', 'refused', 'refused']);
      bothAre('closed');
      expect(await fireBoth('ok', 3)).toEqual(['ok', 'ok', 'ok']);
      twins.shutdown();
    }),
    { numRuns: 100 },
  );
});

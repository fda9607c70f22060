import fc from 'fast-check';
import { expect, it } from 'vitest';
import { settle } from '../support/test-server.ts';
import { type PendingCall, rigOf } from './rig.ts';

interface Settings {
  readonly threshold: number;
  readonly timeout: number;
  readonly resetTimeout: number;
  readonly resetBackoff: number;
}

type Step =
  | { readonly do: 'begin' | 'open' | 'close' }
  | { readonly do: 'succeed' | 'fail' | 'cancel'; readonly which: number }
  | { readonly do: 'wait'; readonly ticks: number };

/** All times are multiples of it, so that no two things that matter fall between two ticks. */
const TICK = 50;

/** What a circuit should do, in the plainest words: a log of what began when, and a period that every change of state ends. */
class Reference {
  state: 'closed' | 'open' | 'half-open' = 'closed';
  now = 0;
  /** Calls on their way: the period in which each began, and when. */
  readonly flying = new Map<number, { readonly period: number; readonly began: number }>();
  readonly #settings: Settings;
  #period = 0;
  #inRow = 0;
  #since = 0;
  #wait = 0;
  #opens = 0;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  /** @returns Whether the call is made. */
  begin(id: number): boolean {
    const { timeout, resetTimeout } = this.#settings;
    const isProbeLost = this.state === 'half-open' && timeout === 0 && this.now - this.#since >= resetTimeout;
    const isProbeDue = this.state === 'open' && this.now - this.#since >= this.#wait;
    if (this.state !== 'closed' && !isProbeLost && !isProbeDue) return false;
    if (this.state !== 'closed') this.#enter('half-open');
    this.flying.set(id, { period: this.#period, began: this.now });
    return true;
  }

  end(id: number, how: 'succeed' | 'fail' | 'cancel'): void {
    const call = this.flying.get(id);
    this.flying.delete(id);
    if (call?.period !== this.#period) return;
    if (how === 'succeed') this.close();
    else if (how === 'fail') this.#fail();
    else if (this.state === 'half-open') this.#enter('open', 0);
  }

  tick(): void {
    this.now += TICK;
    const { timeout } = this.#settings;
    for (const [id, { began }] of [...this.flying])
      if (timeout > 0 && this.now - began >= timeout) this.end(id, 'fail');
  }

  open(): void {
    if (this.state === 'closed') this.#opens = 0;
    const wait = this.#settings.resetTimeout * this.#settings.resetBackoff ** this.#opens;
    if (this.state === 'open') [this.#since, this.#wait] = [this.now, wait];
    else this.#enter('open', wait);
  }

  close(): void {
    this.#inRow = 0;
    if (this.state !== 'closed') this.#enter('closed');
    this.#opens = 0;
  }

  #fail(): void {
    this.#inRow++;
    if (this.state === 'half-open') {
      this.#opens++;
      this.open();
    } else if (this.#inRow >= this.#settings.threshold) this.open();
  }

  #enter(state: Reference['state'], wait = 0): void {
    this.state = state;
    this.#since = this.now;
    this.#wait = wait;
    this.#period++;
  }
}

const settings = fc.record<Settings>({
  threshold: fc.integer({ min: 1, max: 3 }),
  timeout: fc.constantFrom(0, 2 * TICK, 6 * TICK),
  resetTimeout: fc.constantFrom(TICK, 4 * TICK),
  resetBackoff: fc.constantFrom(1, 2),
});
const which = fc.nat({ max: 5 });
const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant('begin' as const) }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('fail' as const), which }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('succeed' as const, 'cancel' as const), which }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('wait' as const), ticks: fc.integer({ min: 1, max: 6 }) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('open' as const, 'close' as const) }) },
  ),
  { maxLength: 60, size: 'max' },
);

/** Does the same to a circuit and to its reference. */
class Pair {
  readonly rig;
  readonly reference: Reference;
  readonly #calls = new Map<number, { readonly call: PendingCall; readonly caller: AbortController }>();
  #next = 0;

  constructor(given: Settings) {
    this.rig = rigOf(given);
    this.reference = new Reference(given);
  }

  async take(step: Step): Promise<void> {
    if ('which' in step) await this.#end(step.do, step.which);
    else if ('ticks' in step) await this.#wait(step.ticks);
    else if (step.do === 'begin') this.#begin();
    else {
      this.rig.circuit[step.do]();
      this.reference[step.do]();
    }
    expect(this.rig.circuit.state, JSON.stringify(step)).toBe(this.reference.state);
  }

  #begin(): void {
    const caller = new AbortController();
    const call = this.rig.begin(caller.signal);
    const id = this.#next++;
    expect(call !== undefined).toBe(this.reference.begin(id));
    if (call !== undefined) this.#calls.set(id, { call, caller });
  }

  async #wait(ticks: number): Promise<void> {
    for (let tick = 0; tick < ticks; tick++) {
      this.rig.clock.advance(TICK);
      await settle(1);
      this.reference.tick();
    }
  }

  async #end(how: 'succeed' | 'fail' | 'cancel', index: number): Promise<void> {
    const ids = [...this.reference.flying.keys()];
    const id = ids[index % ids.length];
    const flight = id === undefined ? undefined : this.#calls.get(id);
    if (id === undefined || flight === undefined) return;
    if (how === 'cancel') flight.caller.abort();
    else await flight.call[how]();
    await settle(1);
    this.reference.end(id, how);
  }
}

it('does what its reference does, whatever happens', async () => {
  await fc.assert(
    fc.asyncProperty(settings, steps, async (given, taken) => {
      const pair = new Pair(given);
      for (const step of taken) await pair.take(step);
      const { calls, successes, failures, refused, cancelled } = pair.rig.circuit.statistics();
      expect(successes + failures + refused + cancelled + pair.reference.flying.size).toBe(calls);
      expect(pair.rig.clock.timers).toBe(given.timeout > 0 ? pair.reference.flying.size : 0);
    }),
    { numRuns: 400 },
  );
});

import type { Clock } from '../../kernel/clock.ts';
import type { Random } from '../../kernel/random.ts';
import type { Member } from './member.ts';
import type { Picker } from './picker.ts';
import { betterOfTwo } from './two-choices.ts';

/** A report older than this says nothing: who gets no calls for what it said would never be asked again. */
const FRESH_MS = 10_000;

/**
 * The lesser `(1 + calls in flight) / (1.02 - cpu)` of two; who has no memory left is not chosen as long as another one has.
 * What a backend reports is late and the same for all calls until the next report: alone it would be no better than chance.
 */
export class ResourceBased implements Picker {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #maxMemory: number;

  constructor(clock: Clock, random: Random, maxMemory: number) {
    this.#clock = clock;
    this.#random = random;
    this.#maxMemory = maxMemory;
  }

  pick(members: readonly Member[]): Member {
    const freshFrom = this.#clock.now() - FRESH_MS;
    return betterOfTwo(
      members,
      this.#random,
      ({ inFlight, steadyCpu, reportedAt }) => (1 + inFlight) / (1.02 - (reportedAt >= freshFrom ? steadyCpu : 0)),
      ({ memory, reportedAt }) => memory <= this.#maxMemory || reportedAt < freshFrom,
    );
  }
}

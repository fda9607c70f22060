import type { Clock } from '../../kernel/clock.ts';
import type { Random } from '../../kernel/random.ts';
import type { Member } from './member.ts';
import type { Picker } from './picker.ts';
import { betterOfTwo } from './two-choices.ts';

const DECAY_MS = 10_000;
/** The cost of a backend that has not answered yet, once it has calls in flight: it is tried by one at a time. */
const UNKNOWN_COST_MS = 1_000;

/**
 * The lesser `cost x (calls in flight + 1)` of two, where the cost is how long its calls take: a slower answer counts at once, a
 * faster one by and by. For several balancers before the same backends, which do not see each other's calls in flight.
 */
export class PeakEwma implements Picker {
  readonly #clock: Clock;
  readonly #random: Random;

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  pick(members: readonly Member[]): Member {
    const now = this.#clock.now();
    return betterOfTwo(members, this.#random, (member) => {
      const cost = member.costMs * Math.exp((member.costAt - now) / DECAY_MS);
      return cost === 0 && member.inFlight > 0 ? UNKNOWN_COST_MS * member.inFlight : cost * (member.inFlight + 1);
    });
  }

  /** A failure that came fast does not make a backend look fast. */
  settled(member: Member, latencyMs: number, outcome: 'success' | 'failure'): void {
    const now = this.#clock.now();
    const seen = outcome === 'failure' ? Math.max(latencyMs, member.costMs || UNKNOWN_COST_MS) : latencyMs;
    const kept = seen >= member.costMs ? 0 : Math.exp((member.costAt - now) / DECAY_MS);
    member.costMs = member.costMs * kept + seen * (1 - kept);
    member.costAt = now;
  }
}

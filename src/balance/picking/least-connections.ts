import type { Random } from '../../kernel/random.ts';
import type { Member } from './member.ts';
import type { Picker } from './picker.ts';

/** So many are looked at. More would find nothing better: the least of 64 is as good as the least of thousands. */
const MOST_LOOKED_AT = 64;

/**
 * The least `inFlight / weight`; ties at random, by weight. Of many backends 64 are compared that stand side by side from
 * somewhere on.
 *
 * HOT: every call of a gateway; guarded by `node bench/scale-model/pick-cost.ts` (decision 0019).
 */
export class LeastConnections implements Picker {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  pick(members: readonly Member[]): Member {
    const { length } = members;
    const count = Math.min(length, MOST_LOOKED_AT);
    const from = length > count ? Math.floor(this.#random() * length) : 0;
    let least = Number.POSITIVE_INFINITY;
    let tied = 0;
    for (let step = 0, at = from; step < count; step++) {
      const { inFlight, share } = members[at] as Member;
      const load = inFlight / share;
      if (load < least) {
        least = load;
        tied = share;
      } else if (load === least) tied += share;
      at = at + 1 === length ? 0 : at + 1;
    }
    let ticket = this.#random() * tied;
    let chosen = members[from] as Member;
    for (let step = 0, at = from; step < count && ticket >= 0; step++) {
      const member = members[at] as Member;
      if (member.inFlight / member.share === least) {
        chosen = member;
        ticket -= member.share;
      }
      at = at + 1 === length ? 0 : at + 1;
    }
    return chosen;
  }
}

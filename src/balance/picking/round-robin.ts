import type { Member } from './member.ts';
import type { Picker } from './picker.ts';

/**
 * Smooth weighted round robin: each is owed its weight, the most indebted is served and pays back what all were owed. Heavy
 * backends come in between the others instead of several times in a row.
 */
export class SmoothRoundRobin implements Picker {
  readonly #weightOf: (member: Member) => number;

  /** @param weightOf With the same for all it is plain round robin. */
  constructor(weightOf: (member: Member) => number) {
    this.#weightOf = weightOf;
  }

  pick(members: readonly Member[]): Member {
    let best = members[0] as Member;
    let total = 0;
    for (const member of members) {
      const weight = this.#weightOf(member);
      member.credit += weight;
      total += weight;
      if (member.credit > best.credit) best = member;
    }
    best.credit -= total;
    return best;
  }
}

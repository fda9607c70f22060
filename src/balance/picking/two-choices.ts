import type { Random } from '../../kernel/random.ts';
import type { Member } from './member.ts';

const all = (): boolean => true;

/**
 * The better of two different ones chosen at random: the one that costs less for its weight.
 *
 * @param accepts Whether one may be chosen as long as another may; the next in line stands in for it.
 */
export function betterOfTwo(
  members: readonly Member[],
  random: Random,
  costOf: (member: Member) => number,
  accepts: (member: Member) => boolean = all,
): Member {
  const first = draw(members, Math.floor(random() * members.length), accepts);
  const one = members[first] as Member;
  if (members.length === 1) return one;
  const step = 1 + Math.floor(random() * (members.length - 1));
  const other = members[draw(members, (first + step) % members.length, accepts)] as Member;
  return costOf(other) / other.share < costOf(one) / one.share ? other : one;
}

function draw(members: readonly Member[], from: number, accepts: (member: Member) => boolean): number {
  for (let step = 0; step < members.length; step++) {
    const at = (from + step) % members.length;
    if (accepts(members[at] as Member)) return at;
  }
  return from;
}

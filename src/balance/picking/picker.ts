import type { Member } from './member.ts';

/** Chooses a backend: one algorithm. */
export interface Picker {
  /** @param members Those that may be chosen, at least one. */
  pick(members: readonly Member[]): Member;
  /** Hears how long a call took; only who has this makes the balancer read the clock for each call. */
  settled?(member: Member, latencyMs: number, outcome: 'success' | 'failure'): void;
}

import { type Conditions, type Law, type Step, type Tunable, withinBounds } from './tunable.ts';

/** How a bound of work under way is used. */
export interface BoundUse {
  /** Work under way now. */
  readonly inUse: number;
  /** Work that was refused because of the bound, so far. */
  readonly refused: number;
}

const DECREASE = 0.75;
const STEPS = 16;
/** Above this share of the memory the bound is not raised. */
const ROOM_TO_GROW = 0.6;

/**
 * Bounds work by the memory that it turns out to hold: to three quarters of what is under way while memory is short, up again
 * by a sixteenth at a time while the bound refuses work and there is memory. Never by latency (decision 0014).
 */
export function additiveIncrease(read: () => BoundUse): Law {
  let refusedBefore = 0;
  return {
    decide(tunable: Tunable, { memory, pressure }: Conditions): Step | undefined {
      const { inUse, refused } = read();
      const wasRefused = refused > refusedBefore;
      refusedBefore = refused;
      const { value, min, max } = tunable;
      if (memory !== 'ok') {
        if (inUse < min) return undefined; // It is not this work that holds the memory.
        const to = withinBounds(tunable, DECREASE * Math.min(value, inUse));
        return { to, reason: `memory is ${memory} with ${inUse} under way` };
      }
      if (!wasRefused || pressure >= ROOM_TO_GROW) return undefined;
      return { to: withinBounds(tunable, value + max / STEPS), reason: 'work was refused, and there is memory' };
    },
  };
}

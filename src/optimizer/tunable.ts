import type { MemoryState } from '../signal/signal.ts';

/** Something of a running server that can be set to another value: a whole number within bounds. */
export interface Tunable {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** Its value now. */
  readonly value: number;
  /** Set where it holds memory: how much of the value is in use, all of which is freed in part when memory gets short. */
  readonly used?: number | undefined;
  apply(value: number): void;
}

/** What a law is told besides the value. */
export interface Conditions {
  readonly memory: MemoryState;
  /** Share of the memory limit in use. */
  readonly pressure: number;
}

/** Another value, and why. */
export interface Step {
  readonly to: number;
  readonly reason: string;
}

/** Decides, once in each interval, whether a tunable gets another value. */
export interface Law {
  decide(tunable: Tunable, conditions: Conditions): Step | undefined;
  /** The value was changed by somebody else. */
  restart?(): void;
}

/** A tunable with the law that it follows. */
export interface Tuning {
  readonly tunable: Tunable;
  readonly law: Law;
}

/** A value that was changed. */
export interface Decision {
  /** Wall-clock time, in milliseconds since 1970. */
  readonly at: number;
  readonly tunable: string;
  readonly from: number;
  readonly to: number;
  readonly reason: string;
}

/** A whole number within a tunable's bounds. */
export function withinBounds({ min, max }: Tunable, value: number): number {
  return Math.max(min, Math.min(max, Math.round(value)));
}

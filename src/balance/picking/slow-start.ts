import type { CancelTimer, Clock } from '../../kernel/clock.ts';
import type { Member } from './member.ts';

const LEAST_WARMTH = 0.1;
const STEPS = 20;

/** Lets backends that are new, or are back, come to their whole weight by and by: `weight x max(0.1, t/T)`. */
export class SlowStart {
  readonly #clock: Clock;
  readonly #rampMs: number;
  readonly #startedAt = new Map<Member, number>();
  #stopTicking: CancelTimer | undefined;

  /** @param rampMs T; with 0 every backend has its whole weight at once. */
  constructor(clock: Clock, rampMs: number) {
    this.#clock = clock;
    this.#rampMs = rampMs;
  }

  begin(member: Member): void {
    if (this.#rampMs === 0) return;
    member.reweigh({ warmth: LEAST_WARMTH });
    this.#startedAt.set(member, this.#clock.now());
    this.#stopTicking ??= this.#clock.every(this.#rampMs / STEPS, () => this.#tick());
  }

  forget(member: Member): void {
    this.#startedAt.delete(member);
    if (this.#startedAt.size > 0) return;
    this.#stopTicking?.();
    this.#stopTicking = undefined;
  }

  /** A timer, so that choosing does not read the clock. */
  #tick(): void {
    const now = this.#clock.now();
    for (const [member, startedAt] of this.#startedAt) {
      const share = (now - startedAt) / this.#rampMs;
      member.reweigh({ warmth: Math.min(1, Math.max(LEAST_WARMTH, share)) });
      if (share >= 1) this.forget(member);
    }
  }
}

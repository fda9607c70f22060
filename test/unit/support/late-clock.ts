import { FakeClock } from '../../../src/testing/testing.ts';

/** A clock whose timers run late. */
export class LateClock extends FakeClock {
  lateMs = 0;

  override now(): number {
    return super.now() + this.lateMs;
  }

  /** Moves the time on; what falls due by that runs so much later than it was to. */
  advanceLate(ms: number, lateMs: number): void {
    this.lateMs += lateMs;
    this.advance(ms);
  }
}

import type { Clock } from '../kernel/clock.ts';

interface Waiting {
  readonly since: number;
  readonly work: () => void;
}

/**
 * Work that waits inside the process rather than in its sockets, so that no turn of the event loop gets long.
 *
 * The runtime accepts one connection, and sends what was answered, once in a turn. Used only while the loop is late.
 */
export class TurnQueue {
  /** Whether work that comes is to wait. HOT: read for each request; guarded by `npm run bench`. */
  active = false;
  readonly #clock: Clock;
  readonly #sliceMs: number;
  readonly #defer: (run: () => void) => void;
  #waiting: Waiting[] = [];
  #next = 0;
  #runningSince: number | undefined;

  /**
   * @param sliceMs After this much work, what is left waits for the next turn, in milliseconds.
   * @param defer Runs something in the next turn.
   */
  constructor(clock: Clock, sliceMs: number, defer: (run: () => void) => void = (run) => void setImmediate(run)) {
    this.#clock = clock;
    this.#sliceMs = sliceMs;
    this.#defer = defer;
  }

  /** Puts off work. It is begun in the order of the calls. */
  add(work: () => void): void {
    if (this.#waiting.push({ since: this.#clock.now(), work }) === 1) this.#defer(this.#runSlice);
  }

  /** How long what is being begun has waited; 0 for what did not. */
  waitedMs(nowMs: number): number {
    return this.#runningSince === undefined ? 0 : nowMs - this.#runningSince;
  }

  /** How long the first in line has waited. */
  standingMs(nowMs: number): number {
    const first = this.#waiting[this.#next];
    return first === undefined ? 0 : nowMs - first.since;
  }

  readonly #runSlice = (): void => {
    const endsAt = this.#clock.now() + this.#sliceMs;
    try {
      do {
        const { since, work } = this.#waiting[this.#next++] as Waiting;
        this.#runningSince = since;
        work();
      } while (this.#next < this.#waiting.length && this.#clock.now() < endsAt);
    } finally {
      this.#runningSince = undefined;
      this.#waiting = this.#waiting.slice(this.#next);
      this.#next = 0;
      if (this.#waiting.length > 0) this.#defer(this.#runSlice);
      else this.active = false;
    }
  };
}

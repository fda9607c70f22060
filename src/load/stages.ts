/** A stretch of a run in which the load is constant, or rises or falls evenly. */
export interface Stage {
  readonly ms: number;
  /** At its beginning and at its end: connections that send (closed loop), or requests a second (open loop). */
  readonly from: number;
  readonly to: number;
  /** Whether what happens in it counts; a warm-up does not. */
  readonly counts: boolean;
}

/** What a run follows from its beginning to its end. */
export class Schedule {
  readonly #stages: readonly Stage[];
  readonly totalMs: number;
  /** When what counts begins. */
  readonly countedFromMs: number;

  constructor(stages: readonly Stage[]) {
    this.#stages = stages;
    this.totalMs = stages.reduce((sum, { ms }) => sum + ms, 0);
    let at = 0;
    for (const { counts, ms } of stages) {
      if (counts) break;
      at += ms;
    }
    this.countedFromMs = at;
  }

  /** The most that is wanted at any time. */
  get peak(): number {
    return Math.max(...this.#stages.map(({ from, to }) => Math.max(from, to)));
  }

  /** What is wanted at a time; 0 after the end. */
  at(ms: number): number {
    let start = 0;
    for (const stage of this.#stages) {
      if (ms < start + stage.ms) return stage.from + ((stage.to - stage.from) * (ms - start)) / stage.ms;
      start += stage.ms;
    }
    return 0;
  }
}

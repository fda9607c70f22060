import { type Conditions, type Law, type Step, type Tunable, withinBounds } from './tunable.ts';

/** What came of a value since the last {@link HillClimbOptions.restart}. */
export interface Score {
  /** Positive; the higher the better. */
  readonly score: number;
  /** How much it was made of. */
  readonly samples: number;
  /** The score's relative standard error. @default 0 */
  readonly error?: number | undefined;
  /** Whether another value could make a difference. @default true */
  readonly matters?: boolean | undefined;
}

/** How a value is found by trying. */
export interface HillClimbOptions {
  read(): Score;
  /** Begins a new measurement. */
  restart(): void;
  /** Which way it may be tried. @default ['up', 'down'] */
  readonly directions?: readonly Direction[];
  /** Samples before anything is decided. @default 1_000 */
  readonly minSamples?: number;
  /** Least relative gain for which a value is kept. @default 0.05 */
  readonly deadBand?: number;
}

type Direction = 'up' | 'down';

interface Trial {
  readonly from: number;
  readonly score: Score;
  readonly direction: Direction;
}

const FACTOR = 1.5;
const MAX_REST = 64;
/** A score that moved by this many dead bands while nothing was tried is of other work. */
const OTHER_WORK = 4;
/** Above this share of the memory nothing that holds memory grows. */
const ROOM_TO_GROW = 0.6;
const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/**
 * Tries half as much again, or a third less, and keeps it only where the measured score rose by more than the dead band and
 * three standard errors; else it goes back, and rests for ever longer before the next trial. So without a gain it stands.
 */
export function hillClimb(options: HillClimbOptions): Law {
  return new HillClimb(options);
}

class HillClimb implements Law {
  readonly #options: HillClimbOptions;
  readonly #directions: readonly Direction[];
  readonly #minSamples: number;
  readonly #deadBand: number;
  #trial: Trial | undefined;
  #turn = 0;
  /** The first interval after a change is that of the change itself. */
  #settling = false;
  #rest = 0;
  #backOff = 1;
  #restScore = 0;

  constructor(options: HillClimbOptions) {
    this.#options = options;
    this.#directions = options.directions ?? ['up', 'down'];
    this.#minSamples = options.minSamples ?? 1_000;
    this.#deadBand = options.deadBand ?? 0.05;
  }

  restart(): void {
    this.#trial = undefined;
    this.#rest = 0;
    this.#changed();
  }

  decide(tunable: Tunable, conditions: Conditions): Step | undefined {
    const score = this.#options.read();
    if (this.#settling && score.samples > 0) {
      this.#settling = false;
      this.#options.restart();
      return undefined;
    }
    if (score.samples < this.#minSamples) return undefined;
    if (this.#trial !== undefined) return this.#judge(tunable, this.#trial, score, conditions);
    return this.#isResting(score) ? undefined : this.#try(tunable, this.#nextDirection(), score, conditions);
  }

  #judge(tunable: Tunable, trial: Trial, score: Score, conditions: Conditions): Step | undefined {
    const gain = score.score / trial.score.score - 1;
    const noise = 3 * Math.hypot(score.error ?? 0, trial.score.error ?? 0);
    this.#trial = undefined;
    if (gain > Math.max(this.#deadBand, noise)) {
      this.#backOff = 1;
      const step = this.#try(tunable, trial.direction, score, conditions);
      return step && { ...step, reason: `${percent(gain)} better: further ${trial.direction}` };
    }
    this.#restAfter(trial.score);
    this.#changed();
    return { to: trial.from, reason: `${percent(gain)} is no gain: back` };
  }

  #try(tunable: Tunable, direction: Direction, score: Score, conditions: Conditions): Step | undefined {
    const { value } = tunable;
    const wanted = direction === 'up' ? Math.max(value + 1, value * FACTOR) : Math.min(value - 1, value / FACTOR);
    const to = withinBounds(tunable, wanted);
    const lacksRoom = direction === 'up' && tunable.used !== undefined && !hasRoom(conditions);
    if (to === value || lacksRoom || score.matters === false) {
      this.#options.restart();
      return undefined;
    }
    this.#trial = { from: value, score, direction };
    this.#changed();
    return { to, reason: `trying ${direction}` };
  }

  #isResting(score: Score): boolean {
    if (this.#rest === 0) return false;
    this.#options.restart();
    if (Math.abs(score.score / this.#restScore - 1) > OTHER_WORK * this.#deadBand) {
      this.#rest = 0;
      this.#backOff = 1;
    } else this.#rest--;
    return true;
  }

  #restAfter({ score }: Score): void {
    this.#rest = this.#backOff;
    this.#restScore = score;
    this.#backOff = Math.min(MAX_REST, 2 * this.#backOff);
  }

  #nextDirection(): Direction {
    const direction = this.#directions[this.#turn % this.#directions.length] as Direction;
    this.#turn++;
    return direction;
  }

  #changed(): void {
    this.#settling = true;
    this.#options.restart();
  }
}

function hasRoom({ memory, pressure }: Conditions): boolean {
  return memory === 'ok' && pressure < ROOM_TO_GROW;
}

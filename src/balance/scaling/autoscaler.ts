import { type AutoscalerOptions, resolveAutoscalerOptions } from './options.ts';
import type { LoadSample, ScaleRecommendation } from './scale.ts';

const SHORT_S = 6;
const LONG_S = 60;
/** What goes down is what would have been enough for so long. */
const STEADY_S = 120;
/** Demand per instance that is a panic, after whose end nothing goes down for as long as the long window. */
const PANIC_AT = 1.6;
/** What waits is to be done within this time. */
const BACKLOG_S = 0.2;

interface Entry {
  readonly at: number;
  readonly value: number;
}

/**
 * Says how many instances there should be: more at once when the last seconds ask for it, fewer when the last minutes do.
 *
 * Demand is counted in event loops: what they are busy, what they would be to work off what waits, and what was refused. Pure: it
 * knows what it is told, and changes nothing itself.
 */
export class Autoscaler {
  readonly #options: Required<AutoscalerOptions>;
  /** The demand of each sample of the long window, the newest last. */
  readonly #demands: Entry[] = [];
  /** What each sample of the last two minutes asked for, the number that there was included. */
  readonly #wanted: Entry[] = [];
  #demandRatio = 0;
  #recommended: number | undefined;
  #panicEndsAt = Number.NEGATIVE_INFINITY;
  /** What was told last, and when it last held. */
  #told: Entry | undefined;

  /** @param option What errors call the options. @throws {OptionError} when an option is unknown or not valid. */
  constructor(options?: AutoscalerOptions, option?: string) {
    this.#options = resolveAutoscalerOptions(options, option);
  }

  /** Event loops that the last sample asked for. */
  get demand(): number {
    return this.#demands.at(-1)?.value ?? 0;
  }

  /** Demand per instance over the short window, which is to be the `target`. */
  get demandRatio(): number {
    return this.#demandRatio;
  }

  /** How many instances there should be; nothing before the first sample. */
  get recommendedInstances(): number | undefined {
    return this.#recommended;
  }

  /**
   * Takes in what happened, every two seconds.
   *
   * @param at When that was, in milliseconds of a clock that is never set back.
   * @returns A recommendation, unless it has been told already.
   */
  observe(sample: LoadSample, at: number): ScaleRecommendation | undefined {
    const { scaleUpAt, scaleDownAt } = this.#options;
    const from = sample.instances + sample.starting;
    const serving = Math.max(1, sample.instances);
    remember(this.#demands, { at, value: demandOf(sample) }, LONG_S);
    const [short, long] = [this.#meanDemand(at, SHORT_S), this.#meanDemand(at, LONG_S)];
    const [perShort, perLong] = [short / serving, long / serving];
    this.#demandRatio = perShort;
    if (perShort >= PANIC_AT) this.#panicEndsAt = at + 1_000 * LONG_S;
    if (this.#wanted.length === 0) this.#wanted.push({ at, value: from }); // What was before is not known.
    const isIdle = perLong < scaleDownAt && perShort < scaleDownAt && at >= this.#panicEndsAt;
    let wanted = from;
    if (perShort > scaleUpAt) wanted = Math.max(from, this.#enoughFor(short));
    else if (isIdle) wanted = Math.min(from, Math.max(this.#enoughFor(long), Math.ceil(from / 2)));
    remember(this.#wanted, { at, value: wanted }, STEADY_S);
    if (wanted >= from) return this.#recommend(from, wanted, at, { mean: perShort, window: SHORT_S });
    const steady = Math.min(from, Math.max(...this.#wanted.map(({ value }) => value)));
    return this.#recommend(from, steady, at, { mean: perLong, window: LONG_S });
  }

  #recommend(
    from: number,
    to: number,
    at: number,
    { mean, window }: { readonly mean: number; readonly window: number },
  ): ScaleRecommendation | undefined {
    const told = this.#told;
    this.#recommended = to;
    if (to === from) {
      if (told?.value === from) this.#told = undefined;
      return undefined;
    }
    this.#told = { at, value: to };
    if (told?.value === to && at - told.at <= 1_000 * STEADY_S) return undefined;
    const direction = to > from ? 'up' : 'down';
    const { scaleUpAt, scaleDownAt } = this.#options;
    const bound = direction === 'up' ? `above ${scaleUpAt}` : `below ${scaleDownAt}`;
    const reason = `demand for ${mean.toFixed(2)} of an event loop per instance over ${window} s, ${bound}`;
    return { direction, from, to, recommendedInstances: to, reason, window };
  }

  #enoughFor(demand: number): number {
    const { minInstances, maxInstances, target } = this.#options;
    return Math.min(maxInstances, Math.max(minInstances, Math.ceil(demand / target)));
  }

  #meanDemand(at: number, seconds: number): number {
    const recent = this.#demands.filter((entry) => entry.at > at - 1_000 * seconds);
    return recent.reduce((sum, { value }) => sum + value, 0) / recent.length;
  }
}

function demandOf({ utilization, backlogSeconds, shedPerSecond, meanCostSeconds }: LoadSample): number {
  return utilization + backlogSeconds / BACKLOG_S + shedPerSecond * meanCostSeconds;
}

/** Adds an entry, and forgets those of before so many seconds. */
function remember(entries: Entry[], entry: Entry, seconds: number): void {
  entries.push(entry);
  while ((entries[0] as Entry).at <= entry.at - 1_000 * seconds) entries.shift();
}

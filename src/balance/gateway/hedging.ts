import { Histogram } from '../../kernel/histogram.ts';
import { RetryBudget } from './retry-budget.ts';
import type { TargetCall } from './target.ts';

/** Answers of one kind before their times say anything. */
const MIN_SAMPLES = 100;
/** So many make a window: then half of what is known is forgotten by starting anew. */
const MAX_SAMPLES = 10_000;
const MAX_KINDS = 256;
const QUANTILE = 0.95;
const MICROSECONDS = 1_000;

/** The times until answers of one kind began: now, and in the window before. */
interface Times {
  current: Histogram;
  delayMs: number | undefined;
}

/** Says when a safe call that takes long should be tried at a second backend. */
export class Hedging {
  readonly #budget: RetryBudget;
  readonly #times = new Map<string, Times>();

  /** @param share Of all safe calls, how many may be hedged. */
  constructor(share: number) {
    this.#budget = new RetryBudget({ share, perSecond: 0 });
  }

  /** Takes in how long a safe call took until its answer began. */
  record(call: TargetCall, durationMs: number): void {
    const key = kindOf(call);
    let times = this.#times.get(key);
    if (times === undefined) {
      if (this.#times.size >= MAX_KINDS) return;
      times = { current: new Histogram(), delayMs: undefined };
      this.#times.set(key, times);
    }
    const { current } = times;
    current.record(durationMs * MICROSECONDS);
    if (current.count % MIN_SAMPLES === 0) times.delayMs = current.quantile(QUANTILE) / MICROSECONDS;
    if (current.count >= MAX_SAMPLES) times.current = new Histogram();
  }

  /** How long to wait for the first attempt; nothing while too little is known. */
  delayMs(call: TargetCall): number | undefined {
    return this.#times.get(kindOf(call))?.delayMs;
  }

  /** Counts a safe call that may be hedged. */
  request(now: number): void {
    this.#budget.request(now);
  }

  /** Takes a hedge from the budget, if there is one left. */
  take(now: number): boolean {
    return this.#budget.take(now);
  }
}

function kindOf({ rpcMethod = '', rpcName }: TargetCall): string {
  return rpcMethod === 'tools/call' ? `tools/call ${rpcName}` : rpcMethod;
}

import { constants, PerformanceObserver } from 'node:perf_hooks';
import type { Clock } from '../kernel/clock.ts';
import { Histogram } from '../kernel/histogram.ts';
import { LoopDelayMeter } from '../kernel/loop-delay.ts';
import { METRICS } from './definitions.ts';
import { PER_UNIT, toFamily, toHistogramData } from './families.ts';
import type { MetricFamily } from './metric-family.ts';

const DELAY_PERIOD_MS = 20;
const GC_KINDS: ReadonlyMap<unknown, string> = new Map([
  [constants.NODE_PERFORMANCE_GC_MINOR, 'minor'],
  [constants.NODE_PERFORMANCE_GC_MAJOR, 'major'],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, 'incremental'],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, 'weakcb'],
]);

/** Measures what holds up the event loop: its delay, and garbage collection. Both cost a little, so they run while asked to. */
export class LoopMeter {
  readonly #delays = new Histogram();
  readonly #pauses = new Map<string, Histogram>();
  readonly #clock: Clock;
  readonly #delayMeter: LoopDelayMeter;
  readonly #observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) this.#countPause(entry.duration, (entry as { detail?: unknown }).detail);
  });

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#delayMeter = new LoopDelayMeter(clock, DELAY_PERIOD_MS, (_now, lateMs) =>
      this.#delays.record((lateMs * PER_UNIT) / 1_000),
    );
  }

  start(): void {
    if (this.#delayMeter.running) return;
    this.#delayMeter.start(this.#clock.now());
    this.#observer.observe({ entryTypes: ['gc'] });
  }

  stop(): void {
    this.#delayMeter.stop();
    this.#observer.disconnect();
  }

  families(): MetricFamily[] {
    const pauses = Array.from(this.#pauses, ([kind, times]) => ({
      labels: { kind },
      histogram: toHistogramData(times),
    }));
    return [
      toFamily(METRICS.loopDelay, [{ labels: {}, histogram: toHistogramData(this.#delays) }]),
      toFamily(METRICS.gc, pauses),
    ];
  }

  #countPause(durationMs: number, detail: unknown): void {
    const kind = GC_KINDS.get((detail as { readonly kind?: unknown } | undefined)?.kind) ?? 'other';
    const times = this.#pauses.get(kind) ?? new Histogram();
    this.#pauses.set(kind, times);
    times.record((durationMs * PER_UNIT) / 1_000);
  }
}

import { METRICS } from './definitions.ts';
import type { Labels } from './families.ts';
import { addHistograms, EMPTY, quantileOf, subtractHistograms } from './histogram-data.ts';
import type { HistogramData } from './metric-family.ts';
import type { Readings } from './readings.ts';
import type { TargetRow } from './vitals.ts';

interface Target {
  readonly method: string;
  readonly target: string;
  total: number;
  errors: number;
  times: HistogramData;
}

type Targets = ReadonlyMap<string, Target>;

const WINDOW_MS = 60_000;

/** Makes the table of targets: totals, the rate since the last reading, and times of the last minute or two. */
export class TargetMeter {
  #before: Targets = new Map();
  /** What was known at the last two turns of the minute. */
  #earlier: Targets = new Map();
  #recent: Targets = new Map();
  #turnedAt: number | undefined;

  read(readings: Readings, seconds: number): TargetRow[] {
    const now = targetsOf(readings);
    this.#turnedAt ??= readings.at;
    const elapsedMs = readings.at - this.#turnedAt;
    if (elapsedMs >= WINDOW_MS) {
      this.#earlier = elapsedMs >= 2 * WINDOW_MS ? this.#before : this.#recent;
      this.#recent = this.#before;
      this.#turnedAt = readings.at;
    }
    const rows = Array.from(now, ([key, target]) => this.#toRow(key, target, seconds));
    this.#before = now;
    return rows;
  }

  #toRow(key: string, { method, target, total, errors, times }: Target, seconds: number): TargetRow {
    const recent = subtractHistograms(times, this.#earlier.get(key)?.times ?? EMPTY);
    const ms = (share: number): number => 1_000 * quantileOf(recent, share);
    return {
      method,
      target,
      total,
      errors,
      perSecond: Math.max(0, total - (this.#before.get(key)?.total ?? 0)) / seconds,
      responseTime:
        recent.count === 0
          ? null
          : { average: (1_000 * recent.sum) / recent.count, p50: ms(0.5), p95: ms(0.95), p99: ms(0.99) },
    };
  }
}

function targetsOf(readings: Readings): Targets {
  const targets = new Map<string, Target>();
  const of = (labels: Labels): Target => {
    const method = labels['mcp_method_name'] ?? '';
    const target = labels['gen_ai_tool_name'] ?? labels['gen_ai_prompt_name'] ?? labels['target'] ?? '';
    const key = `${method} ${target}`;
    let entry = targets.get(key);
    if (entry === undefined) {
      entry = { method, target, total: 0, errors: 0, times: EMPTY };
      targets.set(key, entry);
    }
    return entry;
  };
  for (const { labels, value = 0 } of readings.samples(METRICS.requests)) {
    const entry = of(labels);
    entry.total += value;
    if (labels['outcome'] === 'error' || labels['outcome'] === 'tool_error') entry.errors += value;
  }
  for (const { labels, histogram = EMPTY } of readings.samples(METRICS.duration)) {
    const entry = of(labels);
    entry.times = entry.times === EMPTY ? histogram : addHistograms(entry.times, histogram);
  }
  return targets;
}

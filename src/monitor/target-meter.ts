import { METRICS } from './definitions.ts';
import type { Labels } from './families.ts';
import { EMPTY, quantileOf, subtractHistograms, sumHistograms } from './histogram-data.ts';
import type { HistogramData } from './metric-family.ts';
import type { Readings } from './readings.ts';
import type { TargetRow } from './vitals.ts';

interface Target {
  readonly method: string;
  readonly target: string;
  total: number;
  errors: number;
  readonly times: HistogramData[];
}

type Times = TargetRow['responseTime'];

type Targets = ReadonlyMap<string, Target>;

const WINDOW_MS = 60_000;

/** Makes the table of targets: totals, the rate since the last reading, and times of the last minute or two. */
export class TargetMeter {
  #before: Targets = new Map();
  /** What was known at the last two turns of the minute. */
  #earlier: Targets = new Map();
  #recent: Targets = new Map();
  #turnedAt: number | undefined;
  readonly #known = new Map<
    string,
    { readonly total: number; readonly earlier: Target | undefined; readonly times: Times }
  >();

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

  #toRow(key: string, now: Target, seconds: number): TargetRow {
    const { method, target, total, errors } = now;
    const before = this.#before.get(key)?.total ?? 0;
    const perSecond = Math.max(0, total - before) / seconds;
    return { method, target, total, errors, perSecond, responseTime: this.#timesOf(key, now) };
  }

  /** Worked out again only where something was counted since. */
  #timesOf(key: string, { total, times }: Target): Times {
    const earlier = this.#earlier.get(key);
    const known = this.#known.get(key);
    if (known !== undefined && known.total === total && known.earlier === earlier) return known.times;
    const recent = subtractHistograms(sumHistograms(times), sumHistograms(earlier?.times ?? []));
    const made = { total, earlier, times: toTimes(recent) };
    this.#known.set(key, made);
    return made.times;
  }
}

function toTimes(recent: HistogramData): Times {
  if (recent.count === 0) return null;
  const ms = (share: number): number => 1_000 * quantileOf(recent, share);
  return { average: (1_000 * recent.sum) / recent.count, p50: ms(0.5), p95: ms(0.95), p99: ms(0.99) };
}

function targetsOf(readings: Readings): Targets {
  const targets = new Map<string, Target>();
  const of = (labels: Labels): Target => {
    const method = labels['mcp_method_name'] ?? '';
    const target = labels['gen_ai_tool_name'] ?? labels['gen_ai_prompt_name'] ?? labels['target'] ?? '';
    const key = `${method} ${target}`;
    let entry = targets.get(key);
    if (entry === undefined) {
      entry = { method, target, total: 0, errors: 0, times: [] };
      targets.set(key, entry);
    }
    return entry;
  };
  for (const { labels, value = 0 } of readings.samples(METRICS.requests)) {
    const entry = of(labels);
    entry.total += value;
    if (labels['outcome'] === 'error' || labels['outcome'] === 'tool_error') entry.errors += value;
  }
  for (const { labels, histogram = EMPTY } of readings.samples(METRICS.duration)) of(labels).times.push(histogram);
  return targets;
}

import { Histogram } from '../kernel/histogram.ts';
import type { RequestOutcome } from '../signal/signal.ts';
import { METRICS } from './definitions.ts';
import { type Labels, toFamily, toHistogramData } from './families.ts';
import type { MetricFamily, MetricSample } from './metric-family.ts';

/** Targets counted apart; what more there are count together as `other`. */
const MAX_TARGETS = 2_000;
const OTHER = 'other';

/** What was counted of requests about one thing that ended one way. */
class Ending {
  count = 0;
  readonly times: Histogram;
  readonly labels: Labels;

  constructor(times: Histogram, labels: Labels) {
    this.times = times;
    this.labels = labels;
  }
}

/** What was counted of one registered tool, prompt or resource, or of a method without one. */
export class TargetSeries {
  /** HOT: how nearly all requests end; guarded by `npm run bench -- monitor`. */
  readonly ok: Ending;
  readonly #labels: Labels;
  readonly #others = new Map<RequestOutcome, Ending>();
  readonly #exported = new Map<Histogram, MetricSample>();

  constructor(method: string, target: string) {
    this.#labels = { mcp_method_name: method, ...(target === '' ? {} : { [targetLabel(method)]: target }) };
    this.ok = new Ending(new Histogram(), { ...this.#labels, outcome: 'ok' });
  }

  ending(outcome: RequestOutcome): Ending {
    if (outcome === 'ok') return this.ok;
    let ending = this.#others.get(outcome);
    if (ending === undefined) {
      // To ask for more input is no error: the conventions know no such ending.
      const times = outcome === 'input_required' ? this.ok.times : new Histogram();
      ending = new Ending(times, { ...this.#labels, outcome });
      this.#others.set(outcome, ending);
    }
    return ending;
  }

  *#endings(): Generator<[RequestOutcome, Ending]> {
    yield ['ok', this.ok];
    yield* this.#others;
  }

  counts(): MetricSample[] {
    const counted = [...this.#endings()].filter(([, { count }]) => count > 0);
    return counted.map(([, { labels, count }]) => ({ labels, value: count }));
  }

  durations(): MetricSample[] {
    const samples: MetricSample[] = [];
    for (const [outcome, { times }] of this.#endings())
      if (outcome !== 'input_required' && times.count > 0) samples.push(this.#exportOf(times, outcome));
    return samples;
  }

  histograms(): Histogram[] {
    return [...new Set(Array.from(this.#endings(), ([, { times }]) => times))];
  }

  /** What did not change is not made again. */
  #exportOf(times: Histogram, outcome: RequestOutcome): MetricSample {
    const known = this.#exported.get(times);
    if (known?.histogram?.count === times.count) return known;
    const labels = outcome === 'ok' ? this.#labels : { ...this.#labels, error_type: outcome };
    const made = { labels, histogram: toHistogramData(times) };
    this.#exported.set(times, made);
    return made;
  }
}

/**
 * All series of requests, found by what they are about.
 *
 * They stay while the server runs, those of a removed tool too: a counter that vanishes and comes back reads as a restart.
 */
export class RequestSeries {
  readonly #methods = new Map<string, Map<string, TargetSeries>>();
  #size = 0;

  /** HOT: once a request, two look-ups of a name; guarded by `npm run bench -- monitor`. */
  of(method: string, target: string): TargetSeries {
    return this.#methods.get(method)?.get(target) ?? this.#make(method, target);
  }

  all(): TargetSeries[] {
    return [...this.#methods.values()].flatMap((targets) => [...targets.values()]);
  }

  families(): MetricFamily[] {
    const all = this.all();
    return [
      toFamily(
        METRICS.requests,
        all.flatMap((series) => series.counts()),
      ),
      toFamily(
        METRICS.duration,
        all.flatMap((series) => series.durations()),
      ),
    ];
  }

  #make(method: string, wanted: string): TargetSeries {
    const targets = this.#methods.get(method) ?? new Map<string, TargetSeries>();
    this.#methods.set(method, targets);
    const target = wanted !== '' && this.#size >= MAX_TARGETS ? OTHER : wanted;
    let series = targets.get(target);
    if (series === undefined) {
      series = new TargetSeries(method, target);
      targets.set(target, series);
      this.#size++;
    }
    return series;
  }
}

function targetLabel(method: string): string {
  if (method === 'tools/call') return 'gen_ai_tool_name';
  return method === 'prompts/get' ? 'gen_ai_prompt_name' : 'target';
}

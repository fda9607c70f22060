import type { BreakerState } from '../signal/signal.ts';
import { METRICS, type MetricDefinition } from './definitions.ts';
import { quantileOf, subtractHistograms } from './histogram-data.ts';
import type { MetricFamily, MetricSnapshot } from './metric-family.ts';
import { Readings } from './readings.ts';
import { TargetMeter } from './target-meter.ts';
import type { PoolVitals, TargetRow, Vitals } from './vitals.ts';

/** The time from one snapshot to the next. */
interface Span {
  readonly now: Readings;
  readonly before: Readings;
  readonly seconds: number;
  /** How much a counter grew; not below 0, though an instance be gone. */
  readonly growth: (
    definition: MetricDefinition,
    chooses?: (labels: { readonly [name: string]: string }) => boolean,
  ) => number;
}

const CUSTOM = /^custom_/;
/** From best to worst. */
const BREAKER_STATES = ['closed', 'half-open', 'open'] as const;

/** Makes of successive snapshots, of one instance or merged, what happened in between. */
export class VitalsMeter {
  readonly #targets = new TargetMeter();
  #before: Readings | undefined;

  /** What happened since the snapshot before; nothing for the first. */
  read(snapshot: MetricSnapshot): { readonly vitals: Vitals; readonly targets: readonly TargetRow[] } | undefined {
    const [now, before] = [new Readings(snapshot), this.#before];
    this.#before = now;
    const seconds = before === undefined ? 0 : (now.at - before.at) / 1_000;
    // The wall clock may have been set back.
    const targets = this.#targets.read(now, seconds > 0 ? seconds : 1);
    if (before === undefined) return undefined;
    const span: Span = {
      now,
      before,
      seconds: seconds > 0 ? seconds : 1,
      growth: (definition, chooses) => Math.max(0, now.sum(definition, chooses) - before.sum(definition, chooses)),
    };
    return { vitals: toVitals(span, snapshot.families), targets };
  }
}

function toVitals(span: Span, families: readonly MetricFamily[]): Vitals {
  const { now, seconds, growth } = span;
  const busy = growth(METRICS.loopActive);
  const idle = growth(METRICS.loopIdle);
  const resident = now.sum(METRICS.resident);
  return {
    at: now.at,
    requests: requestVitals(span),
    responseTime: timeVitals(span),
    cache: cacheVitals(span),
    pools: Object.fromEntries(now.values(METRICS.poolSize, 'pool').map((name) => [name, poolVitals(span, name)])),
    eventLoop: {
      utilization: busy + idle === 0 ? 0 : busy / (busy + idle),
      delayMs: 1_000 * quantileOf(between(span, METRICS.loopDelay), 1),
    },
    memory: {
      heapUsed: now.sum(METRICS.heapUsed),
      heapTotal: now.sum(METRICS.heapTotal),
      resident,
      percentage: percentOf(resident, now.sum(METRICS.memoryLimit)),
    },
    cpu: {
      usage: percentOf(growth(METRICS.cpu), seconds * now.sum(METRICS.cores)),
      load: now.max(METRICS.load, ({ period }) => period === '1m'),
    },
    gcMs: 1_000 * between(span, METRICS.gc).sum,
    disk: {
      readBytesPerSecond: growth(METRICS.ioRead) / seconds,
      writtenBytesPerSecond: growth(METRICS.ioWritten) / seconds,
    },
    breakers: Object.fromEntries(
      now.values(METRICS.breakerState, 'breaker').map((name) => [name, breakerState(now, name)]),
    ),
    overloaded: now.max(METRICS.overloaded) > 0,
    custom: customVitals(families),
  };
}

function requestVitals({ now, seconds, growth }: Span): Vitals['requests'] {
  const all = growth(METRICS.requests);
  const errors = growth(METRICS.requests, ({ outcome }) => outcome === 'error' || outcome === 'tool_error');
  return {
    perSecond: all / seconds,
    errorsPerSecond: errors / seconds,
    shedPerSecond: growth(METRICS.sheds) / seconds,
    inFlight: now.sum(METRICS.inFlight),
    errorRate: all === 0 ? null : errors / all,
  };
}

function timeVitals(span: Span): Vitals['responseTime'] {
  const times = between(span, METRICS.duration);
  if (times.count === 0) return null;
  const ms = (share: number): number => 1_000 * quantileOf(times, share);
  return { p50: ms(0.5), p95: ms(0.95), p99: ms(0.99) };
}

function cacheVitals({ now, seconds, growth }: Span): Vitals['cache'] {
  const [hits, misses] = [growth(METRICS.cacheHits), growth(METRICS.cacheMisses)];
  return {
    hitsPerSecond: hits / seconds,
    missesPerSecond: misses / seconds,
    stalePerSecond: growth(METRICS.cacheStale) / seconds,
    coalescedPerSecond: growth(METRICS.cacheCoalesced) / seconds,
    hitRate: hits + misses === 0 ? null : hits / (hits + misses),
    size: now.sum(METRICS.cacheEntries),
    bytes: now.sum(METRICS.cacheSize),
  };
}

function poolVitals({ now }: Span, name: string): PoolVitals {
  const chooses = ({ pool }: { readonly [name: string]: string }): boolean => pool === name;
  const acquired = now.sum(METRICS.poolAcquired, chooses);
  return {
    size: now.sum(METRICS.poolSize, chooses),
    inUse: now.sum(METRICS.poolInUse, chooses),
    waiting: now.sum(METRICS.poolWaiting, chooses),
    utilization: now.max(METRICS.poolUtilization, chooses),
    waitMs: acquired === 0 ? 0 : (1_000 * now.sum(METRICS.poolWait, chooses)) / acquired,
  };
}

/** Of several instances the worst state counts. */
function breakerState(now: Readings, name: string): BreakerState {
  const isIn = (wanted: BreakerState): boolean =>
    now.max(METRICS.breakerState, ({ breaker, state }) => breaker === name && state === wanted) > 0;
  return BREAKER_STATES.findLast(isIn) ?? 'closed';
}

function customVitals(families: readonly MetricFamily[]): Vitals['custom'] {
  const entries = families
    .filter(({ name }) => CUSTOM.test(name))
    .map(({ name, samples }) => {
      const values = samples.map(({ value, histogram }) =>
        histogram === undefined ? (value ?? 0) : histogram.sum / Math.max(1, histogram.count),
      );
      return [name.replace(CUSTOM, ''), values.reduce((sum, value) => sum + value, 0)] as const;
    });
  return Object.fromEntries(entries);
}

function between({ now, before }: Span, definition: MetricDefinition) {
  return subtractHistograms(now.histogram(definition), before.histogram(definition));
}

function percentOf(part: number, whole: number): number {
  return whole === 0 ? 0 : (100 * part) / whole;
}

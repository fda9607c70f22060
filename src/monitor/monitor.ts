/** The contract of `monitor/`: listens to signals and shows what it heard. */
import { loadavg } from 'node:os';
import type { Clock } from '../kernel/clock.ts';
import { type MachineFacts, readMachineFacts } from '../kernel/machine.ts';
import type { PoolStatistics } from '../kernel/pool-statistics.ts';
import type { BreakerState, EngineSignals } from '../signal/signal.ts';
import { type CustomMetricOptions, CustomMetrics } from './custom-metrics.ts';
import { METRICS } from './definitions.ts';
import { EventMeter } from './event-meter.ts';
import { single } from './families.ts';
import type { CacheReadings, MonitorSources, PerformanceMetrics, PoolFigures } from './figures.ts';
import { LoopMeter } from './loop-meter.ts';
import type { MetricSnapshot } from './metric-family.ts';
import type { OutletState } from './outlet.ts';
import { cpuSeconds, processFamilies } from './process-meter.ts';
import { RequestMeter } from './request-meter.ts';
import {
  cacheFamilies,
  instanceFamily,
  limitFamilies,
  poolFamilies,
  scalingFamilies,
  tuningFamilies,
} from './source-families.ts';

/** What the monitor is told besides what it hears. */
export interface MonitorParts {
  readonly signals: EngineSignals;
  readonly clock: Clock;
  readonly sources: MonitorSources;
  /** What is counted: all there is, only requests, or not even these. */
  readonly counts: 'all' | 'requests' | 'nothing';
  /** The instance's name, such as `1`. @default '' */
  readonly instance?: string;
  /** @default read from the machine */
  readonly machine?: MachineFacts;
}

/** Collects a server's metrics. */
export class PerformanceMonitor {
  readonly #parts: MonitorParts;
  readonly #machine: MachineFacts;
  readonly #requests: RequestMeter | undefined;
  readonly #events: EventMeter | undefined;
  readonly #loop: LoopMeter | undefined;
  readonly #custom = new CustomMetrics();
  readonly #startedAt: number;
  #cpuAt: number;
  #cpuSeconds: number;

  constructor(parts: MonitorParts) {
    const { signals, clock, counts } = parts;
    this.#parts = parts;
    this.#machine = parts.machine ?? readMachineFacts();
    this.#requests = counts === 'nothing' ? undefined : new RequestMeter(signals, clock);
    this.#events = counts === 'all' ? new EventMeter(signals) : undefined;
    this.#loop = counts === 'all' ? new LoopMeter(clock) : undefined;
    this.#startedAt = clock.wallNow();
    this.#cpuAt = clock.now();
    this.#cpuSeconds = cpuSeconds();
  }

  /** @throws {OptionError} when the name, the value or an option is not valid, or there are too many names. */
  recordCustom(name: string, value: number, options?: CustomMetricOptions): void {
    this.#custom.record(name, value, options);
  }

  /** Begins to measure what costs even when nothing happens, where all is counted. */
  start(): void {
    this.#loop?.start();
  }

  /** Ends that. */
  stop(): void {
    this.#loop?.stop();
  }

  /** The states of circuit breakers, by name. */
  breakers(): { readonly [name: string]: BreakerState } {
    const known = statesOf(this.#parts.sources.breakers());
    return this.#events?.breakers(known) ?? known;
  }

  /** What a person wants to know. */
  figures(outlets: readonly OutletState[] = []): PerformanceMetrics {
    const { sources } = this.#parts;
    const { responseTime, ...requests } = this.#requests?.figures() ?? NO_REQUESTS;
    const memory = process.memoryUsage();
    return {
      memory: {
        percentage: (100 * memory.rss) / this.#machine.memoryBytes,
        heapUsed: memory.heapUsed,
        heapTotal: memory.heapTotal,
        resident: memory.rss,
      },
      cpu: { usage: this.#cpuUsage(), loadAverage: loadavg() },
      cache: toCacheFigures(sources.cache()),
      requests,
      responseTime,
      pools: Object.fromEntries(Object.entries(sources.pools()).map(([name, pool]) => [name, toPoolFigures(pool)])),
      limits: sources.limits(),
      breakers: sources.breakers(),
      custom: this.#custom.figures(),
      outlets,
    };
  }

  /** All metrics, for programs. */
  snapshot(): MetricSnapshot {
    const { sources, clock, instance = '' } = this.#parts;
    return {
      instance,
      at: clock.wallNow(),
      startedAt: this.#startedAt,
      families: [
        ...(this.#requests?.series.families() ?? []),
        ...(this.#events?.families(statesOf(sources.breakers())) ?? []),
        ...limitFamilies(sources.limits()),
        ...cacheFamilies(sources.cache()),
        ...poolFamilies(sources.pools()),
        ...tuningFamilies(sources.tuning()),
        instanceFamily(sources.state()),
        ...scalingFamilies(sources.scaling?.()),
        single(METRICS.startTime, this.#startedAt / 1_000),
        ...processFamilies(this.#machine),
        ...(this.#loop?.families() ?? []),
        ...this.#custom.families(),
      ].filter(({ samples }) => samples.length > 0),
    };
  }

  #cpuUsage(): number {
    const [now, seconds] = [this.#parts.clock.now(), cpuSeconds()];
    const elapsed = (now - this.#cpuAt) / 1_000;
    const usage = elapsed <= 0 ? 0 : (100 * (seconds - this.#cpuSeconds)) / (elapsed * this.#machine.cores);
    this.#cpuAt = now;
    this.#cpuSeconds = seconds;
    return usage;
  }
}

const NO_REQUESTS = Object.freeze({
  total: 0,
  errors: 0,
  perSecond: 0,
  errorRate: 0,
  responseTime: Object.freeze({ average: 0, p50: 0, p95: 0, p99: 0 }),
});

function statesOf(breakers: PerformanceMetrics['breakers']): { readonly [name: string]: BreakerState } {
  return Object.fromEntries(Object.entries(breakers).map(([name, { state }]) => [name, state]));
}

function toCacheFigures(cache: CacheReadings): PerformanceMetrics['cache'] {
  const { memoryHits, redisHits, staleHits, misses, hitRate, missRate, size, bytes } = cache;
  return { hits: memoryHits + staleHits + redisHits, misses: misses - redisHits, hitRate, missRate, size, bytes };
}

function toPoolFigures({ waitTime, ...pool }: PoolStatistics): PoolFigures {
  const { size, max, inUse, utilization, waiting, errors, timeouts } = pool;
  return { size, max, inUse, utilization, waiting, waitTime: waitTime.average, errors, timeouts };
}

export { Access, type AccessOptions } from './access.ts';
export { Otlp } from './adapter/otlp.ts';
export {
  type AlertOptions,
  type AlertProfileOptions,
  type AlertThresholdOptions,
  type AlertWebhookOptions,
  type ResolvedAlerts,
  resolveAlerts,
} from './alerts/alert-options.ts';
export { Alerts } from './alerts/alerts.ts';
export type { PostRequest } from './alerts/webhook.ts';
export type { CustomMetricOptions } from './custom-metrics.ts';
export { DashboardServer } from './dashboard-server.ts';
export { METRICS, type MetricDefinition } from './definitions.ts';
export { expose } from './exposition.ts';
export { toFamily } from './families.ts';
export type {
  BreakerFigures,
  CacheFigures,
  CacheReadings,
  LimitFigures,
  MonitorSources,
  PerformanceMetrics,
  PoolFigures,
  ScalingFigures,
  ServingState,
  TuningReadings,
} from './figures.ts';
export { type GatewayReadings, gatewaySnapshot } from './gateway-families.ts';
export { HealthCheck, type HealthReport, type HealthSources } from './health.ts';
export { LiveFeed, type LiveTick } from './live-feed.ts';
export type { HelloMessage, InstanceState, LiveMessage, TickMessage, VitalColumns } from './live-protocol.ts';
export { mergeSnapshots } from './merge.ts';
export type { HistogramData, MetricFamily, MetricKind, MetricSample, MetricSnapshot } from './metric-family.ts';
export { MetricsServer } from './metrics-server.ts';
export { type MonitorOptions, type ResolvedMonitorOptions, resolveMonitorOptions } from './options.ts';
export type { OtlpOptions } from './otlp-options.ts';
export { listenOutlet, type OutletState } from './outlet.ts';
export { Readings } from './readings.ts';
export { scalingFamilies } from './source-families.ts';
export type { AlertKey, AlertRecord, PoolVitals, TargetRow, Vitals } from './vitals.ts';
export { VitalsMeter } from './vitals-meter.ts';

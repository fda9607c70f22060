/** The contract of `monitor/`: listens to signals and shows what it heard. */
import { loadavg } from 'node:os';
import type { Clock } from '../kernel/clock.ts';
import { OptionError } from '../kernel/errors.ts';
import { type MachineFacts, readMachineFacts } from '../kernel/machine.ts';
import type { EngineSignals } from '../signal/signal.ts';
import { type RequestFigures, RequestMeter } from './request-meter.ts';

/** How one pool, of connections or of workers, is used. */
export interface PoolFigures {
  /** Share of the pool in use, 0 to 1. */
  readonly utilization: number;
  readonly waiting: number;
  /** Mean wait for one, in milliseconds. */
  readonly waitTime: number;
}

/** A business metric as recorded so far. */
export interface CustomMetricFigures {
  readonly last: number;
  readonly count: number;
  readonly sum: number;
}

/** How the cache is used, since the start. */
export interface CacheFigures {
  /** Reads that were answered with a kept value, of either tier. */
  readonly hits: number;
  /** Reads that were not, those that joined a computation under way included. */
  readonly misses: number;
  /** Shares of all reads, 0 to 1; both 0 before the first. */
  readonly hitRate: number;
  readonly missRate: number;
  /** Values in memory, and their bytes. */
  readonly size: number;
  readonly bytes: number;
}

/** What the monitor is told besides what it hears. */
export interface MonitorParts {
  readonly signals: EngineSignals;
  readonly clock: Clock;
  readonly cache: () => CacheFigures;
  /** How each pool is used right now, by name. */
  readonly pools: () => PerformanceMetrics['pools'];
  /** @default read from the machine */
  readonly machine?: MachineFacts;
}

/** A snapshot of how the server is doing. */
export interface PerformanceMetrics {
  /** Bytes; `percentage` is of what the process may use, container limits included. */
  readonly memory: {
    readonly percentage: number;
    readonly heapUsed: number;
    readonly heapTotal: number;
    readonly resident: number;
  };
  /** `usage` in percent of all cores that the process may use, since the snapshot before. */
  readonly cpu: { readonly usage: number; readonly loadAverage: readonly number[] };
  readonly cache: CacheFigures;
  readonly requests: Omit<RequestFigures, 'responseTime'>;
  /** Milliseconds, over the last one to two minutes. */
  readonly responseTime: RequestFigures['responseTime'];
  /** By the pools' names: `http`, `threads` and `processes` of tasks, and the databases. */
  readonly pools: { readonly [name: string]: PoolFigures };
  readonly custom: { readonly [name: string]: CustomMetricFigures };
}

const MAX_CUSTOM_METRICS = 1_000;

/** Collects a server's metrics. */
export class PerformanceMonitor {
  readonly #meter: RequestMeter;
  readonly #clock: Clock;
  readonly #cache: () => CacheFigures;
  readonly #machine: MachineFacts;
  readonly #pools: () => PerformanceMetrics['pools'];
  readonly #custom = new Map<string, CustomMetricFigures>();
  #cpuAt: number;
  #cpuMicros: number;

  constructor({ signals, clock, cache, pools, machine = readMachineFacts() }: MonitorParts) {
    this.#cache = cache;
    this.#meter = new RequestMeter(signals, clock);
    this.#clock = clock;
    this.#machine = machine;
    this.#pools = pools;
    this.#cpuAt = clock.now();
    this.#cpuMicros = cpuMicros();
  }

  /** @throws {OptionError} when the name is not a metric's name, the value not finite, or there are too many names. */
  recordCustom(name: string, value: number): void {
    if (typeof name !== 'string' || !/^[A-Za-z_][\w.:-]{0,127}$/.test(name))
      throw new OptionError('metric name', 'must start with a letter and hold only letters, digits and _.:-', name);
    if (typeof value !== 'number' || !Number.isFinite(value))
      throw new OptionError(`metric "${name}"`, 'must be a finite number', value);
    const before = this.#custom.get(name);
    if (before === undefined && this.#custom.size >= MAX_CUSTOM_METRICS)
      throw new OptionError('metric name', `must be one of at most ${MAX_CUSTOM_METRICS}`, name);
    this.#custom.set(name, { last: value, count: (before?.count ?? 0) + 1, sum: (before?.sum ?? 0) + value });
  }

  snapshot(): PerformanceMetrics {
    const { responseTime, ...requests } = this.#meter.figures();
    const memory = process.memoryUsage();
    return {
      memory: {
        percentage: (100 * memory.rss) / this.#machine.memoryBytes,
        heapUsed: memory.heapUsed,
        heapTotal: memory.heapTotal,
        resident: memory.rss,
      },
      cpu: { usage: this.#cpuUsage(), loadAverage: loadavg() },
      cache: this.#cache(),
      requests,
      responseTime,
      pools: this.#pools(),
      custom: Object.fromEntries(this.#custom),
    };
  }

  close(): void {
    this.#meter.close();
  }

  #cpuUsage(): number {
    const [now, micros] = [this.#clock.now(), cpuMicros()];
    const elapsedMs = now - this.#cpuAt;
    const usage = elapsedMs <= 0 ? 0 : (micros - this.#cpuMicros) / 10 / (elapsedMs * this.#machine.cores);
    this.#cpuAt = now;
    this.#cpuMicros = micros;
    return usage;
  }
}

function cpuMicros(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

export type { HelloMessage, InstanceState, LiveMessage, TickMessage } from './live-protocol.ts';
export type { HistogramData, MetricFamily, MetricKind, MetricSample, MetricSnapshot } from './metric-family.ts';
export type { AlertKey, AlertRecord, PoolVitals, TargetRow, Vitals } from './vitals.ts';

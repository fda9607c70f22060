/** The contract of `monitor/`: listens to signals and shows what it heard. */
import { loadavg } from 'node:os';
import type { Clock } from '../kernel/clock.ts';
import { OptionError } from '../kernel/errors.ts';
import { type MachineFacts, readMachineFacts } from '../kernel/machine.ts';
import type { BreakerState, EngineSignals, ShedClass, ShedReason } from '../signal/signal.ts';
import { type RequestFigures, RequestMeter } from './request-meter.ts';

/** How one pool, of connections or of workers, is used. */
export interface PoolFigures {
  /** Share of the pool in use, 0 to 1. */
  readonly utilization: number;
  readonly waiting: number;
  /** Mean wait for one, in milliseconds. */
  readonly waitTime: number;
}

/** What was let in and what was refused, since the start; times in milliseconds. */
export interface LimitFigures {
  /** Requests that are being answered. */
  readonly inFlight: number;
  readonly admitted: number;
  /** Refused without being begun, by reason and by class. */
  readonly shed: { readonly [R in ShedReason]: number };
  readonly shedByClass: { readonly [C in ShedClass]: number };
  /** Whether requests are refused by delay right now. */
  readonly overloaded: boolean;
  /** How late the event loop last was. */
  readonly delayMs: number;
  /** Calls of tools by the server's own limits; nothing where it has none. */
  readonly server: SlotFigures | undefined;
  /** Tools that have a `concurrency`, by name. */
  readonly tools: { readonly [name: string]: SlotFigures };
}

/** What is under way at once, and what waits for that. */
export interface SlotFigures {
  readonly running: number;
  readonly queued: number;
  /** Slots given, those after a wait included. */
  readonly entered: number;
  readonly cancelled: number;
  readonly refused: { readonly [R in 'queue-full' | 'deadline' | 'delay']: number };
  readonly waitMs: { readonly average: number; readonly p50: number; readonly p99: number; readonly max: number };
}

/** What a circuit breaker did since the start. */
export interface BreakerFigures {
  /** `open` while calls are refused, `half-open` once one may be tried. */
  readonly state: BreakerState;
  readonly calls: number;
  readonly failures: number;
  readonly failuresInRow: number;
  /** Calls that were not made. */
  readonly refused: number;
  /** How often it opened. */
  readonly opened: number;
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
  readonly limits: () => LimitFigures;
  readonly breakers: () => PerformanceMetrics['breakers'];
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
  readonly limits: LimitFigures;
  /** By the names of databases; `redis` is the cache's, `http` all origins together, in the worst of their states. */
  readonly breakers: { readonly [name: string]: BreakerFigures };
  readonly custom: { readonly [name: string]: CustomMetricFigures };
}

const MAX_CUSTOM_METRICS = 1_000;

/** Collects a server's metrics. */
export class PerformanceMonitor {
  readonly #meter: RequestMeter;
  readonly #clock: Clock;
  readonly #machine: MachineFacts;
  readonly #parts: MonitorParts;
  readonly #custom = new Map<string, CustomMetricFigures>();
  #cpuAt: number;
  #cpuMicros: number;

  constructor(parts: MonitorParts) {
    const { signals, clock, machine = readMachineFacts() } = parts;
    this.#parts = parts;
    this.#meter = new RequestMeter(signals, clock);
    this.#clock = clock;
    this.#machine = machine;
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
      cache: this.#parts.cache(),
      requests,
      responseTime,
      pools: this.#parts.pools(),
      limits: this.#parts.limits(),
      breakers: this.#parts.breakers(),
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

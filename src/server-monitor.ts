import { hostname } from 'node:os';
import type { Clock } from './kernel/clock.ts';
import { systemRandom } from './kernel/random.ts';
import {
  Alerts,
  type CustomMetricOptions,
  HealthCheck,
  type HealthReport,
  type HealthSources,
  type MetricSnapshot,
  MetricsServer,
  type MonitorSources,
  Otlp,
  type OutletState,
  type PerformanceMetrics,
  PerformanceMonitor,
  type PostRequest,
  type ResolvedAlerts,
  type ResolvedMonitorOptions,
  type ServingState,
  type TargetRow,
  type Vitals,
  VitalsMeter,
} from './monitor/monitor.ts';
import { ServerDashboard } from './server-dashboard.ts';
import { type EngineSignals, Signal, type Unsubscribe } from './signal/signal.ts';

/** What happened in one second, and all metrics at its end. */
export interface MonitorTick {
  readonly vitals: Vitals;
  readonly targets: readonly TargetRow[];
  readonly snapshot: MetricSnapshot;
}

/** What a server's monitor is made of. */
export interface ServerMonitorParts {
  readonly options: ResolvedMonitorOptions;
  readonly signals: EngineSignals;
  readonly clock: Clock;
  readonly sources: Omit<MonitorSources, 'state'>;
  readonly databases: HealthSources['databases'];
  readonly alerts: ResolvedAlerts;
  /** How the server calls itself to others. */
  readonly server: { readonly name: string; readonly version: string };
  /** How alerts are posted. */
  readonly post: PostRequest;
  /** The instance's name, where a supervisor watches and serves. */
  readonly supervisedAs: string | undefined;
}

const TICK_MS = 1_000;

/** A server's monitor: what it counted, whether the server is ready, and where both are served. */
export class ServerMonitor {
  /** What fired; alerts are watched for while the server runs and all is counted. */
  readonly alerts: Alerts;
  readonly #performance: PerformanceMonitor;
  readonly #otlp: Otlp | undefined;
  readonly #dashboard: ServerDashboard | undefined;
  readonly #parts: ServerMonitorParts;
  readonly #health: HealthCheck;
  readonly #ticks = new Signal<MonitorTick>();
  readonly #entered = new Signal<ServingState>();
  readonly #outlets: OutletState[] = [];
  readonly #closing: (() => void | Promise<void>)[] = [];
  #state: ServingState = 'starting';

  constructor(parts: ServerMonitorParts) {
    const { options, signals, clock, sources, databases } = parts;
    const state = (): ServingState => this.#state;
    this.#parts = parts;
    this.#performance = new PerformanceMonitor({
      signals,
      clock,
      counts: options.counts,
      instance: parts.supervisedAs ?? '',
      sources: { ...sources, state },
    });
    const health: HealthSources = {
      state,
      databases,
      overloaded: () => sources.limits().overloaded,
      breakers: () => this.#performance.breakers(),
      cacheTierUp: () => sources.cache().isRedisUsable,
      outlets: () => this.#outlets,
    };
    this.#health = new HealthCheck(health, clock);
    const { alerts: settings, server, post, supervisedAs: instance = '' } = parts;
    this.alerts = new Alerts({ settings, server: server.name, instance, clock, random: systemRandom, post });
    this.#otlp = options.otlp && this.#createOtlp(options.otlp);
    this.#dashboard = this.#createDashboard(state);
  }

  /** Where it is served, and what keeps it from that. */
  get outlets(): readonly OutletState[] {
    return this.#outlets;
  }

  /** How the server is doing. */
  figures(): PerformanceMetrics {
    return this.#performance.figures(this.#outlets);
  }

  /** Records a value of a business metric. @throws {OptionError} */
  recordCustom(name: string, value: number, options?: CustomMetricOptions): void {
    this.#performance.recordCustom(name, value, options);
  }

  /** All metrics now, as plain JSON. */
  snapshot(): MetricSnapshot {
    return this.#performance.snapshot();
  }

  /** Whether the server is to get requests, and what does not work. */
  health(): Promise<HealthReport> {
    return this.#health.report();
  }

  /** Tells what happened, once a second while the server runs and the configuration has a monitor. */
  onTick(listener: (tick: MonitorTick) => void): Unsubscribe {
    return this.#ticks.on(listener);
  }

  /** Runs what a call does at the place of that call in its trace, where there are traces. */
  runTraced<R>(call: object, meta: unknown, work: () => R): R {
    return this.#otlp === undefined ? work() : this.#otlp.run(call, meta, work);
  }

  /** Tells each change of where the server is in its life. */
  onState(listener: (state: ServingState) => void): Unsubscribe {
    return this.#entered.on(listener);
  }

  /**
   * Opens what the configuration asks for. A port that cannot be had is told of and stops nobody.
   *
   * @throws {PeregrineError} `DRIVER_MISSING` when a package that it needs is not installed.
   */
  async open(): Promise<void> {
    const { options, clock, supervisedAs } = this.#parts;
    if (options.counts !== 'all' || this.#closing.length > 0) return;
    this.#performance.start();
    if (supervisedAs === undefined) this.#closing.push(this.onTick(({ vitals }) => this.alerts.observe('', vitals)));
    this.#closing.push(() => this.alerts.close());
    this.#closing.push(() => this.#otlp?.close());
    await this.#otlp?.open();
    const vitals = new VitalsMeter();
    this.#closing.push(clock.every(TICK_MS, () => this.#tick(vitals)));
    await this.#openMetrics();
    await this.#openDashboard();
  }

  /** Notes where a part of the monitor is served, or that it is not. */
  addOutlet(outlet: OutletState): void {
    this.#outlets.push(outlet);
    if (outlet.problem === null) return;
    process.emitWarning(outlet.problem, 'PeregrineMonitorWarning');
    this.#reportFault(new Error(outlet.problem));
  }

  /** Notes where the server is in its life, which health and the metrics tell. */
  enter(state: ServingState): void {
    this.#state = state;
    this.#entered.emit(state);
  }

  /** Closes what {@link open} opened, which can be opened again. What was counted stays. */
  async close(): Promise<void> {
    const closing = this.#closing.splice(0);
    this.#outlets.splice(0);
    await Promise.all(closing.map((close) => close()));
    this.#performance.stop();
  }

  async #openMetrics(): Promise<void> {
    const { access, prometheusPort: port } = this.#parts.options;
    if (port === undefined) return;
    const server = new MetricsServer({
      access,
      port,
      snapshot: () => this.snapshot(),
      health: () => this.health(),
      onFault: (error) => this.#reportFault(error),
    });
    this.#closing.push(() => server.close());
    this.addOutlet(await server.listen());
  }

  async #openDashboard(): Promise<void> {
    const dashboard = this.#dashboard;
    if (dashboard === undefined) return;
    this.#closing.push(
      this.alerts.changed.on((alert) => dashboard.note(alert)),
      this.onTick((tick) => dashboard.show(tick)),
      () => dashboard.close(),
    );
    this.addOutlet(await dashboard.listen());
  }

  #createDashboard(state: () => ServingState): ServerDashboard | undefined {
    const { options, server, clock } = this.#parts;
    const { dashboardPort } = options;
    if (dashboardPort === undefined) return undefined;
    return new ServerDashboard({
      options: { ...options, dashboardPort },
      server,
      clock,
      state,
      health: () => this.health(),
      onFault: (error) => this.#reportFault(error),
    });
  }

  #createOtlp(settings: NonNullable<ResolvedMonitorOptions['otlp']>): Otlp {
    const { server, signals, clock, alerts } = this.#parts;
    const parts = { settings, server, signals, clock, random: systemRandom, logger: alerts.logger };
    return new Otlp({ ...parts, instance: `${hostname()}-${process.pid}`, snapshot: () => this.snapshot() });
  }

  #tick(meter: VitalsMeter): void {
    if (!this.#ticks.active) return;
    try {
      const snapshot = this.snapshot();
      const read = meter.read(snapshot);
      if (read !== undefined) this.#ticks.emit({ ...read, snapshot });
    } catch (error) {
      this.#reportFault(error);
    }
  }

  #reportFault(error: unknown): void {
    this.#parts.signals.fault.emit({ where: 'monitor', error });
  }
}

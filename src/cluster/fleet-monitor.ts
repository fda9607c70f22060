import { type Clock, systemClock } from '../kernel/clock.ts';
import type { Logger } from '../kernel/logger.ts';
import { readVersion } from '../kernel/package-version.ts';
import { systemRandom } from '../kernel/random.ts';
import {
  type AlertRecord,
  Alerts,
  DashboardServer,
  type HealthReport,
  type InstanceState,
  LiveFeed,
  METRICS,
  type MetricFamily,
  type MetricSnapshot,
  MetricsServer,
  mergeSnapshots,
  type OutletState,
  resolveAlerts,
  resolveMonitorOptions,
  type ScalingFigures,
  type Vitals,
  VitalsMeter,
} from '../monitor/monitor.ts';
import type { Fleet } from './fleet.ts';
import { FleetCounts } from './fleet-counts.ts';
import type { Instance, InstanceStage, StartedMessage } from './instance.ts';

export interface FleetMonitorParts {
  readonly fleet: Fleet;
  /** What the first instance said of itself. */
  readonly started: StartedMessage;
  /** What takes the place of the server's own choice, where it is given. */
  readonly ports: { readonly prometheusPort: unknown; readonly dashboardPort: unknown };
  readonly logger: Logger;
  readonly clock?: Clock;
  readonly scaling: () => ScalingFigures;
}

const TICK_MS = 1_000;
const STATES: { readonly [S in InstanceStage]: InstanceState['state'] } = {
  starting: 'starting',
  ready: 'ready',
  unresponsive: 'not-ready',
  draining: 'draining',
  gone: 'gone',
};

/** The monitor of all instances together: none of them is held up by it, nor holds it up. */
export class FleetMonitor {
  readonly alerts: Alerts;
  readonly outlets: OutletState[] = [];
  readonly #parts: FleetMonitorParts;
  readonly #clock: Clock;
  readonly #feed: LiveFeed;
  readonly #meters = new WeakMap<Instance, VitalsMeter>();
  readonly #observed = new WeakMap<Instance, MetricSnapshot>();
  readonly #vitals = new WeakMap<Instance, Vitals>();
  readonly #all = new VitalsMeter();
  readonly #counts: FleetCounts;
  readonly #closing: (() => void | Promise<void>)[] = [];
  readonly #news: AlertRecord[] = [];

  /** @throws {OptionError} when a setting of the server's monitor or alerts is not valid. */
  constructor(parts: FleetMonitorParts) {
    const { started, clock = systemClock, fleet, scaling } = parts;
    const { server, settings } = started;
    this.#parts = parts;
    this.#clock = clock;
    this.#counts = new FleetCounts(fleet, scaling);
    this.#feed = new LiveFeed({ server: { ...server, peregrine: readVersion() }, startedAt: clock.wallNow() });
    this.alerts = new Alerts({
      settings: resolveAlerts(settings.alertThresholds, settings.alerts),
      server: server.name,
      clock,
      random: systemRandom,
      post: (url, init) => fetch(url, init),
    });
    this.alerts.changed.on((record) => this.#tell(record));
    fleet.changed.on(({ instance, stage }) => {
      if (stage === 'gone') this.alerts.forget(instance.name);
    });
  }

  /** Serves what the server's configuration, or the command line, asks for; a port that cannot be had stops nobody. */
  async open(): Promise<void> {
    const { started, ports } = this.#parts;
    this.#closing.push(this.#clock.every(TICK_MS, () => this.#tick()));
    const given = started.settings.monitor;
    const isOff = given === false && ports.prometheusPort === undefined && ports.dashboardPort === undefined;
    if (isOff) return;
    const chosen = Object.fromEntries(Object.entries(ports).filter(([, port]) => port !== undefined));
    const options = resolveMonitorOptions({ ...(typeof given === 'object' ? given : {}), ...chosen, otlp: undefined });
    const { access, prometheusPort, dashboardPort } = options;
    const onFault = (error: unknown): void =>
      this.#parts.logger.warn({ error: String(error) }, 'the monitor has a fault');
    if (prometheusPort !== undefined) {
      const parts = { access, port: prometheusPort, onFault };
      const server = new MetricsServer({ ...parts, snapshot: () => this.snapshot(), health: () => this.health() });
      this.#closing.push(() => server.close());
      this.outlets.push(await server.listen());
    }
    if (dashboardPort !== undefined) {
      const server = new DashboardServer({
        access,
        port: dashboardPort,
        feed: this.#feed,
        clock: this.#clock,
        onFault,
      });
      this.#closing.push(() => server.close());
      this.outlets.push(await server.listen());
    }
  }

  async close(): Promise<void> {
    this.alerts.close();
    await Promise.all(this.#closing.splice(0).map((close) => close()));
  }

  /** The metrics of all instances, those that are gone included in what is counted. */
  snapshot(): MetricSnapshot {
    const { fleet } = this.#parts;
    const living = fleet.instances.flatMap(({ snapshot }) => snapshot ?? []);
    const merged = mergeSnapshots([this.#counts.departed, ...living.map(withoutInstances)]);
    return { ...merged, at: this.#clock.wallNow(), families: [...merged.families, ...this.#counts.families()] };
  }

  /** Ready while an instance is: the rest shows as degraded. */
  async health(): Promise<HealthReport> {
    const { instances } = this.#parts.fleet;
    const ready = instances.filter((one) => one.stage === 'ready' && one.health?.status !== 'not-ready');
    const degraded = instances.flatMap(({ name, stage, health }) => [
      ...(stage === 'unresponsive' ? [`instance ${name} does not respond`] : []),
      ...(health?.degraded ?? []).map((what) => `instance ${name}: ${what}`),
    ]);
    const outlets = this.outlets.flatMap(({ problem }) => problem ?? []);
    const isReady = ready.length > 0;
    return {
      status: isReady ? 'ready' : 'not-ready',
      reasons: isReady ? [] : ['no instance is ready'],
      degraded: [...degraded, ...outlets],
    };
  }

  #tick(): void {
    const { fleet } = this.#parts;
    for (const instance of fleet.instances) this.#observe(instance);
    const read = this.#all.read(this.snapshot());
    if (read === undefined) return;
    this.alerts.observe('', ofAll(read.vitals));
    const instances = fleet.instances.map((instance) => this.#stateOf(instance));
    this.#feed.tick({ ...read, instances, alerts: this.#news.splice(0) });
  }

  #observe(instance: Instance): void {
    const { snapshot, name } = instance;
    if (snapshot === undefined || snapshot === this.#observed.get(instance)) return; // Nothing new: not that it did nothing.
    this.#observed.set(instance, snapshot);
    const meter = this.#meters.get(instance) ?? new VitalsMeter();
    this.#meters.set(instance, meter);
    const read = meter.read(snapshot);
    if (read === undefined) return;
    this.#vitals.set(instance, read.vitals);
    if (instance.isCounted) this.alerts.observe(name, ofOne(read.vitals));
  }

  #stateOf(instance: Instance): InstanceState {
    const { name, stage, health, launchedAt: startedAt } = instance;
    const reasons = stage === 'unresponsive' ? ['does not respond'] : (health?.reasons ?? []);
    const vitals = this.#vitals.get(instance) ?? null;
    return { name, state: STATES[stage], reasons, degraded: health?.degraded ?? [], startedAt, vitals };
  }

  /** Each alert goes to the instance that it is about, one about all, or about one that is gone, to the first: there the author listens. */
  #tell(record: AlertRecord): void {
    this.#news.push(record);
    const { fleet } = this.#parts;
    const subject = fleet.instances.find(({ name }) => name === record.instance);
    if (subject === undefined) fleet.tellFirst({ kind: 'alert', record });
    else subject.send({ kind: 'alert', record });
  }
}

/** The supervisor knows better in which state an instance is. */
function withoutInstances(snapshot: MetricSnapshot): MetricSnapshot {
  const isOther = ({ name }: MetricFamily): boolean => name !== METRICS.instances.name;
  return { ...snapshot, families: snapshot.families.filter(isOther) };
}

/** What is decided for each instance by itself: a leak in one is no leak in all. */
function ofOne(vitals: Vitals): Vitals {
  const { requests, cache } = vitals;
  return {
    ...vitals,
    requests: { ...requests, errorRate: null },
    responseTime: null,
    cache: { ...cache, hitRate: null },
    pools: {},
  };
}

/** And what is decided for all together. */
function ofAll(vitals: Vitals): Vitals {
  return { ...vitals, cpu: { ...vitals.cpu, usage: 0 }, memory: { ...vitals.memory, percentage: 0 } };
}

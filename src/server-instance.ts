import type { EventEmitter } from 'node:events';
import type { Cache, Invalidation } from './cache/cache.ts';
import {
  BEAT_EVERY_MS,
  InstanceLink,
  InstancePeers,
  type SupervisedSettings,
  type ToInstance,
} from './cluster/cluster.ts';
import type { CancelTimer, Clock } from './kernel/clock.ts';
import { digestOf } from './kernel/digest.ts';
import type { InstancePlace } from './kernel/instance-place.ts';
import { silentLogger, stderrLogger } from './kernel/logger.ts';
import { terminate } from './kernel/process-signals.ts';
import type { MetricSnapshot } from './monitor/monitor.ts';
import { type ChangeBus, type ChangeEvent, createLocalBus } from './protocol/protocol.ts';
import type { ServerEvents } from './server-api.ts';
import type { OptimizedServerConfig, ResolvedServerConfig } from './server-config.ts';
import type { ServerMonitor, ServerMonitorParts } from './server-monitor.ts';

type MonitorSettings = Pick<ServerMonitorParts, 'options' | 'alerts' | 'supervisedAs'>;

/** How long clients have, when the server drains, to learn by an answer that their connection ends. */
export const IDLE_GRACE_MS = 1_000;

/** How long the last report may take to leave: a supervisor that stands still does not keep its instances. */
const LAST_REPORT_MS = 1_000;

/** The parts of a server that its supervisor acts upon. */
export interface SupervisedParts {
  readonly config: OptimizedServerConfig;
  readonly settings: ResolvedServerConfig;
  readonly cache: Cache;
  readonly monitor: ServerMonitor;
  /** Who is told of changes of the number of instances. */
  readonly events: EventEmitter<ServerEvents>;
  readonly rebalance: (share: number) => void;
  readonly stop: () => Promise<void>;
}

/** A server as one of several instances under a supervisor. Alone it is no more than a local bus. */
export class ServerInstance {
  /** Carries changes, to the other instances too. */
  readonly bus: ChangeBus;
  readonly #link: InstanceLink | undefined;
  /** The way to the other instances and to what the supervisor keeps; nothing without one. */
  readonly peers: InstancePeers | undefined;
  readonly #local = createLocalBus();
  readonly #clock: Clock;
  #stopBeats: CancelTimer | undefined;

  constructor({ http, clock }: ResolvedServerConfig) {
    const link = http === undefined ? undefined : InstanceLink.claim();
    this.#link = link;
    this.#clock = clock;
    this.peers = link && new InstancePeers(link, clock);
    const { publish, subscribe } = this.#local;
    const { peers } = this;
    this.bus = {
      subscribe,
      publish(event) {
        publish(event);
        peers?.publish(event);
      },
    };
  }

  /** What the supervisor gave it; nothing without one. */
  get place(): InstancePlace | undefined {
    return this.#link?.place;
  }

  /** What all instances of one supervisor have in common; nothing without one. */
  get group(): string | undefined {
    return this.place && digestOf(this.place.stateSecret);
  }

  /** Tells those who listen to this instance of a change elsewhere. */
  deliver(event: ChangeEvent): void {
    this.#local.publish(event);
  }

  /** How the server is monitored: a supervised one counts all, and leaves serving and watching to its supervisor. */
  monitorSettings({ monitor: options, alerts }: ResolvedServerConfig): MonitorSettings {
    if (this.place === undefined) return { options, alerts, supervisedAs: undefined };
    return {
      options: { ...options, counts: 'all', prometheusPort: undefined, dashboardPort: undefined },
      alerts: { ...alerts, logger: alerts.logger === stderrLogger ? silentLogger : alerts.logger, webhook: undefined },
      supervisedAs: this.place.name,
    };
  }

  /** How long idle connections are kept while the server drains: where others take over, nothing may be lost. */
  get idleGraceMs(): number {
    return this.#link === undefined ? 0 : IDLE_GRACE_MS;
  }

  /** Has the other instances invalidate; nothing without a supervisor. */
  get invalidatePeers(): ((invalidation: Invalidation) => Promise<boolean>) | undefined {
    const { peers } = this;
    return peers && ((invalidation) => peers.invalidate(invalidation));
  }

  /** Tells the supervisor that the server serves, reports to it from now on, and does what it says. */
  join(url: string | undefined, parts: SupervisedParts): void {
    const link = this.#link;
    if (link === undefined) return;
    const { monitor, settings, config } = parts;
    // Ctrl-C and a terminal's end reach the whole group; the supervisor has every instance drain, or replaces it.
    for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => {});
    this.#stopBeats = settings.clock.every(BEAT_EVERY_MS, () => void link.send({ kind: 'beat' }));
    let isReporting = false; // One report waits at most, should the supervisor read none.
    const report = async (snapshot: MetricSnapshot): Promise<void> => {
      if (isReporting) return;
      isReporting = true;
      await link.send({ kind: 'tick', snapshot, health: await monitor.health() });
      isReporting = false;
    };
    monitor.onTick(({ snapshot }) => void report(snapshot));
    monitor.onState((state) => {
      if (state === 'draining') void link.send({ kind: 'draining' });
    });
    link.heard.on((message) => this.#obey(message, parts));
    const { name, version } = settings.serverInfo;
    void link.send({ kind: 'started', url, server: { name, version }, settings: toldSettings(config, settings) });
  }

  #obey(message: ToInstance, { stop, rebalance, monitor, cache, events }: SupervisedParts): void {
    if (message.kind === 'drain') void terminate(stop);
    else if (message.kind === 'rebalance') rebalance(message.share);
    else if (message.kind === 'change') this.deliver(message.event as ChangeEvent);
    else if (message.kind === 'scale') {
      const { recommendation } = message;
      events.emit(`scale-${recommendation.direction}-needed`, recommendation);
    } else if (message.kind === 'alert') monitor.alerts.tell([message.record]);
    else if (message.kind === 'invalidate') {
      cache.hear(message.invalidation as Invalidation);
      void this.#link?.send({ kind: 'done', id: message.id });
    }
  }

  /** The server has stopped: tells what it counted to the end. */
  async close(monitor: ServerMonitor): Promise<void> {
    this.#stopBeats?.();
    if (this.#link === undefined) return;
    const told = this.#link.send({ kind: 'tick', snapshot: monitor.snapshot(), health: await monitor.health() });
    const { promise: isLate, resolve } = Promise.withResolvers<void>();
    const cancel = this.#clock.after(LAST_REPORT_MS, resolve);
    await Promise.race([told, isLate]);
    cancel();
    this.#link.release();
  }
}

/** A logger of the author's own stays here, and is told what the supervisor finds. */
function toldSettings(
  { monitor, alertThresholds, scaling, alerts = {} }: OptimizedServerConfig,
  { stateStore }: ResolvedServerConfig,
): SupervisedSettings {
  const { logger, ...others } = alerts;
  return {
    monitor,
    alertThresholds,
    scaling,
    stateCharacters: stateStore.maxCharacters,
    alerts: { ...others, ...(logger === undefined ? {} : { logger: false }) },
  };
}

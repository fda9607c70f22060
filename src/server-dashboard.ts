import type { Clock } from './kernel/clock.ts';
import { readVersion } from './kernel/package-version.ts';
import {
  type AlertRecord,
  DashboardServer,
  type HealthReport,
  LiveFeed,
  type LiveTick,
  type OutletState,
  type ResolvedMonitorOptions,
  type ServingState,
} from './monitor/monitor.ts';

/** What the dashboard of a server alone is made of. */
export interface ServerDashboardParts {
  readonly options: ResolvedMonitorOptions & { readonly dashboardPort: number };
  readonly server: { readonly name: string; readonly version: string };
  readonly clock: Clock;
  readonly state: () => ServingState;
  readonly health: () => Promise<HealthReport>;
  readonly onFault: (error: unknown) => void;
}

/** The dashboard of a server alone: it goes on remembering while the server is stopped and started. */
export class ServerDashboard {
  readonly #parts: ServerDashboardParts;
  readonly #feed: LiveFeed;
  readonly #startedAt: number;
  readonly #alerts: AlertRecord[] = [];
  #server: DashboardServer | undefined;
  #health: HealthReport | undefined;

  constructor(parts: ServerDashboardParts) {
    this.#parts = parts;
    this.#startedAt = parts.clock.wallNow();
    const server = { ...parts.server, peregrine: readVersion() };
    this.#feed = new LiveFeed({ server, startedAt: this.#startedAt });
  }

  /** Listens, or says what keeps it from that. Never throws. */
  listen(): Promise<OutletState> {
    const { options, clock, onFault } = this.#parts;
    const { access, dashboardPort: port } = options;
    this.#server = new DashboardServer({ access, port, feed: this.#feed, clock, onFault });
    return this.#server.listen();
  }

  /** Notes an alert that fired or cleared. */
  note(alert: AlertRecord): void {
    this.#alerts.push(alert);
  }

  /** Shows what happened in a second. */
  show({ vitals, targets }: Pick<LiveTick, 'vitals' | 'targets'>): void {
    if (this.#feed.clients > 0) this.#askHealth();
    const { reasons = [], degraded = [] } = this.#health ?? {};
    const instance = { name: '', state: this.#parts.state(), reasons, degraded, startedAt: this.#startedAt, vitals };
    this.#feed.tick({ vitals, targets, instances: [instance], alerts: this.#alerts.splice(0) });
  }

  async close(): Promise<void> {
    await this.#server?.close();
    this.#server = undefined;
  }

  /** What it answers shows in the next second. */
  #askHealth(): void {
    this.#parts.health().then((report) => {
      this.#health = report;
    }, this.#parts.onFault);
  }
}

import { History, toRow } from '../../../src/monitor/history.ts';
import type { HelloMessage, InstanceState, LiveMessage, TickMessage } from '../../../src/monitor/live-protocol.ts';
import type { AlertRecord, TargetRow, Vitals } from '../../../src/monitor/vitals.ts';

const MAX_ALERTS = 500;

/** All that the page shows, as told by the server. */
export class LiveStore {
  readonly seconds = new History({ rows: 900, periodMs: 1_000 });
  readonly minutes = new History({ rows: 1_440, periodMs: 60_000 });
  server: HelloMessage['server'] | undefined;
  startedAt = 0;
  vitals: Vitals | undefined;
  instances: readonly InstanceState[] = [];
  /** By `method target`; a row that did not change stays the same object. */
  targets: ReadonlyMap<string, TargetRow> = new Map();
  /** Latest first. */
  alerts: readonly AlertRecord[] = [];

  /** End of the last second that is known, in milliseconds since 1970. */
  get lastAt(): number {
    return Math.max(0, this.seconds.lastAt);
  }

  take(message: LiveMessage): void {
    if (message.type === 'hello') this.#start(message);
    else this.#tick(message);
  }

  #start(hello: HelloMessage): void {
    const { server, startedAt, seconds, minutes, vitals, instances, targets, alerts } = hello;
    // What an earlier server's alerts became, nobody tells.
    if (startedAt !== this.startedAt) this.alerts = this.alerts.filter(({ state }) => state === 'cleared');
    this.server = server;
    this.startedAt = startedAt;
    this.seconds.addAll(seconds);
    this.minutes.addAll(minutes);
    this.vitals = vitals ?? this.vitals;
    this.instances = instances;
    this.targets = new Map(targets.map((row) => [nameOf(row), row]));
    this.#note(alerts);
  }

  #tick({ vitals, minute, instances, targets, removed, alerts }: TickMessage): void {
    this.vitals = vitals;
    this.seconds.add(vitals.at, toRow(vitals));
    if (minute !== undefined) this.minutes.addAll(minute);
    this.instances = instances;
    if (targets.length > 0 || removed.length > 0) {
      const rows = new Map(this.targets);
      for (const row of targets) rows.set(nameOf(row), row);
      for (const name of removed) rows.delete(name);
      this.targets = rows;
    }
    this.#note(alerts);
  }

  #note(alerts: readonly AlertRecord[]): void {
    if (alerts.length === 0) return;
    const known = new Map(this.alerts.map((alert) => [keyOf(alert), alert]));
    for (const alert of alerts) known.set(keyOf(alert), alert);
    this.alerts = [...known.values()].toSorted((a, b) => b.firedAt - a.firedAt || b.id - a.id).slice(0, MAX_ALERTS);
  }
}

function nameOf({ method, target }: TargetRow): string {
  return `${method} ${target}`;
}

/** Numbers of alerts begin anew with a server. */
function keyOf({ id, firedAt }: AlertRecord): string {
  return `${id} ${firedAt}`;
}

import { History, toRow, type VitalRow } from './history.ts';
import type { HelloMessage, InstanceState, TickMessage, VitalColumns } from './live-protocol.ts';
import { MinuteMeter } from './minute-meter.ts';
import type { AlertRecord, TargetRow, Vitals } from './vitals.ts';

/** A page that watches. */
export interface LiveClient {
  /** Bytes that were sent and did not yet leave. */
  readonly waitingBytes: number;
  send(message: string): void;
  /** Ends the connection: it does not read what it is sent. */
  drop(): void;
}

/** What a second brought, of a server or of all its instances together. */
export interface LiveTick {
  readonly vitals: Vitals;
  readonly instances: readonly InstanceState[];
  readonly targets: readonly TargetRow[];
  /** That fired or cleared since the tick before. */
  readonly alerts: readonly AlertRecord[];
}

export interface LiveFeedParts {
  readonly server: HelloMessage['server'];
  readonly startedAt: number;
}

const SECONDS = { rows: 900, periodMs: 1_000 };
const MINUTES = { rows: 1_440, periodMs: 60_000 };
const MAX_ALERTS = 500;
/** Of one client; a whole history is less. */
const MAX_WAITING_BYTES = 4_194_304;

/** Remembers how a server did, and tells it to those who watch. While nobody does, it only remembers. */
export class LiveFeed {
  readonly #parts: LiveFeedParts;
  readonly #seconds = new History(SECONDS);
  readonly #minutes = new History(MINUTES);
  readonly #minute = new MinuteMeter();
  readonly #alerts = new Map<number, AlertRecord>();
  readonly #clients = new Set<LiveClient>();
  #last: LiveTick | undefined;
  /** The rows of the last tick by name, while somebody watches. */
  #rows: ReadonlyMap<string, TargetRow> = new Map();

  constructor(parts: LiveFeedParts) {
    this.#parts = parts;
  }

  /** How many watch. */
  get clients(): number {
    return this.#clients.size;
  }

  /** Sends what a page has missed since that time, and from now on every tick. Returns what ends that. */
  attach(client: LiveClient, since: number): () => void {
    if (this.#clients.size === 0) this.#rows = byName(this.#last?.targets ?? []);
    this.#clients.add(client);
    client.send(JSON.stringify(this.#hello(since)));
    return () => void this.#clients.delete(client);
  }

  /** Takes what happened in a second. */
  tick(tick: LiveTick): void {
    const { vitals } = tick;
    this.#last = tick;
    for (const alert of tick.alerts) this.#remember(alert);
    const row = toRow(vitals);
    this.#seconds.add(vitals.at, row);
    const minute = this.#minute.add(vitals.at, row);
    if (minute !== undefined) this.#minutes.add(minute.at, minute.row);
    if (this.#clients.size > 0) this.#tell(tick, minute && toColumns(minute.at, minute.row));
  }

  #tell({ vitals, instances, targets, alerts }: LiveTick, minute: VitalColumns | undefined): void {
    const before = this.#rows;
    this.#rows = byName(targets);
    const message: TickMessage = {
      type: 'tick',
      vitals,
      ...(minute && { minute }),
      instances,
      targets: targets.filter((row) => !isSame(row, before.get(nameOf(row)))),
      removed: [...before.keys()].filter((name) => !this.#rows.has(name)),
      alerts,
    };
    const text = JSON.stringify(message);
    for (const client of this.#clients) {
      if (client.waitingBytes <= MAX_WAITING_BYTES) client.send(text);
      else {
        this.#clients.delete(client);
        client.drop();
      }
    }
  }

  #hello(since: number): HelloMessage {
    return {
      type: 'hello',
      protocol: 1,
      ...this.#parts,
      seconds: this.#seconds.since(since),
      // A page that saw a minute's last second has not seen the minute.
      minutes: this.#minutes.since(since - 1),
      vitals: this.#last?.vitals ?? null,
      instances: this.#last?.instances ?? [],
      targets: this.#last?.targets ?? [],
      alerts: [...this.#alerts.values()].filter(({ firedAt, clearedAt }) => (clearedAt ?? firedAt) > since),
    };
  }

  #remember(alert: AlertRecord): void {
    this.#alerts.delete(alert.id);
    this.#alerts.set(alert.id, alert);
    if (this.#alerts.size <= MAX_ALERTS) return;
    const [oldest] = this.#alerts.keys();
    this.#alerts.delete(oldest as number);
  }
}

/** How a row is called where it is removed. */
function nameOf({ method, target }: TargetRow): string {
  return `${method} ${target}`;
}

function byName(rows: readonly TargetRow[]): Map<string, TargetRow> {
  return new Map(rows.map((row) => [nameOf(row), row]));
}

function isSame(row: TargetRow, before: TargetRow | undefined): boolean {
  const [now, then] = [row.responseTime, before?.responseTime];
  if (before === undefined || row.total !== before.total || row.errors !== before.errors) return false;
  if (row.perSecond !== before.perSecond) return false;
  if (now === null || then === null || then === undefined) return now === then;
  return now.average === then.average && now.p50 === then.p50 && now.p95 === then.p95 && now.p99 === then.p99;
}

function toColumns(at: number, row: VitalRow): VitalColumns {
  return { at: [at], columns: Object.fromEntries(Array.from(row, ([name, value]) => [name, [value]])) };
}

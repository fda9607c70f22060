import type { AlertRecord, TargetRow, Vitals } from './vitals.ts';

/** An instance as the dashboard lists it. */
export interface InstanceState {
  readonly name: string;
  readonly state: 'starting' | 'ready' | 'not-ready' | 'draining' | 'gone';
  /** Why it is not ready; empty when it is. */
  readonly reasons: readonly string[];
  /** What does not work although it is ready. */
  readonly degraded: readonly string[];
  readonly startedAt: number;
  readonly vitals: Vitals | null;
}

/**
 * Vitals of several times, oldest first, as columns: a tenth of the text that they would be one by one. A column is named by its
 * place in {@link Vitals}, such as `requests.perSecond` or `pools.main.inUse`, and has a number for each time, or nothing.
 */
export interface VitalColumns {
  readonly at: readonly number[];
  readonly columns: { readonly [name: string]: readonly (number | null)[] };
}

/**
 * The first message on a dashboard's WebSocket (`/live?since=<at of the last tick seen>`): all that a page needs to start, or to
 * catch up with what it missed.
 */
export interface HelloMessage {
  readonly type: 'hello';
  /** Of this protocol; a page that knows another reloads itself. */
  readonly protocol: 1;
  readonly server: { readonly name: string; readonly version: string; readonly peregrine: string };
  readonly startedAt: number;
  /** Of all instances together: up to 15 minutes a second each, and up to 24 hours a minute each (means; P99 and delays: maxima). */
  readonly seconds: VitalColumns;
  readonly minutes: VitalColumns;
  /** The last second; nothing before the first. */
  readonly vitals: Vitals | null;
  readonly instances: readonly InstanceState[];
  readonly targets: readonly TargetRow[];
  /** Those that fired or cleared since. */
  readonly alerts: readonly AlertRecord[];
}

/** Once a second. */
export interface TickMessage {
  readonly type: 'tick';
  readonly vitals: Vitals;
  /** The minute that ended, set once a minute. */
  readonly minute?: VitalColumns;
  readonly instances: readonly InstanceState[];
  /** Rows that changed since the message before. */
  readonly targets: readonly TargetRow[];
  /** Names of rows that are gone: `method target`. */
  readonly removed: readonly string[];
  /** Alerts that fired or cleared since the message before. */
  readonly alerts: readonly AlertRecord[];
}

export type LiveMessage = HelloMessage | TickMessage;

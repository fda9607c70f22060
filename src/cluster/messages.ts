import type { ScaleRecommendation } from '../balance/balance.ts';
import type { AlertRecord, HealthReport, MetricSnapshot } from '../monitor/monitor.ts';
import type { StateCall } from '../state/state.ts';

/** The parts of an instance's configuration that its supervisor acts upon, as they were given. */
export interface SupervisedSettings {
  readonly monitor: unknown;
  readonly alertThresholds: unknown;
  readonly alerts: unknown;
  readonly scaling: unknown;
  /** Characters of state that are kept for all of them at most. */
  readonly stateCharacters: number;
}

/** What an instance tells its supervisor. Everything is plain JSON. */
export type FromInstance =
  /** It serves. `url` is missing where it does not listen. */
  | {
      readonly kind: 'started';
      readonly url: string | undefined;
      readonly server: { readonly name: string; readonly version: string };
      readonly settings: SupervisedSettings;
    }
  | { readonly kind: 'beat' }
  /** It takes nothing new any more. */
  | { readonly kind: 'draining' }
  | { readonly kind: 'tick'; readonly snapshot: MetricSnapshot; readonly health: HealthReport }
  /** To be told to all others: a change that clients may listen for. */
  | { readonly kind: 'change'; readonly event: unknown }
  /** To be carried out by all others; `invalidated` answers once they have. */
  | { readonly kind: 'invalidate'; readonly id: number; readonly invalidation: unknown }
  /** What another one wanted invalidated is. */
  | { readonly kind: 'done'; readonly id: number }
  /** Asks for what the supervisor keeps; `state` answers. */
  | { readonly kind: 'state'; readonly id: number; readonly call: StateCall }
  /** To be told to all others. */
  | MessageToAll;

/** A message for those that subscribe to its channel. */
export interface MessageToAll {
  readonly kind: 'message';
  readonly channel: string;
  readonly text: string;
}

/** What a supervisor tells an instance. */
export type ToInstance =
  /** Finish what is in flight, and exit. */
  | { readonly kind: 'drain' }
  /** Let go of this share of the connections. */
  | { readonly kind: 'rebalance'; readonly share: number }
  | { readonly kind: 'change'; readonly event: unknown }
  | { readonly kind: 'invalidate'; readonly id: number; readonly invalidation: unknown }
  | { readonly kind: 'invalidated'; readonly id: number; readonly byAll: boolean }
  | { readonly kind: 'state'; readonly id: number; readonly result?: unknown }
  | MessageToAll
  /** The number of instances changes. */
  | { readonly kind: 'scale'; readonly recommendation: ScaleRecommendation }
  /** An alert about this instance, or about all. */
  | { readonly kind: 'alert'; readonly record: AlertRecord };

/** How often an instance shows that its event loop turns. */
export const BEAT_EVERY_MS = 250;

import type { Clock } from '../../kernel/clock.ts';
import type { AlertKey, AlertRecord, Vitals } from '../vitals.ts';
import { ALERT_RULES, type AlertRule, clearingThreshold, isBeyond } from './alert-rules.ts';
import { Track } from './track.ts';

/** Both must be beyond the threshold: the long one says that it matters, the short one that it goes on. */
export const SHORT_WINDOW_MS = 15_000;
export const LONG_WINDOW_MS = 60_000;
/** So many seconds must be beyond the threshold themselves: a burst within one or two is none. */
const MIN_BAD_SECONDS = 3;
/** Longer without a look, and the windows begin anew. */
const MAX_GAP_MS = 5_000;
const FIRST_SECOND_MS = 1_000;

/** The threshold of each key, in its unit; `false` where it is not watched. */
export type AlertThresholds = { readonly [K in AlertKey]: number | false };

export interface AlertEngineParts {
  readonly thresholds: AlertThresholds;
  readonly clock: Clock;
  /** How many records are remembered. @default 500 */
  readonly keep?: number;
}

interface Watched {
  readonly rule: AlertRule;
  readonly threshold: number;
  readonly subject: string;
  readonly track: Track;
  firing: AlertRecord | undefined;
}

interface Instance {
  seenAt: number;
  readonly watched: Map<string, Watched>;
}

/**
 * Decides when alerts fire and clear, for each instance and each of its pools by itself.
 *
 * One fires when the means of both windows are beyond the threshold, and clears when both are back beyond a better one: so it
 * neither fires for a moment's spike nor flaps around its threshold. See docs/guides/monitoring.md.
 */
export class AlertEngine {
  readonly #thresholds: AlertThresholds;
  readonly #clock: Clock;
  readonly #keep: number;
  readonly #instances = new Map<string, Instance>();
  readonly #records: AlertRecord[] = [];
  #lastId = 0;

  constructor({ thresholds, clock, keep = 500 }: AlertEngineParts) {
    this.#thresholds = thresholds;
    this.#clock = clock;
    this.#keep = keep;
  }

  /** What fired and cleared, oldest first; of a bounded number the newest. */
  get history(): readonly AlertRecord[] {
    return [...this.#records];
  }

  get firing(): readonly AlertRecord[] {
    const all = [...this.#instances.values()].flatMap(({ watched }) => [...watched.values()]);
    return all.flatMap(({ firing }) => (firing === undefined ? [] : [firing])).sort((a, b) => a.id - b.id);
  }

  /** Looks at an instance, once a second. Returns what fired or cleared by that. */
  observe(name: string, vitals: Vitals): readonly AlertRecord[] {
    const now = this.#clock.now();
    const instance = this.#instanceOf(name, now);
    const from = instance.seenAt;
    instance.seenAt = now;
    const isGap = now - from > MAX_GAP_MS;
    const changed: AlertRecord[] = [];
    for (const rule of ALERT_RULES) {
      const threshold = this.#thresholds[rule.key];
      if (threshold === false) continue;
      const readings = new Map(rule.read(vitals, (now - from) / 1_000).map((reading) => [reading.subject, reading]));
      for (const subject of readings.keys()) this.#watch(instance, rule, threshold, subject, from);
      for (const watched of instance.watched.values()) {
        if (watched.rule !== rule) continue;
        if (isGap) watched.track.restart(now);
        else watched.track.add(from, now, readings.get(watched.subject));
        const record = this.#judge(name, watched, now);
        if (record !== undefined) changed.push(record);
      }
    }
    return changed;
  }

  /** An instance is gone: what fired for it clears. */
  forget(name: string): readonly AlertRecord[] {
    const watched = [...(this.#instances.get(name)?.watched.values() ?? [])];
    this.#instances.delete(name);
    return watched.flatMap((one) => (one.firing === undefined ? [] : [this.#clear(one, one.firing, one.firing.value)]));
  }

  #instanceOf(name: string, now: number): Instance {
    let instance = this.#instances.get(name);
    if (instance === undefined) {
      instance = { seenAt: now - FIRST_SECOND_MS, watched: new Map() };
      this.#instances.set(name, instance);
    }
    return instance;
  }

  #watch({ watched }: Instance, rule: AlertRule, threshold: number, subject: string, since: number): void {
    const id = `${rule.key} ${subject}`;
    if (watched.has(id)) return;
    const track = new Track(since, rule.middle, LONG_WINDOW_MS);
    watched.set(id, { rule, threshold, subject, track, firing: undefined });
  }

  #judge(instance: string, watched: Watched, now: number): AlertRecord | undefined {
    const { rule, threshold, track, firing } = watched;
    const long = track.over(now, LONG_WINDOW_MS);
    const short = track.over(now, SHORT_WINDOW_MS);
    if (firing !== undefined) {
      const clearAt = clearingThreshold(rule, threshold);
      const isBad = [long, short].some((figure) => figure !== undefined && isBeyond(rule, clearAt, figure.value));
      if (isBad || !track.covers(now, SHORT_WINDOW_MS)) return undefined;
      return this.#clear(watched, firing, short?.value ?? long?.value ?? firing.value);
    }
    if (!track.covers(now, LONG_WINDOW_MS) || long === undefined || short === undefined) return undefined;
    if (Math.round(long.weight) < rule.minSamples) return undefined;
    if (!isBeyond(rule, threshold, long.value) || !isBeyond(rule, threshold, short.value)) return undefined;
    if (track.count((value) => isBeyond(rule, threshold, value)) < MIN_BAD_SECONDS) return undefined;
    return this.#fire(instance, watched, short.value);
  }

  #fire(instance: string, watched: Watched, value: number): AlertRecord {
    const { rule, threshold, subject } = watched;
    const record: AlertRecord = Object.freeze({
      id: ++this.#lastId,
      key: rule.key,
      subject,
      instance,
      state: 'firing',
      value,
      threshold,
      firedAt: this.#clock.wallNow(),
      clearedAt: null,
    });
    watched.firing = record;
    this.#records.push(record);
    if (this.#records.length > this.#keep) this.#records.shift();
    return record;
  }

  #clear(watched: Watched, firing: AlertRecord, value: number): AlertRecord {
    const record: AlertRecord = Object.freeze({ ...firing, state: 'cleared', value, clearedAt: this.#clock.wallNow() });
    watched.firing = undefined;
    const index = this.#records.indexOf(firing);
    if (index !== -1) this.#records[index] = record;
    return record;
  }
}

import type { Stage } from './stages.ts';

/** Ready-made shapes of load. */
export const PROFILES = ['constant', 'ramp', 'sustained', 'stress'] as const;
export type Profile = (typeof PROFILES)[number];

export interface ProfileOptions {
  readonly profile: Profile;
  /** The most that is wanted: connections, or requests a second. */
  readonly peak: number;
  readonly durationMs: number;
}

/** The share of the time in which a ramp rises; the rest holds the peak. */
const RISING = 0.8;
const STEPS = 8;

/**
 * The stages of a profile: `constant` and `sustained` hold the peak (the latter is meant for minutes, at a rate); `ramp` rises
 * evenly over four fifths of the time and holds the rest; `stress` rises in eight equal steps that each hold.
 */
export function stagesOf({ profile, peak, durationMs }: ProfileOptions): readonly Stage[] {
  const hold = (ms: number, level: number): Stage => ({ ms, from: level, to: level, counts: true });
  if (profile === 'ramp') {
    const rising = { ms: Math.round(durationMs * RISING), from: Math.max(1, peak / STEPS), to: peak, counts: true };
    return [rising, hold(durationMs - rising.ms, peak)];
  }
  if (profile !== 'stress') return [hold(durationMs, peak)];
  return Array.from({ length: STEPS }, (_, step) =>
    hold(durationMs / STEPS, Math.max(1, Math.round((peak * (step + 1)) / STEPS))),
  );
}

const UNITS: { readonly [unit: string]: number } = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** A time such as `500ms`, `30s`, `5m`; a bare number is seconds. In milliseconds. @throws {RangeError} */
export function parseDuration(text: string): number {
  const [, amount, unit = 's'] = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text.trim()) ?? [];
  const ms = Number(amount) * (UNITS[unit] ?? Number.NaN);
  if (!Number.isFinite(ms)) throw new RangeError(`"${text}" is not a time such as 500ms, 30s or 5m`);
  return ms;
}

/**
 * Stages in words: `30s:100,60s:100-1000,10s:0`, each a time and what is wanted in it, or from where to where it rises.
 *
 * @throws {RangeError}
 */
export function parseStages(text: string): readonly Stage[] {
  return text.split(',').map((part) => {
    const [time = '', level = ''] = part.split(':');
    const [, from, to] = /^\s*(\d+)(?:-(\d+))?\s*$/.exec(level) ?? [];
    if (from === undefined) throw new RangeError(`"${part.trim()}" is not TIME:LEVEL or TIME:FROM-TO`);
    const ms = parseDuration(time);
    if (ms <= 0) throw new RangeError(`"${part.trim()}" takes no time`);
    return { ms, from: Number(from), to: Number(to ?? from), counts: true };
  });
}

/** The stages after a time that does not count, at the level with which they begin. */
export function withWarmUp(stages: readonly Stage[], ms: number): readonly Stage[] {
  const level = Math.max(1, stages[0]?.from ?? 1);
  return ms > 0 ? [{ ms, from: level, to: level, counts: false }, ...stages] : stages;
}

import type { CancelTimer, Clock } from '../kernel/clock.ts';
import { OptionError, toMessage } from '../kernel/errors.ts';
import type { HardwareProfile } from '../kernel/hardware-profile.ts';
import type { MemoryGuard, MemoryReport } from './memory-guard.ts';
import type { PerformancePreset } from './options.ts';
import { type Conditions, type Decision, type Step, type Tuning, withinBounds } from './tunable.ts';

export interface OptimizerParts {
  readonly preset: PerformancePreset;
  readonly profile: HardwareProfile;
  readonly clock: Clock;
  /** Whether tunables follow their laws; without it they change only to free memory. */
  readonly adaptive: boolean;
  readonly intervalMs?: number;
}

/** How a tunable stands. */
export interface TunableReport {
  readonly value: number;
  readonly min: number;
  readonly max: number;
  /** The last ones, oldest first. */
  readonly decisions: readonly Decision[];
}

/** What the optimizer found, and what it did. */
export interface OptimizerReport {
  readonly preset: PerformancePreset;
  readonly profile: HardwareProfile;
  /** Nothing without a memory guard. */
  readonly memory: MemoryReport | undefined;
  readonly tunables: { readonly [name: string]: TunableReport };
}

interface Entry extends Tuning {
  readonly decisions: Decision[];
}

const INTERVAL_MS = 10_000;
const MAX_DECISIONS = 32;
const FREED_SHARE = 0.5;
const NO_GUARD: Conditions = { memory: 'ok', pressure: 0 };

/** Holds what can be tuned, and lets each follow its law, once in an interval. */
export class PerformanceOptimizer {
  readonly #parts: OptimizerParts;
  readonly #entries = new Map<string, Entry>();
  #guard: MemoryGuard | undefined;
  #cancel: CancelTimer | undefined;
  #running = false;

  constructor(parts: OptimizerParts) {
    this.#parts = parts;
  }

  /** Has a value follow a law from now on. @throws {OptionError} when its name is taken, or its bounds are none. */
  add({ tunable, law }: Tuning): void {
    const { name, min, max } = tunable;
    if (typeof name !== 'string' || !/^[\w.:-]{1,64}$/.test(name) || this.#entries.has(name))
      throw new OptionError('tunable.name', 'must be of letters, digits and _.:- and not taken', name);
    if (!(Number.isInteger(min) && Number.isInteger(max) && min <= max))
      throw new OptionError(`tunable "${name}"`, 'must have whole numbers as min and max, min not above max', max);
    this.#entries.set(name, { tunable, law, decisions: [] });
    if (this.#running) this.#schedule();
  }

  /** The guard frees memory through this, and stands in the report. */
  attach(guard: MemoryGuard): void {
    this.#guard = guard;
  }

  start(): void {
    this.#running = true;
    this.#guard?.start();
    this.#schedule();
  }

  stop(): void {
    this.#running = false;
    this.#cancel?.();
    this.#cancel = undefined;
    this.#guard?.stop();
  }

  /** Halves what tunables hold of memory. */
  free(): void {
    for (const entry of this.#entries.values()) {
      const { value, used } = entry.tunable;
      if (used === undefined) continue;
      const to = withinBounds(entry.tunable, Math.min(value, used) * FREED_SHARE);
      if (to < value) this.#apply(entry, { to, reason: 'memory is short' });
      entry.law.restart?.();
    }
  }

  report(): OptimizerReport {
    const { preset, profile } = this.#parts;
    const tunables = [...this.#entries.values()].map(({ tunable, decisions }) => {
      const { name, value, min, max } = tunable;
      return [name, { value, min, max, decisions: [...decisions] }] as const;
    });
    return { preset, profile, memory: this.#guard?.report(), tunables: Object.fromEntries(tunables) };
  }

  #schedule(): void {
    const { adaptive, clock, intervalMs = INTERVAL_MS } = this.#parts;
    if (!adaptive || this.#entries.size === 0) return;
    this.#cancel ??= clock.every(intervalMs, () => this.#decide());
  }

  #decide(): void {
    const conditions: Conditions =
      this.#guard === undefined ? NO_GUARD : { memory: this.#guard.state, pressure: this.#guard.pressure };
    for (const entry of this.#entries.values()) {
      try {
        const step = entry.law.decide(entry.tunable, conditions);
        if (step !== undefined) this.#apply(entry, step);
      } catch (error) {
        this.#entries.delete(entry.tunable.name); // An author's fault must not end the process; it stays as it is.
        process.emitWarning(`tunable "${entry.tunable.name}": ${toMessage(error)}`, 'PeregrineTunableError');
      }
    }
  }

  #apply({ tunable, decisions }: Entry, { to, reason }: Step): void {
    const from = tunable.value;
    const bounded = withinBounds(tunable, to);
    if (bounded === from) return;
    tunable.apply(bounded);
    decisions.push({ at: this.#parts.clock.wallNow(), tunable: tunable.name, from, to: bounded, reason });
    if (decisions.length > MAX_DECISIONS) decisions.shift();
  }
}

import type { CancelTimer, Clock } from '../kernel/clock.ts';
import type { MemoryEvent, MemoryState, Signal } from '../signal/signal.ts';
import type { Collector } from './heap-tools.ts';
import { type MemoryReading, pressureOf } from './memory-reading.ts';
import type { ResolvedMemoryGuard } from './options.ts';

export interface MemoryGuardParts {
  readonly options: ResolvedMemoryGuard;
  readonly clock: Clock;
  readonly signal: Signal<MemoryEvent>;
  readonly read: () => MemoryReading;
  readonly collector: Collector;
  /** Frees what can be had again, such as a part of the caches. */
  readonly free: () => void;
  /** Refuses new work, or lets it in again. */
  readonly shed: (isShedding: boolean) => void;
  /** Records what is on the heap; the number counts from 1. @returns The file. */
  readonly profile?: ((number: number) => Promise<string>) | undefined;
}

export interface MemoryReport extends MemoryReading {
  readonly state: MemoryState;
  readonly pressure: number;
  /** Times that memory was freed. */
  readonly freed: number;
  /** Times that new work was refused for lack of memory. */
  readonly shed: number;
  readonly samples: number;
}

/** Intervals above or below a threshold before it counts: the least in them is near what is alive, garbage apart. */
const SUSTAINED = 2;
/** How far below a threshold it is let go of. */
const HYSTERESIS = 0.1;
const FAST_MS = 100;
const FREE_EVERY_MS = 10_000;
/** A collection takes at most this part of the time. */
const COLLECT_SHARE = 1 / 20;
const COLLECT_EVERY_MS = 5_000;

/**
 * Watches the heap and the resident memory against their limits. Above the threshold for long it has memory freed; at the hard
 * limit it has new work refused, so that the process lives on, until memory has fallen well below.
 */
export class MemoryGuard {
  readonly #parts: MemoryGuardParts;
  #reading: MemoryReading;
  #pressure: number;
  #state: MemoryState = 'ok';
  #cancel: CancelTimer | undefined;
  #running = false;
  #sampledAt: number;
  /** Since when it is above the threshold, and well below it. */
  #aboveSince: number | undefined;
  #belowSince: number | undefined;
  #freeAfter = Number.NEGATIVE_INFINITY;
  #collectAfter = Number.NEGATIVE_INFINITY;
  #canCollect = true;
  #freed = 0;
  #shed = 0;
  #samples = 0;
  #profiles = 0;

  constructor(parts: MemoryGuardParts) {
    this.#parts = parts;
    this.#reading = parts.read();
    this.#pressure = pressureOf(this.#reading);
    this.#sampledAt = parts.clock.now();
  }

  get state(): MemoryState {
    return this.#state;
  }

  get pressure(): number {
    return this.#pressure;
  }

  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#schedule(this.#parts.options.intervalMs);
  }

  /** Lets in what it had refused, and ends. */
  stop(): void {
    this.#running = false;
    this.#cancel?.();
    if (this.#state === 'shedding') this.#parts.shed(false);
    this.#state = 'ok';
  }

  report(): MemoryReport {
    return {
      ...this.#reading,
      state: this.#state,
      pressure: this.#pressure,
      freed: this.#freed,
      shed: this.#shed,
      samples: this.#samples,
    };
  }

  #schedule(delayMs: number): void {
    this.#cancel = this.#parts.clock.after(delayMs, () => this.#sample());
  }

  #sample(): void {
    const { clock, options } = this.#parts;
    const before = this.#pressure;
    const elapsedMs = Math.max(1, clock.now() - this.#sampledAt);
    this.#look();
    // At the pace of the last sample, where will it be before the next but one?
    const ahead = this.#pressure + ((this.#pressure - before) / elapsedMs) * 2 * options.intervalMs;
    const isRising = this.#pressure > before && ahead >= options.gcThreshold;
    this.#schedule(isRising ? Math.min(FAST_MS, options.intervalMs) : options.intervalMs);
  }

  #look(): void {
    const { gcThreshold, hardLimit, intervalMs } = this.#parts.options;
    this.#measure();
    this.#samples++;
    const [pressure, now] = [this.#pressure, this.#sampledAt];
    this.#aboveSince = pressure >= gcThreshold ? (this.#aboveSince ?? now) : undefined;
    this.#belowSince = pressure < gcThreshold - HYSTERESIS ? (this.#belowSince ?? now) : undefined;
    const isSustained = (since: number | undefined): boolean =>
      since !== undefined && now - since >= SUSTAINED * intervalMs;
    if (this.#state === 'shedding') this.#lookWhileShedding();
    else if (pressure >= hardLimit && this.#canCollect) this.#beginToShed();
    else if (this.#state === 'ok' && isSustained(this.#aboveSince)) this.#rise();
    else if (this.#state === 'elevated' && isSustained(this.#aboveSince)) this.#free();
    else if (this.#state === 'elevated' && isSustained(this.#belowSince)) this.#become('ok');
  }

  #measure(): void {
    this.#reading = this.#parts.read();
    this.#pressure = pressureOf(this.#reading);
    this.#sampledAt = this.#parts.clock.now();
  }

  #rise(): void {
    this.#become('elevated');
    this.#free();
    this.#profile();
  }

  /** Work is refused at once; whether it was garbage alone that filled the heap is found out meanwhile. */
  #beginToShed(): void {
    this.#shed++;
    if (this.#state === 'ok') this.#profile();
    this.#become('shedding');
    this.#parts.shed(true);
    this.#free();
    this.#collect(this.#parts.options.hardLimit);
  }

  #lookWhileShedding(): void {
    const { hardLimit } = this.#parts.options;
    if (this.#pressure < hardLimit - HYSTERESIS) this.#letIn();
    else this.#collect(hardLimit - HYSTERESIS);
  }

  /** Where nothing is done nothing is allocated, and garbage stays: so the guard has to ask for its collection. */
  #collect(letInBelow: number): void {
    const { clock, collector } = this.#parts;
    const startedAt = clock.now();
    if (startedAt < this.#collectAfter) return;
    this.#collectAfter = Number.POSITIVE_INFINITY;
    void collector.always().then((isDone) => {
      const now = clock.now();
      this.#collectAfter = now + Math.max(COLLECT_EVERY_MS, (now - startedAt) / COLLECT_SHARE);
      if (!this.#running) return;
      if (isDone) this.#measure();
      else this.#canCollect = false;
      if (this.#state === 'shedding' && (!isDone || this.#pressure < letInBelow)) this.#letIn();
    });
  }

  #letIn(): void {
    this.#parts.shed(false);
    this.#become('elevated');
  }

  #free(): void {
    const { clock, collector, free } = this.#parts;
    const now = clock.now();
    if (now < this.#freeAfter) return;
    this.#freeAfter = now + FREE_EVERY_MS;
    this.#freed++;
    free();
    collector.ifExposed();
    this.#tell({ kind: 'freed' });
  }

  #become(state: MemoryState): void {
    this.#state = state;
    this.#tell({ kind: 'state' });
  }

  #profile(): void {
    const { options, profile } = this.#parts;
    if (profile === undefined || this.#profiles >= (options.heapProfiles?.maxFiles ?? 0)) return;
    this.#profiles++;
    profile(this.#profiles).then(
      (file) => this.#tell({ kind: 'profile', file }),
      (error: unknown) => this.#tell({ kind: 'profile-failed', error }),
    );
  }

  #tell(event: Omit<MemoryEvent, 'state' | 'pressure'>): void {
    const { signal } = this.#parts;
    if (signal.active) signal.emit({ ...event, state: this.#state, pressure: this.#pressure });
  }
}

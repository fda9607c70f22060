import type { Clock } from '../kernel/clock.ts';
import type { ConcurrencyStatistics } from '../kernel/concurrency-statistics.ts';
import { OptionError } from '../kernel/errors.ts';
import { Histogram } from '../kernel/histogram.ts';
import { integerOption, objectOption } from '../kernel/options.ts';
import type { ShedClass, ShedReason } from '../signal/signal.ts';
import { DelayControl, type DelayOptions } from './delay-control.ts';
import { OverloadedError } from './errors.ts';
import { LinkedQueue } from './linked-queue.ts';
import { countOption, type LimitSources, sourcesOf, WAIT } from './options.ts';
import { Lane, type Ticket, Waiter } from './waiting.ts';

export type { Ticket } from './waiting.ts';

/** How much may be under way at once, and how much may wait for that. */
export interface ConcurrencyOptions extends Pick<LimitSources, 'clock'> {
  /** Work at once. @default unlimited */
  readonly concurrency?: number;
  /** Work of one principal at once. @default unlimited */
  readonly perPrincipal?: number;
  /** Work that may wait. @default 0 */
  readonly queue?: number;
  /** Longest wait, in milliseconds. @default 5_000 */
  readonly timeoutMs?: number;
  /** Refuses work that waited while the queue does not get shorter. @default only `timeoutMs` bounds the wait */
  readonly delay?: DelayOptions;
}

/** What is known of work that wants a slot. */
export interface EnterOptions {
  /** Gives up the wait. */
  readonly signal?: AbortSignal | undefined;
  /** When the work is of no use any more, in the clock's milliseconds; `timeoutMs` may be earlier. */
  readonly deadlineMs?: number | undefined;
  /** @default 'tool' */
  readonly shedClass?: ShedClass | undefined;
}

const KEYS = ['concurrency', 'perPrincipal', 'queue', 'timeoutMs', 'delay', 'clock'] as const;
/** Nobody is told to come back sooner than this. */
const LEAST_RETRY_MS = 100;

class Slot implements Ticket {
  #free: ((lane: Lane | undefined) => void) | undefined;
  readonly #lane: Lane | undefined;

  constructor(free: (lane: Lane | undefined) => void, lane: Lane | undefined) {
    this.#free = free;
    this.#lane = lane;
  }

  release(): void {
    const free = this.#free;
    this.#free = undefined;
    free?.(this.#lane);
  }
}

/**
 * Bounds what is under way at once. What waits gets its turn principal by principal, and first come, first served within
 * one; work whose time is over, or that is given up, leaves the queue and is never begun.
 */
export class ConcurrencyLimiter {
  readonly #concurrency: number;
  readonly #perPrincipal: number;
  readonly #maxQueue: number;
  readonly #timeoutMs: number;
  readonly #clock: Clock;
  readonly #delay: DelayControl | undefined;
  /** Principals that have work under way or waiting. */
  readonly #lanes = new Map<string, Lane>();
  /** Those of them whose turn may come. */
  readonly #turns = new LinkedQueue<Lane>();
  readonly #waits = new Histogram();
  readonly #refused = { 'queue-full': 0, deadline: 0, delay: 0 };
  readonly #free = (lane: Lane | undefined): void => this.#release(lane);
  #running = 0;
  #queued = 0;
  #entered = 0;
  #cancelled = 0;
  #lastWaitMs = 0;

  /** @throws {OptionError} when an option is unknown or not valid. */
  constructor(options: ConcurrencyOptions = {}) {
    const given = objectOption('limit', options, KEYS);
    this.#concurrency = countOption('limit.concurrency', given.concurrency);
    this.#perPrincipal = countOption('limit.perPrincipal', given.perPrincipal);
    this.#maxQueue = integerOption('limit.queue', given.queue, 0, { min: 0, max: 1_000_000 });
    this.#timeoutMs = integerOption('limit.timeoutMs', given.timeoutMs, 5_000, WAIT);
    this.#clock = sourcesOf('limit', options).clock;
    if (options.delay !== undefined && typeof options.delay !== 'object')
      throw new OptionError('limit.delay', 'must be an object', options.delay);
    this.#delay = options.delay === undefined ? undefined : new DelayControl(options.delay);
  }

  get running(): number {
    return this.#running;
  }

  get queued(): number {
    return this.#queued;
  }

  /** Takes a slot that is free now. */
  tryEnter(principal = ''): Ticket | undefined {
    if (this.#running >= this.#concurrency) return undefined;
    if (this.#perPrincipal === Number.POSITIVE_INFINITY) return this.#enter(undefined);
    const lane = this.#lanes.get(principal);
    if (lane !== undefined && lane.running >= this.#perPrincipal) return undefined;
    return this.#enter(lane ?? this.#newLane(principal));
  }

  /** Takes a slot, waiting for one if need be: a promise only then. @throws {OverloadedError} `OVERLOADED` */
  acquire(principal = '', options: EnterOptions = {}): Ticket | Promise<Ticket> {
    return this.tryEnter(principal) ?? this.#wait(principal, options);
  }

  /** The same, always as a promise: it rejects with `OVERLOADED`, or with the reason of the signal. */
  async enter(principal = '', options: EnterOptions = {}): Promise<Ticket> {
    options.signal?.throwIfAborted();
    return this.acquire(principal, options);
  }

  statistics(): ConcurrencyStatistics {
    const toMs = (us: number): number => us / 1_000;
    const waits = this.#waits;
    return {
      concurrency: this.#concurrency,
      running: this.#running,
      queued: this.#queued,
      entered: this.#entered,
      cancelled: this.#cancelled,
      refused: { ...this.#refused },
      waitMs: {
        average: toMs(waits.mean),
        p50: toMs(waits.quantile(0.5)),
        p99: toMs(waits.quantile(0.99)),
        max: toMs(waits.max),
      },
    };
  }

  #enter(lane: Lane | undefined): Ticket {
    this.#running++;
    this.#entered++;
    if (lane !== undefined) lane.running++;
    return new Slot(this.#free, lane);
  }

  #newLane(principal: string): Lane {
    const lane = new Lane(principal);
    this.#lanes.set(principal, lane);
    return lane;
  }

  #wait(principal: string, { signal, deadlineMs, shedClass = 'tool' }: EnterOptions): Promise<Ticket> {
    const now = this.#clock.now();
    if (this.#queued >= this.#maxQueue) throw this.#refuse('queue-full');
    const deadline = Math.min(deadlineMs ?? Number.POSITIVE_INFINITY, now + this.#timeoutMs);
    if (deadline <= now) throw this.#refuse('deadline');
    const lane = this.#lanes.get(principal) ?? this.#newLane(principal);
    const waiter = new Waiter(lane, shedClass, now, deadline);
    lane.waiting.push(waiter);
    this.#queued++;
    this.#offerTurn(lane);
    const cancelTimer = this.#clock.after(deadline - now, () => {
      this.#leave(waiter);
      waiter.reject(this.#refuse('deadline'));
    });
    const onAbort = (): void => {
      this.#leave(waiter);
      this.#cancelled++;
      waiter.reject(signal?.reason);
    };
    signal?.addEventListener('abort', onAbort);
    waiter.onLeave = () => {
      cancelTimer();
      signal?.removeEventListener('abort', onAbort);
    };
    return waiter.promise;
  }

  #leave(waiter: Waiter): void {
    const { lane } = waiter;
    lane.waiting.remove(waiter);
    this.#queued--;
    waiter.onLeave();
    if (lane.waiting.first === undefined && lane.inTurn) {
      lane.inTurn = false;
      this.#turns.remove(lane);
    }
    this.#forgetIdle(lane);
  }

  #release(lane: Lane | undefined): void {
    this.#running--;
    if (lane !== undefined) {
      lane.running--;
      this.#offerTurn(lane);
      this.#forgetIdle(lane);
    }
    while (this.#running < this.#concurrency && this.#serveNext());
    if (this.#queued === 0) this.#delay?.observe(this.#clock.now(), 0);
  }

  /** Gives the next in turn its slot, or refuses it. @returns Whether there was one. */
  #serveNext(): boolean {
    const lane = this.#turns.first;
    const waiter = lane?.waiting.first;
    if (lane === undefined || waiter === undefined) return false;
    const now = this.#clock.now();
    const waitedMs = now - waiter.since;
    this.#leave(waiter);
    this.#delay?.observe(now, waitedMs);
    if (now >= waiter.deadlineMs) waiter.reject(this.#refuse('deadline'));
    else if (this.#delay?.refuses(waiter.shedClass, waitedMs, now)) waiter.reject(this.#refuse('delay'));
    else {
      this.#lastWaitMs = waitedMs;
      this.#waits.record(waitedMs * 1_000);
      const isCounted = this.#perPrincipal !== Number.POSITIVE_INFINITY;
      if (isCounted) this.#lanes.set(lane.principal, lane); // It may just have been forgotten.
      waiter.resolve(this.#enter(isCounted ? lane : undefined));
    }
    this.#toTheBack(lane);
    return true;
  }

  #toTheBack(lane: Lane): void {
    if (lane.inTurn) {
      lane.inTurn = false;
      this.#turns.remove(lane);
    }
    this.#offerTurn(lane);
  }

  /** A principal takes its turns while it has something waiting and is not at its own limit. */
  #offerTurn(lane: Lane): void {
    if (lane.inTurn || lane.waiting.first === undefined || lane.running >= this.#perPrincipal) return;
    lane.inTurn = true;
    this.#turns.push(lane);
  }

  #forgetIdle(lane: Lane): void {
    if (lane.running === 0 && lane.waiting.first === undefined) this.#lanes.delete(lane.principal);
  }

  #refuse(reason: Exclude<ShedReason, 'rate' | 'in-flight' | 'memory'>): OverloadedError {
    this.#refused[reason]++;
    return new OverloadedError(reason, Math.max(LEAST_RETRY_MS, Math.ceil(this.#lastWaitMs)));
  }
}

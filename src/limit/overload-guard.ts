import type { Clock } from '../kernel/clock.ts';
import { LoopDelayMeter } from '../kernel/loop-delay.ts';
import type { Random } from '../kernel/random.ts';
import type { LimitEvent, ShedClass, ShedReason, Signal } from '../signal/signal.ts';
import { DelayControl } from './delay-control.ts';
import { OverloadedError } from './errors.ts';

import type { ResolvedOverload } from './options.ts';
import { TurnQueue } from './turn-queue.ts';

/** What guards a server. */
export interface GuardParts {
  readonly options: Pick<ResolvedOverload, 'shed' | 'targetMs' | 'windowMs' | 'maxInFlight'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: Signal<LimitEvent>;
  /** Runs something in the next turn of the event loop. @default setImmediate */
  readonly defer?: (run: () => void) => void;
}

export interface GuardStatistics {
  readonly inFlight: number;
  /** Requests that were let in and not refused later, such as by a limit of their tool. */
  readonly admitted: number;
  readonly overloaded: boolean;
  /** How late the event loop was by the last measurement, in milliseconds. */
  readonly delayMs: number;
  readonly shed: { readonly [R in ShedReason]: number };
  readonly shedByClass: { readonly [C in ShedClass]: number };
}

/** What is asked about a request only when something is to be refused. */
export interface MarkedWork {
  /** Whether it was tried before, or is tried elsewhere at the same time. */
  readonly isRetry: boolean;
}

/** The class of a request: a retry of what has no higher one may wait less. */
export function classOf(registered: ShedClass, work: MarkedWork): ShedClass {
  return registered === 'tool' && work.isRetry ? 'retry' : registered;
}

/** Requests that enter before the clock is looked at again, as long as nothing is late. */
const CREDIT = 16;
/** What part of the limit in flight each class may fill; a health check holds nothing. */
const SHARE: { readonly [C in ShedClass]: number } = {
  list: 0.8,
  retry: 0.9,
  tool: 1,
  essential: 1,
  health: Number.POSITIVE_INFINITY,
};
const LEAST_RETRY_MS = 1_000;
const MOST_RETRY_MS = 10_000;

/**
 * Refuses requests while the event loop has more to do than it can, by how late it begins them, and when too many are in
 * flight. Classes that matter less are refused first.
 *
 * How long a tool takes is no reason: a change in what is called looks like congestion where latency decides.
 */
export class OverloadGuard {
  /** Where requests wait while the loop is late. */
  readonly turns: TurnQueue;
  /** May be changed at any time. */
  maxInFlight: number;
  readonly #isOn: boolean;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #signal: Signal<LimitEvent>;
  readonly #targetMs: number;
  readonly #delay: DelayControl;
  readonly #meter: LoopDelayMeter;
  readonly #shed: { [R in ShedReason]: number } = {
    delay: 0,
    'in-flight': 0,
    'queue-full': 0,
    deadline: 0,
    rate: 0,
    memory: 0,
  };
  readonly #shedByClass: { [C in ShedClass]: number } = { list: 0, retry: 0, tool: 0, essential: 0, health: 0 };
  #inFlight = 0;
  /** How many may enter before anything has to be looked at. */
  #credit = 0;
  /** What the last refill came to: one that was not touched shows an idle server. */
  #refill = 0;
  /** Requests that entered, less those by what is gone of the last refill. */
  #entered = 0;
  #refusedLater = 0;
  #lateMs = 0;
  /** Of the last refusal. */
  #reason: 'delay' | 'in-flight' | 'memory' = 'delay';
  #class: ShedClass = 'tool';
  #isMemoryShort = false;

  constructor({ options, clock, random, signal, defer }: GuardParts) {
    this.turns = new TurnQueue(clock, options.targetMs, defer);
    this.#clock = clock;
    this.#random = random;
    this.#signal = signal;
    this.#setCredit(options.shed ? 0 : Number.MAX_SAFE_INTEGER);
    this.#targetMs = options.targetMs;
    this.#isOn = options.shed;
    this.maxInFlight = options.maxInFlight;
    this.#delay = new DelayControl(options, (overloaded, delayMs) => {
      if (signal.active) signal.emit({ kind: overloaded ? 'overloaded' : 'recovered', target: '', delayMs });
    });
    this.#meter = new LoopDelayMeter(clock, options.targetMs / 2, (now, lateMs) => this.#tick(now, lateMs));
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** While memory is short all but health checks are refused. It costs nothing while it is not: there is no credit then. */
  set memoryShort(isShort: boolean) {
    this.#isMemoryShort = isShort && this.#isOn;
    if (this.#isMemoryShort) this.#setCredit(0);
  }

  get overloaded(): boolean {
    return this.#delay.overloaded;
  }

  /**
   * Lets a request in, which then is in flight until {@link release}; or says that it is to be refused.
   *
   * @param work Asked only when it matters; a retry of class `tool` is of class `retry`.
   * HOT: every request; on a server that is not late two counters and a comparison; guarded by `npm run bench`.
   */
  enter(shedClass: ShedClass, work?: MarkedWork): boolean {
    if (this.#credit <= 0) return this.#look(shedClass, work);
    this.#credit--;
    this.#inFlight++;
    return true;
  }

  release(): void {
    this.#inFlight--;
  }

  /** Counts and tells that {@link enter} has just refused a request. @returns The error to answer. */
  refused(target: string): OverloadedError {
    const reason = this.#reason;
    this.#countShed(reason, this.#class, target);
    return new OverloadedError(reason, this.#retryAfterMs());
  }

  /** Counts and tells that a request that had entered was refused elsewhere, such as by a limit of its tool. */
  countShed(reason: ShedReason, shedClass: ShedClass, target: string): void {
    this.#refusedLater++;
    this.#countShed(reason, shedClass, target);
  }

  #countShed(reason: ShedReason, shedClass: ShedClass, target: string): void {
    this.#shed[reason]++;
    this.#shedByClass[shedClass]++;
    if (!this.#signal.active) return;
    const delayMs = Math.max(this.#lateMs, this.#meter.overdueMs(this.#clock.now()));
    this.#signal.emit({ kind: 'shed', reason, shedClass, target, delayMs });
  }

  statistics(): GuardStatistics {
    return {
      inFlight: this.#inFlight,
      admitted: this.#entered + this.#refill - this.#credit - this.#refusedLater,
      overloaded: this.overloaded,
      delayMs: this.#lateMs,
      shed: { ...this.#shed },
      shedByClass: { ...this.#shedByClass },
    };
  }

  /** Ends the measurement, which a further request would begin again. */
  close(): void {
    if (!this.#meter.running) return;
    this.#meter.stop();
    this.#setCredit(0);
  }

  #look(registered: ShedClass, work: MarkedWork | undefined): boolean {
    const now = this.#clock.now();
    this.#meter.start(now);
    const overdueMs = Math.max(this.#meter.overdueMs(now), this.turns.waitedMs(now));
    // Little delay early in a turn of the loop says nothing: whether a queue stands is seen at its end, by the tick.
    if (overdueMs > this.#targetMs) {
      this.#delay.observe(now, overdueMs);
      this.turns.active = true;
    }
    const isPressed = this.overloaded || this.#inFlight >= this.maxInFlight * SHARE.retry;
    const shedClass = isPressed && work !== undefined ? classOf(registered, work) : registered;
    const reason = this.#reasonToRefuse(shedClass, overdueMs, now);
    if (reason !== undefined) {
      this.#reason = reason;
      this.#class = shedClass;
      return false;
    }
    this.#inFlight++;
    this.#entered++;
    if (overdueMs <= this.#targetMs) this.#fill();
    return true;
  }

  #reasonToRefuse(shedClass: ShedClass, overdueMs: number, now: number): 'delay' | 'in-flight' | 'memory' | undefined {
    if (this.#isMemoryShort && shedClass !== 'health') return 'memory';
    if (this.#delay.refuses(shedClass, overdueMs, now)) return 'delay';
    return this.#inFlight >= this.maxInFlight * SHARE[shedClass] ? 'in-flight' : undefined;
  }

  #tick(now: number, loopLateMs: number): void {
    const lateMs = Math.max(loopLateMs, this.turns.standingMs(now));
    const isIdle = this.#credit === this.#refill && this.#refill > 0;
    this.#lateMs = lateMs;
    this.#delay.observe(now, lateMs);
    if (lateMs > this.#targetMs) this.#setCredit(0);
    else if (isIdle && !this.overloaded)
      this.close(); // An idle server is not woken up by its own timer.
    else this.#fill();
  }

  #fill(): void {
    const isLate = this.#isMemoryShort || this.overloaded || this.#lateMs > this.#targetMs;
    const room = Math.floor(this.maxInFlight * SHARE.list) - this.#inFlight;
    this.#setCredit(isLate ? 0 : Math.max(0, Math.min(CREDIT, room)));
  }

  #setCredit(credit: number): void {
    this.#entered += this.#refill - this.#credit;
    this.#refill = credit;
    this.#credit = credit;
  }

  /** As long as the overload has lasted, and at random up to twice that, so that those refused do not come back together. */
  #retryAfterMs(): number {
    const lastedMs = this.#delay.lastedMs(this.#clock.now());
    return Math.ceil(Math.min(MOST_RETRY_MS, Math.max(LEAST_RETRY_MS, lastedMs)) * (1 + this.#random()));
  }
}

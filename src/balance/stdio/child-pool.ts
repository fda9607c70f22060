import { nextDelay } from '../../kernel/backoff.ts';
import type { CancelTimer, Clock } from '../../kernel/clock.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { Random } from '../../kernel/random.ts';
import type { Era, Implementation } from '../../wire/wire.ts';
import type { TargetFailure } from '../gateway/target.ts';
import type { ChangeKind } from '../relay/listeners.ts';
import { Child } from './child.ts';
import type { Launch } from './child-process.ts';
import type { ResolvedStdio } from './stdio-options.ts';

export interface ChildPoolParts {
  readonly options: ResolvedStdio;
  readonly identity: Implementation;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly launch: Launch;
  /** A child said that a list of it is another one now. */
  readonly changed: (kind: ChangeKind) => void;
}

interface Waiting {
  readonly run: (child: Child) => void;
  readonly refuse: (failure: TargetFailure) => void;
  readonly cancelTimer: CancelTimer;
}

/** Ends without a stable run in between, after which calls are refused rather than kept waiting. */
const LOOP = 3;
/** How long a child must have served for its end to be one of its own. */
const STABLE_MS = 10_000;
/** Lines of one child's output that are logged in a minute. */
const MAX_NOTES = 20;
const MAX_NOTE_LENGTH = 500;

/** The children of one server: as many as are needed, started again when they end. */
export class ChildPool {
  readonly #parts: ChildPoolParts;
  readonly #children = new Map<Child, { readySince: number; idleSince: number; ending: boolean }>();
  readonly #waiting = new Set<Waiting>();
  #era: Era | undefined;
  #failures = 0;
  #lastReason = '';
  #retryAt = 0;
  #cancelRetry: CancelTimer | undefined;
  readonly #cancelSweep: CancelTimer;
  #notes = 0;
  #closed = false;
  #whenIdle: (() => void) | undefined;

  constructor(parts: ChildPoolParts) {
    const { clock, options } = parts;
    this.#parts = parts;
    this.#cancelSweep = clock.every(Math.min(options.idleMs, 60_000), () => this.#sweep());
    this.#fill();
  }

  /** Processes that run, whether they serve yet or not. */
  get pids(): number[] {
    return [...this.#children.keys()].flatMap(({ pid }) => pid ?? []);
  }

  /**
   * Gives a child to call, now or when one is free.
   *
   * @returns What gives up waiting.
   */
  use(run: Waiting['run'], refuse: Waiting['refuse']): () => void {
    const { options, clock } = this.#parts;
    const refused = this.#refusal();
    if (refused !== undefined) {
      refuse(refused);
      return () => {};
    }
    const child = this.#free();
    if (child !== undefined) {
      run(child);
      return () => {};
    }
    this.#grow();
    const waiting: Waiting = {
      run,
      refuse,
      cancelTimer: clock.after(options.startTimeoutMs, () => {
        this.#waiting.delete(waiting);
        refuse(this.#failure('overloaded', `is busy: no process was free within ${options.startTimeoutMs} ms`, 1));
      }),
    };
    this.#waiting.add(waiting);
    return () => this.#remove(waiting);
  }

  /** Lets calls finish, up to a deadline, and ends all processes. */
  async close(deadlineMs = 0): Promise<void> {
    this.#closed = true;
    this.#cancelRetry?.();
    this.#cancelSweep();
    this.#refuseAll(this.#failure('unavailable', 'is stopping', 1));
    if (!this.#isIdle() && deadlineMs > 0)
      await new Promise<void>((resolve) => {
        const cancel = this.#parts.clock.after(deadlineMs, resolve);
        this.#whenIdle = () => {
          cancel();
          resolve();
        };
      });
    await Promise.all([...this.#children.keys()].map((child) => child.end()));
  }

  /** The child with the fewest calls among those that take more. */
  #free(): Child | undefined {
    let best: Child | undefined;
    for (const [child, { ending }] of this.#children) {
      if (!child.isReady || ending || child.inFlight >= this.#parts.options.maxInFlightPerChild) continue;
      if (best === undefined || child.inFlight < best.inFlight) best = child;
    }
    return best;
  }

  #refusal(): TargetFailure | undefined {
    const { options, clock } = this.#parts;
    if (this.#closed) return this.#failure('unavailable', 'is stopping', 1);
    if (this.#failures >= LOOP && this.#ready === 0) {
      const seconds = Math.max(1, Math.ceil((this.#retryAt - clock.now()) / 1_000));
      const what = `does not stay up: it ${this.#lastReason} (${this.#failures} times; next start in ${seconds} s)`;
      return this.#failure('unavailable', what, seconds);
    }
    if (this.#waiting.size >= options.maxInFlightPerChild * options.maxChildren)
      return this.#failure('overloaded', 'is busy: too many calls wait', 1);
    return undefined;
  }

  get #ready(): number {
    let ready = 0;
    for (const child of this.#children.keys()) if (child.isReady) ready++;
    return ready;
  }

  #fill(): void {
    while (!this.#closed && this.#children.size < this.#parts.options.minChildren) this.#start();
  }

  /** One more, unless one is starting already, or ended a moment ago. */
  #grow(): void {
    const isStarting = [...this.#children.keys()].some((child) => !child.isReady);
    if (isStarting || this.#cancelRetry !== undefined || this.#children.size >= this.#parts.options.maxChildren) return;
    this.#start();
  }

  #start(): void {
    const { options, identity, clock, launch, changed } = this.#parts;
    const child: Child = new Child({
      ...options,
      identity,
      clock,
      knownEra: this.#era,
      launch: (events) => launch(options, events, clock),
      events: {
        ready: () => this.#becameReady(child),
        // A child that cannot even be started says so before it is known here.
        ended: (reason) => queueMicrotask(() => this.#ended(child, reason)),
        freed: () => this.#freed(child),
        changed,
        noted: (what, text) => this.#note(what, text),
      },
    });
    this.#children.set(child, { readySince: Number.NaN, idleSince: clock.now(), ending: false });
  }

  #becameReady(child: Child): void {
    const state = this.#children.get(child);
    if (state === undefined) return;
    state.readySince = this.#parts.clock.now();
    this.#era = child.era;
    this.#serve();
  }

  #freed(child: Child): void {
    const state = this.#children.get(child);
    if (state !== undefined) state.idleSince = this.#parts.clock.now();
    this.#serve();
    if (this.#isIdle()) this.#whenIdle?.();
  }

  #serve(): void {
    for (const waiting of this.#waiting) {
      const child = this.#free();
      if (child === undefined) return;
      this.#remove(waiting);
      waiting.run(child);
    }
  }

  #ended(child: Child, reason: string): void {
    const { options, clock, random, logger } = this.#parts;
    const state = this.#children.get(child);
    this.#children.delete(child);
    if (this.#isIdle()) this.#whenIdle?.();
    if (this.#closed || state?.ending === true) return;
    const wasReady = state !== undefined && !Number.isNaN(state.readySince);
    const wasStable = wasReady && clock.now() - state.readySince >= STABLE_MS;
    // Some end at a question that they do not know: the next one is greeted as servers of old were.
    if (!wasReady && this.#era === undefined) this.#era = 'legacy';
    this.#failures = wasStable ? 1 : this.#failures + 1;
    this.#lastReason = reason;
    const delay = nextDelay(options.restart, this.#failures - 1, random);
    this.#retryAt = clock.now() + delay;
    logger.warn({ server: options.name, reason, restartMs: delay }, 'process of a server ended');
    this.#cancelRetry?.();
    this.#cancelRetry = clock.after(delay, () => {
      this.#cancelRetry = undefined;
      this.#fill();
      if (this.#waiting.size > 0 && this.#free() === undefined) this.#grow();
    });
    const refusal = this.#refusal();
    if (refusal?.reason === 'unavailable') this.#refuseAll(refusal);
  }

  /** Ends those that nobody has needed for a while. */
  #sweep(): void {
    this.#notes = 0;
    const { options, clock } = this.#parts;
    for (const [child, state] of this.#children) {
      const staying = [...this.#children.values()].filter(({ ending }) => !ending).length;
      if (staying <= options.minChildren) return;
      if (!child.isReady || state.ending || child.inFlight > 0 || clock.now() - state.idleSince < options.idleMs)
        continue;
      state.ending = true;
      void child.end();
    }
  }

  #refuseAll(failure: TargetFailure): void {
    for (const waiting of [...this.#waiting]) {
      this.#remove(waiting);
      waiting.refuse(failure);
    }
  }

  #remove(waiting: Waiting): void {
    this.#waiting.delete(waiting);
    waiting.cancelTimer();
  }

  #isIdle(): boolean {
    for (const child of this.#children.keys()) if (child.inFlight > 0) return false;
    return true;
  }

  /** Logs what a child says, as far as it does not say too much. */
  #note(what: string, text: string): void {
    if (this.#notes++ >= MAX_NOTES) return;
    const { options, logger } = this.#parts;
    logger.info({ server: options.name, text: text.slice(0, MAX_NOTE_LENGTH) }, what);
  }

  #failure(reason: TargetFailure['reason'], what: string, retryAfterSeconds: number): TargetFailure {
    return { reason, message: `server "${this.#parts.options.name}" ${what}`, retryAfterSeconds };
  }
}

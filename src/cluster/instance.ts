import type { CancelTimer, Clock } from '../kernel/clock.ts';
import { PeregrineError } from '../kernel/errors.ts';
import type { InstancePlace } from '../kernel/instance-place.ts';
import type { HealthReport, MetricSnapshot } from '../monitor/monitor.ts';
import { Signal } from '../signal/signal.ts';
import type { InstanceExit, LaunchedInstance, Launcher } from './launcher.ts';
import type { FromInstance, ToInstance } from './messages.ts';
import type { InstanceTimes } from './options.ts';

/** Where an instance is in its life; `unresponsive` while it shows no sign of it. */
export type InstanceStage = 'starting' | 'ready' | 'unresponsive' | 'draining' | 'gone';

export type StartedMessage = Extract<FromInstance, { readonly kind: 'started' }>;

export interface InstanceParts {
  readonly place: InstancePlace;
  readonly launcher: Launcher;
  readonly times: InstanceTimes;
  readonly clock: Clock;
  /** What it says that others act upon. */
  readonly heard: (message: FromInstance, from: Instance) => void;
}

/** A timer that rings so much later than it was set for rings because this process stood still, not because the instance did. */
const LATE_MS = 250;

/** One instance, as its supervisor knows it. */
export class Instance {
  /** Tells every change of {@link stage}. */
  readonly changed = new Signal<InstanceStage>();
  /** Resolves with what it says once it serves. Rejects with `INSTANCE_FAILED` when it ends, or takes too long, before. */
  readonly started: Promise<StartedMessage>;
  readonly ended: Promise<InstanceExit>;
  readonly launchedAt: number;
  /** What it counted last, and how it was. */
  snapshot: MetricSnapshot | undefined;
  health: HealthReport | undefined;
  /** Why it is gone, unless it was to go and did. */
  failure: string | undefined;
  readonly #parts: InstanceParts;
  readonly #process: LaunchedInstance;
  readonly #whenStarted = Promise.withResolvers<StartedMessage>();
  readonly #whenEnded = Promise.withResolvers<InstanceExit>();
  #stage: InstanceStage = 'starting';
  #readyAt = 0;
  #cancelWatch: CancelTimer | undefined;
  #isUnneeded = false;

  constructor(parts: InstanceParts) {
    this.#parts = parts;
    const { place, launcher, clock, times } = parts;
    this.started = this.#whenStarted.promise;
    this.started.catch(() => {}); // Whoever waits for it hears of it.
    this.ended = this.#whenEnded.promise;
    this.launchedAt = clock.wallNow();
    this.#watch(times.startTimeoutMs, () => this.kill(`it did not serve within ${times.startTimeoutMs} ms`));
    this.#process = launcher.launch(place, {
      onMessage: (message) => this.#onMessage(message),
      onExit: (exit) => this.#onExit(exit),
    });
  }

  get name(): string {
    return this.#parts.place.name;
  }

  get pid(): number {
    return this.#process.pid;
  }

  get stage(): InstanceStage {
    return this.#stage;
  }

  /** Whether it is one of those that are wanted: it serves, or is about to. */
  get isCounted(): boolean {
    return this.#stage !== 'draining' && this.#stage !== 'gone';
  }

  /** How long it has served, in milliseconds; 0 before. */
  get servedMs(): number {
    return this.#readyAt === 0 ? 0 : this.#parts.clock.now() - this.#readyAt;
  }

  send(message: ToInstance): void {
    if (this.#stage !== 'gone') this.#process.send(message);
  }

  /** Has it finish what it is about and end; one that does not serve yet, or takes too long, is ended at once. */
  drain(): void {
    if (this.#stage === 'draining' || this.#stage === 'gone') return;
    if (this.#stage === 'starting') {
      this.#isUnneeded = true;
      this.#process.kill();
    } else this.send({ kind: 'drain' });
    this.#enter('draining');
  }

  /** Ends it at once. */
  kill(reason: string): void {
    if (this.#stage === 'gone') return;
    this.failure ??= reason;
    this.#process.kill();
  }

  #onMessage(message: FromInstance): void {
    if (this.#stage === 'gone') return;
    if (message.kind === 'started' && this.#stage === 'starting') {
      this.#readyAt = this.#parts.clock.now();
      this.#enter('ready');
      this.#whenStarted.resolve(message);
    } else if (message.kind === 'draining') this.#enter('draining');
    else if (message.kind === 'tick') {
      this.snapshot = message.snapshot;
      this.health = message.health;
    } else if (message.kind !== 'beat') this.#parts.heard(message, this);
    if (this.#stage === 'unresponsive') this.#enter('ready');
    else if (this.#stage === 'ready') this.#expectBeat();
  }

  #onExit(exit: InstanceExit): void {
    if (this.#stage === 'gone') return;
    if (!this.#isUnneeded && (this.#stage !== 'draining' || !exit.isClean)) this.failure ??= `it ended (${exit.cause})`;
    const why = this.failure ?? 'it was no longer needed';
    this.#enter('gone');
    this.#whenStarted.reject(new PeregrineError('INSTANCE_FAILED', `instance ${this.name} failed to start: ${why}`));
    this.#whenEnded.resolve(exit);
  }

  #enter(stage: InstanceStage): void {
    if (this.#stage === stage || this.#stage === 'gone') return;
    this.#stage = stage;
    const { drainTimeoutMs } = this.#parts.times;
    if (stage === 'ready') this.#expectBeat();
    else if (stage === 'draining') this.#watch(drainTimeoutMs, () => this.kill('it took too long to drain'));
    else if (stage === 'gone') this.#cancelWatch?.();
    this.changed.emit(stage);
  }

  #expectBeat(): void {
    const { unreadyAfterMs, replaceAfterMs } = this.#parts.times;
    this.#watch(unreadyAfterMs, () => {
      this.#enter('unresponsive');
      this.#watch(replaceAfterMs - unreadyAfterMs, () => this.kill(`it was silent for ${replaceAfterMs} ms`));
    });
  }

  /** Rings once this instance has been silent for so long; not when it was this process that stood still. */
  #watch(delayMs: number, ring: () => void): void {
    const { clock } = this.#parts;
    const dueAt = clock.now() + delayMs;
    this.#cancelWatch?.();
    this.#cancelWatch = clock.after(delayMs, () => {
      if (clock.now() - dueAt > LATE_MS) this.#watch(delayMs, ring);
      else ring();
    });
  }
}

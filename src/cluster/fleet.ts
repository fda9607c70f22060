import { nextDelay } from '../kernel/backoff.ts';
import type { CancelTimer } from '../kernel/clock.ts';
import type { InstancePlace } from '../kernel/instance-place.ts';
import { Signal } from '../signal/signal.ts';
import { MemoryStateStore } from '../state/state.ts';
import { Instance, type InstanceStage, type StartedMessage } from './instance.ts';
import type { Launcher } from './launcher.ts';
import type { ToInstance } from './messages.ts';
import type { ResolvedSupervisorOptions } from './options.ts';
import { Relay } from './relay.ts';

/** What happened to an instance. */
export interface FleetEvent {
  readonly instance: Instance;
  readonly stage: InstanceStage;
}

/** An instance that served so long did not fail to start. */
const STABLE_MS = 10_000;

/** Keeps as many instances running as are wanted. */
export class Fleet {
  readonly changed = new Signal<FleetEvent>();
  readonly #options: ResolvedSupervisorOptions;
  readonly #launcher: Launcher;
  readonly #secret: string;
  readonly #instances = new Set<Instance>();
  /** What outlives the requests of all instances, where these keep it nowhere else. */
  readonly #state: MemoryStateStore;
  readonly #relay: Relay;
  #port: number | undefined;
  #asksForPort = false;
  /** Those that serve on it. */
  readonly #atPort = new WeakSet<Instance>();
  #wanted = 0;
  #failures = 0;
  #isOpen = false;
  #cancelRestart: CancelTimer | undefined;
  #rolling: Promise<void> | undefined;
  #first: Instance | undefined;
  /** Starts in place of one that serves until then. */
  #successor: Instance | undefined;

  /** @param secret Seals what clients carry from one instance to another. */
  constructor(options: ResolvedSupervisorOptions, launcher: Launcher, secret: string) {
    this.#options = options;
    this.#launcher = launcher;
    this.#secret = secret;
    this.#state = new MemoryStateStore(options.clock);
    this.#relay = new Relay((than) => this.instances.filter((one) => one !== than), this.#state);
  }

  /** Those that live, the draining ones included. */
  get instances(): readonly Instance[] {
    return [...this.#instances];
  }

  get wanted(): number {
    return this.#wanted;
  }

  /** Starts one instance, and once it serves the others: what is wrong with the program shows before it is started many times. */
  async start(): Promise<StartedMessage> {
    this.#isOpen = true;
    this.#first = this.#launch();
    const started = await this.#first.started;
    this.#state.maxCharacters = started.settings.stateCharacters;
    this.#wanted = 1;
    this.#port = portOf(started);
    this.#atPort.add(this.#first);
    return started;
  }

  /** Tells one of them what is to be told once. */
  tellFirst(message: ToInstance): void {
    this.instances.find(({ stage }) => stage === 'ready')?.send(message);
  }

  /** Starts or drains instances until there are so many. */
  scaleTo(count: number): void {
    if (!this.#isOpen) return;
    this.#wanted = count;
    this.#fill();
    this.#trim();
  }

  /** Replaces every instance, one after the other, each once its successor serves. Stops at the first that does not. */
  roll(): Promise<void> {
    this.#rolling ??= this.#roll().finally(() => {
      this.#rolling = undefined;
    });
    return this.#rolling;
  }

  /** Drains all; resolves when they have ended. */
  async stop(): Promise<void> {
    this.#isOpen = false;
    this.#cancelRestart?.();
    for (const instance of this.#instances) instance.drain();
    await Promise.all(this.instances.map(({ ended }) => ended));
    this.#state.close();
  }

  async #roll(): Promise<void> {
    if (this.#wanted === 0) await this.#first?.started; // Nothing is replaced, nor started twice, before anything serves.
    for (const old of this.#counted()) {
      if (!this.#isOpen || !old.isCounted) continue;
      this.#successor = this.#launch();
      await this.#successor.started.finally(() => {
        this.#successor = undefined;
      });
      old.drain();
      this.#trim(); // Fewer may be wanted than when it was launched.
      await old.ended;
    }
  }

  /** In the order in which they were launched. */
  #counted(): Instance[] {
    return this.instances.filter(({ isCounted }) => isCounted);
  }

  #trim(): void {
    const surplus = this.#counted().filter((one) => one !== this.#successor);
    for (const instance of surplus.slice(this.#wanted)) instance.drain();
  }

  #fill(): void {
    if (!this.#isOpen) return;
    for (let missing = this.#wanted - this.#counted().length; missing > 0; missing--) {
      const instance = this.#launch();
      void instance.started.then(
        () => this.#rebalance(instance),
        () => {}, // It is tried again.
      );
    }
  }

  /** Kept-alive connections stay where they are: the others let go of the newcomer's share. */
  #rebalance(newcomer: Instance): void {
    const others = this.#counted().filter((one) => one !== newcomer && one.stage !== 'starting');
    for (const other of others) other.send({ kind: 'rebalance', share: 1 / (others.length + 1) });
  }

  #launch(): Instance {
    const { times, clock } = this.#options;
    const heard: Relay['heard'] = (message, from) => this.#relay.heard(message, from);
    const place = this.#nextPlace();
    const instance = new Instance({ place, launcher: this.#launcher, times, clock, heard });
    this.#instances.add(instance);
    instance.changed.on((stage) => this.#onStage(instance, stage));
    this.changed.emit({ instance, stage: 'starting' });
    instance.started.then(
      (started) => this.#checkPort(instance, place, started),
      () => {},
    );
    return instance;
  }

  /** With all that used the shared socket dead at one time it is closed: whoever asks for any port then gets another one. */
  #checkPort(instance: Instance, { port }: InstancePlace, started: StartedMessage): void {
    if (this.#port === undefined) return;
    if (portOf(started) === this.#port) this.#atPort.add(instance);
    else if (port === undefined && (this.#asksForPort || !this.instances.some((other) => this.#atPort.has(other)))) {
      this.#asksForPort = true;
      instance.kill(`it does not serve on port ${this.#port}`);
    }
  }

  #nextPlace(): InstancePlace {
    const { machine, minInstances, maxInstances } = this.#options;
    const taken = new Set(this.instances.map(({ name }) => name));
    let number = 1;
    while (taken.has(String(number))) number++;
    // Those that share the supervisor's socket ask for it by the port that the first asked for, while it lives.
    if (taken.size === 0 && this.#port !== undefined) this.#asksForPort = true;
    const isOwn = this.#launcher.kind === 'thread';
    return {
      name: String(number),
      machine: {
        cores: Math.max(1, machine.cores / minInstances),
        memoryBytes: Math.floor(machine.memoryBytes / maxInstances),
      },
      stateSecret: this.#secret,
      reusePort: isOwn,
      port: isOwn || this.#asksForPort ? this.#port : undefined,
    };
  }

  #onStage(instance: Instance, stage: InstanceStage): void {
    if (stage !== 'gone') {
      this.changed.emit({ instance, stage });
      if (stage === 'draining') this.#fill();
      return;
    }
    const wasServing = instance.servedMs;
    this.#instances.delete(instance);
    this.#relay.forget(instance);
    this.changed.emit({ instance, stage });
    if (this.#counted().length < this.#wanted) this.#restart(wasServing);
  }

  /** At once where the instance served for a while; those that do not get that far are tried less and less often. */
  #restart(servedMs: number): void {
    if (!this.#isOpen) return;
    this.#failures = servedMs >= STABLE_MS ? 0 : this.#failures + 1;
    const { restarts, random, clock } = this.#options;
    if (this.#failures <= 1) {
      this.#fill();
      return;
    }
    this.#cancelRestart?.();
    this.#cancelRestart = clock.after(nextDelay(restarts, this.#failures - 2, random), () => this.#fill());
  }
}

function portOf({ url }: StartedMessage): number | undefined {
  return url === undefined ? undefined : Number(new URL(url).port);
}

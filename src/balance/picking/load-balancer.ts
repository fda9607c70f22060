import type { Clock } from '../../kernel/clock.ts';
import { PeregrineError } from '../../kernel/errors.ts';
import type { Random } from '../../kernel/random.ts';
import { Signal } from '../../signal/signal.ts';
import type { BackendLoad, BackendState, BalancerStatistics, CallOutcome, ChosenBackend } from './backend.ts';
import { Ejection } from './ejection.ts';
import { LeastConnections } from './least-connections.ts';
import { Member } from './member.ts';
import {
  type LoadBalancerOptions,
  type ResolvedLoadBalancerOptions,
  resolveLoadBalancerOptions,
  weightOption,
} from './options.ts';
import { PeakEwma } from './peak-ewma.ts';
import type { Picker } from './picker.ts';
import { Prober } from './prober.ts';
import { ResourceBased } from './resource-based.ts';
import { SmoothRoundRobin } from './round-robin.ts';
import { SlowStart } from './slow-start.ts';

/** A backend is in another state. */
export interface BackendEvent {
  readonly id: string;
  readonly from: BackendState;
  readonly to: BackendState;
}

/**
 * Chooses backends for calls, by what it sees of their calls, by what they report of themselves, and by probes.
 *
 * Nothing that drains is chosen, and nothing that is unhealthy or ejected, unless too many are.
 */
export class LoadBalancer {
  /** Tells every change of a backend's state. */
  readonly changed = new Signal<BackendEvent>();
  readonly #options: ResolvedLoadBalancerOptions;
  readonly #picker: Picker;
  readonly #slowStart: SlowStart;
  readonly #ejection: Ejection | undefined;
  readonly #prober: Prober | undefined;
  readonly #members = new Map<string, Member>();
  /** Those that may be chosen, until something changes. */
  #candidates: readonly Member[] | undefined;
  #isClosed = false;

  /** @throws {OptionError} when an option is unknown or not valid. */
  constructor(options?: LoadBalancerOptions) {
    this.#options = resolveLoadBalancerOptions(options);
    const { clock, random, slowStartMs, ejection, probe } = this.#options;
    this.#picker = createPicker(this.#options);
    this.#slowStart = new SlowStart(clock, slowStartMs);
    this.#ejection =
      ejection &&
      new Ejection({
        options: ejection,
        clock,
        hasRoom: (maxShare) => this.#hasRoom(maxShare),
        moved: (member, isEjected) => this.#move(member, { isEjected }),
      });
    this.#prober =
      probe &&
      new Prober({
        options: probe,
        clock,
        random,
        moved: (member, isUnhealthy) => this.#move(member, { isUnhealthy }),
      });
  }

  /**
   * Adds a backend, which is taken for healthy; one that is there gets the weight, and is taken back if it was draining.
   *
   * @throws {OptionError} when the weight is not valid. @throws {PeregrineError} `BALANCER_CLOSED`
   */
  add(id: string, { weight }: { readonly weight?: number | undefined } = {}): void {
    const checked = weightOption(weight);
    if (this.#isClosed) throw new PeregrineError('BALANCER_CLOSED', 'the balancer has been closed');
    const known = this.#members.get(id);
    if (known !== undefined) {
      known.reweigh({ weight: checked });
      if (known.isDraining) this.#takeBack(known);
      return;
    }
    const member = new Member(id, checked);
    this.#members.set(id, member);
    this.#candidates = undefined;
    this.#slowStart.begin(member);
    this.#prober?.watch(member);
  }

  /** Forgets a backend; calls in flight to it settle as before. One that is not there is no fault. */
  remove(id: string): void {
    const member = this.#members.get(id);
    if (member === undefined) return;
    this.#members.delete(id);
    this.#candidates = undefined;
    this.#stopWatching(member);
  }

  /** Gives a backend no further calls. @throws {PeregrineError} `BACKEND_UNKNOWN` */
  drain(id: string): void {
    const member = this.#member(id);
    if (member.isDraining) return;
    this.#stopWatching(member);
    this.#move(member, { isDraining: true });
  }

  /** Resolves when nothing is in flight to a backend, at once where nothing is or it is not known. */
  drained(id: string): Promise<void> {
    const member = this.#members.get(id);
    if (member === undefined || member.inFlight === 0) return Promise.resolve();
    member.idle ??= Promise.withResolvers();
    return member.idle.promise;
  }

  /** @throws {OptionError} when it is not valid. @throws {PeregrineError} `BACKEND_UNKNOWN` */
  setWeight(id: string, weight: number): void {
    this.#member(id).reweigh({ weight: weightOption(weight) });
  }

  /**
   * Chooses a backend for one call; nothing where there is none.
   *
   * @param exclude Backends that must not be chosen, such as the one that just failed.
   * HOT: every call of a gateway; guarded by `node bench/scale-model/pick-cost.ts` (decision 0019).
   */
  pick({ exclude }: { readonly exclude?: ReadonlySet<string> | undefined } = {}): ChosenBackend | undefined {
    let candidates = this.#candidates ?? this.#arrange();
    if (exclude !== undefined && exclude.size > 0) candidates = candidates.filter(({ id }) => !exclude.has(id));
    if (candidates.length === 0) return undefined;
    return this.#choose(this.#picker.pick(candidates));
  }

  /** Counts a call that only this backend can serve, whatever state it is in; nothing where it is not known. */
  take(id: string): ChosenBackend | undefined {
    const member = this.#members.get(id);
    return member && this.#choose(member);
  }

  /** Takes in what a backend tells of itself; shares that are none, and unknown backends, are left out. */
  report(id: string, { cpu, memory }: BackendLoad): void {
    const member = this.#members.get(id);
    if (member === undefined || !isShare(cpu) || !isShare(memory)) return;
    member.report({ cpu: Math.min(1, cpu), memory: Math.min(1, memory) }, this.#options.clock.now());
  }

  /** How each backend does; `overall` is the mean of their loads, by weight. */
  getStatistics(): BalancerStatistics {
    const instances = Array.from(this.#members.values(), (member) => member.statistics());
    const weights = instances.reduce((sum, { weight }) => sum + weight, 0);
    const loads = instances.reduce((sum, { weight, load }) => sum + weight * load, 0);
    return {
      algorithm: this.#options.algorithm,
      load: { overall: weights === 0 ? 0 : loads / weights },
      instances,
    };
  }

  /** Chooses nothing more and ends probes and timers. Calls in flight settle as before. */
  close(): void {
    this.#isClosed = true;
    this.#candidates = undefined;
    for (const member of this.#members.values()) this.#stopWatching(member);
  }

  #choose(member: Member): ChosenBackend {
    member.inFlight++;
    member.requests++;
    return new Choice(member, this.#picker, this.#ejection, this.#options.clock);
  }

  #member(id: string): Member {
    const member = this.#members.get(id);
    if (member === undefined) throw new PeregrineError('BACKEND_UNKNOWN', `there is no backend "${id}"`);
    return member;
  }

  #arrange(): readonly Member[] {
    const taking = this.#isClosed ? [] : this.#taking();
    const healthy = taking.filter(({ state }) => state === 'healthy');
    const isPanic = healthy.length < taking.length * this.#options.panicBelow;
    this.#candidates = shuffled(isPanic ? taking : healthy, this.#options.random);
    return this.#candidates;
  }

  /** All but those that drain. */
  #taking(): readonly Member[] {
    return Array.from(this.#members.values()).filter(({ isDraining }) => !isDraining);
  }

  #hasRoom(maxShare: number): boolean {
    const taking = this.#taking();
    const out = taking.filter(({ state }) => state !== 'healthy').length;
    return out + 1 <= taking.length * maxShare;
  }

  #move(member: Member, change: { readonly [F in 'isDraining' | 'isUnhealthy' | 'isEjected']?: boolean }): void {
    const from = member.state;
    Object.assign(member, change);
    const to = member.state;
    if (from === to) return;
    this.#candidates = undefined;
    if (to === 'healthy') this.#slowStart.begin(member);
    if (this.changed.active) this.changed.emit({ id: member.id, from, to });
  }

  #takeBack(member: Member): void {
    member.isWatched = true;
    this.#move(member, { isDraining: false, isEjected: false });
    this.#prober?.watch(member);
  }

  #stopWatching(member: Member): void {
    member.isWatched = false;
    this.#prober?.forget(member);
    this.#ejection?.forget(member);
    this.#slowStart.forget(member);
  }
}

class Choice implements ChosenBackend {
  readonly #member: Member;
  readonly #picker: Picker;
  readonly #ejection: Ejection | undefined;
  readonly #clock: Clock;
  readonly #startedAt: number;
  #isSettled = false;

  constructor(member: Member, picker: Picker, ejection: Ejection | undefined, clock: Clock) {
    this.#member = member;
    this.#picker = picker;
    this.#ejection = ejection;
    this.#clock = clock;
    this.#startedAt = picker.settled === undefined ? 0 : clock.now();
  }

  get id(): string {
    return this.#member.id;
  }

  settle(outcome: CallOutcome): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    const member = this.#member;
    member.inFlight--;
    if (member.inFlight === 0 && member.idle !== undefined) {
      member.idle.resolve();
      member.idle = undefined;
    }
    if (outcome === 'unknown') return;
    if (outcome === 'failure') member.errors++;
    this.#picker.settled?.(member, this.#clock.now() - this.#startedAt, outcome);
    if (member.isWatched) this.#ejection?.settled(member, outcome === 'failure');
  }
}

function createPicker({ algorithm, clock, random, maxMemory }: ResolvedLoadBalancerOptions): Picker {
  if (algorithm === 'round-robin') return new SmoothRoundRobin(({ warmth }) => warmth);
  if (algorithm === 'weighted-round-robin') return new SmoothRoundRobin(({ share }) => share);
  if (algorithm === 'resource-based') return new ResourceBased(clock, random, maxMemory);
  return algorithm === 'peak-ewma' ? new PeakEwma(clock, random) : new LeastConnections(random);
}

/** Backends of a kind are often named side by side, and other balancers have the same list: the order is to tell nothing. */
function shuffled(members: readonly Member[], random: Random): readonly Member[] {
  const order = [...members];
  for (let left = order.length; left > 1; left--) {
    const at = Math.floor(random() * left);
    const last = order[left - 1] as Member;
    order[left - 1] = order[at] as Member;
    order[at] = last;
  }
  return order;
}

function isShare(value: unknown): boolean {
  return typeof value === 'number' && value >= 0;
}

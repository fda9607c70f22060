import { type BalancingAlgorithm, LoadBalancer } from '../../src/balance/balance.ts';
import { type Random, seededRandom } from '../../src/kernel/random.ts';
import { exponential } from './chance.ts';
import { EventQueue } from './event-queue.ts';

/**
 * What nobody can know, to compare with. `omniscient` knows how long each backend still works on what it has, and takes the one
 * that is free first; `clairvoyant` also what the request will cost, and takes the earliest answer.
 */
export type Reference = 'omniscient' | 'clairvoyant';

/** What is simulated: backends of one event loop each, requests whose cost nobody knows before. */
export interface BalancingModel {
  readonly algorithm: BalancingAlgorithm | Reference;
  readonly backends: number;
  /** Share of the backends that are slower, and how fast these are. */
  readonly slowShare: number;
  readonly slowSpeed: number;
  /** Work that comes over what all backends together can do. */
  readonly load: number;
  readonly seed: number;
  readonly durationS: number;
  /** Mean cost of a request on a backend of full speed; it is exponentially distributed. @default 10 */
  readonly meanCostMs?: number;
}

/** Response times in milliseconds, of the requests after the first tenth of the time. */
export interface BalancingResult {
  readonly requests: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** How long a backend looks at itself before it tells anything new. */
const REPORT_MS = 1_000;

/** A backend: first come, first served. */
class Backend {
  readonly id: string;
  readonly speed: number;
  #freeAt = 0;
  /** Of the time since the last report. */
  #busyMs = 0;
  #reportedAt = 0;
  cpu = 0;

  constructor(id: string, speed: number) {
    this.id = id;
    this.speed = speed;
  }

  /** How long it still works on what it has. */
  busyMs(now: number): number {
    return Math.max(0, this.#freeAt - now);
  }

  /** @returns How long it takes to answer. */
  take(now: number, costMs: number): number {
    const ms = this.busyMs(now) + costMs / this.speed;
    this.#freeAt = now + ms;
    return ms;
  }

  /** Tells its utilization as an instance does: that of the last second, until it knows that of the next. */
  worked(now: number, costMs: number): void {
    this.#busyMs += costMs / this.speed;
    if (now - this.#reportedAt < REPORT_MS) return;
    this.cpu = Math.min(1, this.#busyMs / (now - this.#reportedAt));
    this.#busyMs = 0;
    this.#reportedAt = now;
  }
}

/** Lets the production balancer choose in virtual time. The same model gives the same result. */
export function simulate(model: BalancingModel): BalancingResult {
  const { algorithm, load, seed, durationS, meanCostMs = 10 } = model;
  const clock = new EventQueue();
  const random = seededRandom(seed);
  const backends = createBackends(model);
  const choose = createChoice(backends, algorithm, clock, seededRandom(seed + 1));
  const capacity = backends.reduce((sum, { speed }) => sum + speed, 0);
  const meanGapMs = meanCostMs / (capacity * load);
  const times: number[] = [];
  const arrive = (): void => {
    const now = clock.now();
    const costMs = exponential(meanCostMs, random);
    const { backend, answered } = choose(now, costMs);
    const tookMs = backend.take(now, costMs);
    if (now > durationS * 100) times.push(tookMs);
    clock.after(tookMs, () => {
      backend.worked(clock.now(), costMs);
      answered();
    });
    clock.after(exponential(meanGapMs, random), arrive);
  };
  arrive();
  clock.run(durationS * 1_000);
  return toResult(times);
}

type Choose = (now: number, costMs: number) => { readonly backend: Backend; readonly answered: () => void };

function createBackends({ backends, slowShare, slowSpeed }: BalancingModel): readonly Backend[] {
  const slow = Math.round(backends * slowShare);
  return Array.from({ length: backends }, (_, at) => new Backend(`b${at}`, at < slow ? slowSpeed : 1));
}

function createChoice(
  backends: readonly Backend[],
  algorithm: BalancingModel['algorithm'],
  clock: EventQueue,
  random: Random,
): Choose {
  if (algorithm === 'omniscient') return chooseLeast(backends, random, (backend, now) => backend.busyMs(now));
  if (algorithm !== 'clairvoyant') return chooseBalanced(backends, algorithm, clock, random);
  return chooseLeast(backends, random, (backend, now, costMs) => backend.busyMs(now) + costMs / backend.speed);
}

function chooseBalanced(
  backends: readonly Backend[],
  algorithm: BalancingAlgorithm,
  clock: EventQueue,
  random: Random,
): Choose {
  const balancer = new LoadBalancer({ algorithm, clock, random });
  const byId = new Map(backends.map((backend) => [backend.id, backend]));
  for (const { id } of backends) balancer.add(id);
  return () => {
    const chosen = balancer.pick();
    const backend = byId.get(chosen?.id ?? '');
    if (chosen === undefined || backend === undefined) throw new Error('nothing was chosen');
    const answered = (): void => {
      balancer.report(backend.id, { cpu: backend.cpu, memory: 0.3 });
      chosen.settle('success');
    };
    return { backend, answered };
  };
}

function chooseLeast(
  backends: readonly Backend[],
  random: Random,
  msOf: (backend: Backend, now: number, costMs: number) => number,
): Choose {
  const answered = (): void => {};
  return (now, costMs) => {
    let best = backends[0] as Backend;
    let least = Number.POSITIVE_INFINITY;
    let tied = 0;
    for (const backend of backends) {
      const ms = msOf(backend, now, costMs);
      tied = ms < least ? 1 : ms === least ? tied + 1 : tied;
      if (ms < least || (ms === least && random() * tied < 1)) best = backend;
      least = Math.min(least, ms);
    }
    return { backend: best, answered };
  };
}

function toResult(times: number[]): BalancingResult {
  const sorted = Float64Array.from(times).sort();
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  return { requests: sorted.length, p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
}

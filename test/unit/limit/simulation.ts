import type { CancelTimer, Clock } from '../../../src/kernel/clock.ts';
import { Histogram } from '../../../src/kernel/histogram.ts';
import { type Random, seededRandom } from '../../../src/kernel/random.ts';
import { OverloadGuard, resolveOverload } from '../../../src/limit/limit.ts';
import { type LimitEvent, type ShedClass, Signal } from '../../../src/signal/signal.ts';

interface Timer {
  dueAt: number;
  readonly run: () => void;
}

/** One thread with an event loop as Node.js has it: timers that are due, then everything that has arrived, again and again. */
class SimulatedLoop implements Clock {
  #now = 0;
  readonly #timers = new Set<Timer>();
  #deferred: (() => void)[] = [];

  now(): number {
    return this.#now;
  }
  wallNow(): number {
    return this.#now;
  }
  after(delayMs: number, run: () => void): CancelTimer {
    const timer: Timer = {
      dueAt: this.#now + delayMs,
      run: () => {
        this.#timers.delete(timer);
        run();
      },
    };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }
  every(periodMs: number, run: () => void): CancelTimer {
    const timer: Timer = {
      dueAt: this.#now + periodMs,
      run: () => {
        timer.dueAt = this.#now + periodMs;
        run();
      },
    };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }
  /** Keeps the thread busy. */
  burn(ms: number): void {
    this.#now += ms;
  }

  /** Runs something once everything that has arrived has been taken. */
  defer(run: () => void): void {
    this.#deferred.push(run);
  }

  /** Takes arrivals, in the order of their times, until the end. */
  run(arrivals: readonly Arrival[], endMs: number, take: (arrival: Arrival) => void): void {
    let next = 0;
    while (this.#now < endMs) {
      for (const timer of [...this.#timers]) if (timer.dueAt <= this.#now && this.#timers.has(timer)) timer.run();
      const polledAt = this.#now;
      const from = next;
      while (next < arrivals.length && (arrivals[next] as Arrival).atMs <= polledAt) take(arrivals[next++] as Arrival);
      const deferred = this.#deferred;
      this.#deferred = [];
      for (const run of deferred) run();
      if (next === from && deferred.length === 0) this.#now = Math.min(endMs, this.#nextEvent(arrivals[next]));
    }
  }

  #nextEvent(arrival: Arrival | undefined): number {
    let first = arrival?.atMs ?? Number.POSITIVE_INFINITY;
    for (const { dueAt } of this.#timers) first = Math.min(first, dueAt);
    return Math.max(first, this.#now);
  }
}

/** A tool as the simulation has it. */
export interface SimulatedTool {
  readonly shedClass: ShedClass;
  /** Mean time on the processor, in milliseconds. */
  readonly cpuMs: number;
  /** Time that it waits for others after that, in milliseconds. */
  readonly waitMs: number;
  /** How often it is called, beside the others' weights. */
  readonly weight: number;
}

interface Arrival {
  readonly atMs: number;
  readonly tool: SimulatedTool;
  readonly cpuMs: number;
}

/** A part of a run with a load and a mix of its own. */
export interface Phase {
  readonly forMs: number;
  /** Processor time asked for over time that there is. */
  readonly load: number;
  readonly tools: readonly SimulatedTool[];
}

export interface SimulationResult {
  /** Processor time spent on answers that came within a second, over all time. */
  readonly goodput: number;
  readonly admitted: number;
  readonly p99Ms: number;
  readonly shed: number;
  readonly shedByClass: Readonly<Record<ShedClass, number>>;
  readonly arrivedByClass: Readonly<Record<ShedClass, number>>;
  readonly events: readonly LimitEvent[];
}

/** Reading a request and refusing it. */
const REFUSAL_MS = 0.05;
const DEADLINE_MS = 1_000;
const NONE: Readonly<Record<ShedClass, number>> = { list: 0, retry: 0, tool: 0, essential: 0, health: 0 };

function pick(tools: readonly SimulatedTool[], at: number): SimulatedTool {
  let left = at;
  for (const tool of tools) {
    left -= tool.weight;
    if (left < 0) return tool;
  }
  return tools[0] as SimulatedTool;
}

function arrivalsOf(phases: readonly Phase[], random: Random): Arrival[] {
  const arrivals: Arrival[] = [];
  let [from, atMs] = [0, 0];
  for (const { forMs, load, tools } of phases) {
    const weights = tools.reduce((sum, { weight }) => sum + weight, 0);
    const meanMs = tools.reduce((sum, { weight, cpuMs }) => sum + (weight / weights) * cpuMs, 0);
    from += forMs;
    for (;;) {
      atMs += (-Math.log(1 - random()) * meanMs) / load;
      if (atMs >= from) break;
      const tool = pick(tools, random() * weights);
      arrivals.push({ atMs, tool, cpuMs: tool.cpuMs * (0.5 + random()) });
    }
    atMs = from;
  }
  return arrivals;
}

/** Runs phases of load against the production guard in virtual time; without control nothing is ever refused. */
export function simulate(phases: readonly Phase[], seed: number, control = true): SimulationResult {
  const random = seededRandom(seed);
  const arrivals = arrivalsOf(phases, random);
  const loop = new SimulatedLoop();
  const signal = new Signal<LimitEvent>();
  const events: LimitEvent[] = [];
  signal.on((event) => void (event.kind === 'shed' || events.push(event)));
  const options = resolveOverload({ shed: control, maxInFlight: 10_000 });
  const guard = new OverloadGuard({ options, clock: loop, random, signal, defer: (run) => loop.defer(run) });
  const latencies = new Histogram();
  const [shedByClass, arrivedByClass] = [{ ...NONE }, { ...NONE }];
  let [usefulMs, admitted, shed] = [0, 0, 0];
  const finish = ({ atMs, cpuMs }: Arrival): void => {
    guard.release();
    const tookMs = loop.now() - atMs;
    latencies.record(tookMs * 1_000);
    if (tookMs <= DEADLINE_MS) usefulMs += cpuMs;
  };
  const endMs = phases.reduce((sum, { forMs }) => sum + forMs, 0);
  const serve = (arrival: Arrival): void => {
    const { shedClass, waitMs } = arrival.tool;
    arrivedByClass[shedClass]++;
    if (!guard.enter(shedClass)) {
      guard.refused('simulated');
      shedByClass[shedClass]++;
      shed++;
      loop.burn(REFUSAL_MS);
      return;
    }
    admitted++;
    loop.burn(arrival.cpuMs);
    if (waitMs === 0) finish(arrival);
    else loop.after(waitMs, () => finish(arrival));
  };
  loop.run(arrivals, endMs, (arrival) => {
    if (guard.turns.active) guard.turns.add(() => serve(arrival));
    else serve(arrival);
  });
  const p99Ms = latencies.quantile(0.99) / 1_000;
  return { goodput: usefulMs / endMs, admitted, p99Ms, shed, shedByClass, arrivedByClass, events };
}

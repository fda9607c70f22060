import type { CancelTimer } from '../kernel/clock.ts';
import { keepAlive } from '../kernel/keep-alive.ts';
import { IntendedTimes } from './intended-times.ts';
import { LatencyHistogram } from './latency-histogram.ts';
import type { LoadConnection } from './load-connection.ts';
import type { LoadPlan } from './load-plan.ts';
import { LoadUser, type UserOwner } from './load-user.ts';
import { Tally } from './tally.ts';

/** What a run found. */
export interface RunOutcome {
  readonly tally: Tally;
  /** How long what counts took. */
  readonly elapsedMs: number;
  /** Why the run ended before its time. */
  readonly aborted: string | undefined;
  readonly generator: GeneratorFigures;
}

/** What the load generator itself cost, and whether it kept up. */
export interface GeneratorFigures {
  /** CPU time of this process over the counted part, in microseconds an answer. */
  readonly cpuUsPerAnswer: number;
  /** Share of the time in which its event loop was busy. */
  readonly busyShare: number;
  /** How late requests of an open loop left although a connection was free: 99 of 100 within this. */
  readonly lateP99Us: number;
  /** Requests of an open loop that waited for a connection, as a share of all. */
  readonly waitedShare: number;
}

const TICK_MS = 1;
const SWEEP_EVERY_TICKS = 100;
/** Connections that are opened in one tick. */
const OPENED_AT_ONCE = 64;
/** Longest wait for the first connections. */
const CONNECT_MS = 10_000;

/** Runs one plan to its end. */
export class LoadRun implements UserOwner {
  readonly done: Promise<RunOutcome>;
  readonly plan: LoadPlan;
  readonly tally: Tally;
  readonly #users: LoadUser[] = [];
  readonly #idle: LoadUser[] = [];
  readonly #due = new IntendedTimes();
  readonly #late = new LatencyHistogram();
  #resolve: (outcome: RunOutcome) => void = () => {};
  #stopTicks: CancelTimer | undefined;
  #rest: (() => void) | undefined;
  #ticks = 0;
  #openedAt = 0;
  /** When the schedule began; nothing while the first connections are made. */
  #startMs: number | undefined;
  #countFromMs = Number.POSITIVE_INFINITY;
  #nextMs = 0;
  #nextSecond = 1;
  #waited = 0;
  #intended = 0;
  #cpu = { user: 0, system: 0 };
  #loop = performance.eventLoopUtilization();
  #isOver = false;
  #lastFailure: string | undefined;

  constructor(plan: LoadPlan) {
    this.plan = plan;
    this.tally = new Tally(plan.operations);
    this.done = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  start(): void {
    const { signal } = this.plan;
    this.#openedAt = this.plan.clock.now();
    this.#stopTicks = this.plan.clock.every(TICK_MS, () => this.#tick());
    this.#rest = keepAlive();
    if (signal?.aborted) this.#finish('interrupted');
    signal?.addEventListener('abort', () => this.#finish('interrupted'), { once: true });
  }

  /** A user can send: for the first time, again after an answer, or over a new connection. */
  ready(user: LoadUser, nowMs: number): void {
    if (this.#isOver) return;
    if (this.#startMs === undefined || this.plan.loop === 'closed') {
      if (this.#startMs !== undefined && user.index < this.#active(nowMs)) user.send(nowMs, nowMs);
      else this.#idle.push(user);
      return;
    }
    if (this.#due.length === 0) {
      this.#idle.push(user);
      return;
    }
    const intendedMs = this.#due.shift();
    if (intendedMs >= this.#countFromMs) this.#waited++;
    user.send(intendedMs, nowMs);
  }

  answered(user: LoadUser, connection: LoadConnection, nowMs: number): void {
    const { request, intendedMs } = user;
    if (request === undefined || intendedMs < this.#countFromMs) return;
    const wrong = this.plan.judge(connection, request);
    this.tally.answered(request.operation, (nowMs - intendedMs) * 1e6, connection.bodyBytes, wrong);
    if (this.tally.answers >= this.plan.maxRequests) this.#finish();
  }

  failed(user: LoadUser, reason: string, wasBusy: boolean): void {
    this.#lastFailure = reason;
    if (this.#isOver) return;
    const place = this.#idle.indexOf(user);
    if (place >= 0) this.#idle.splice(place, 1);
    if (wasBusy && user.intendedMs >= this.#countFromMs) this.tally.failed(user.request?.operation, reason);
    else if (this.#startMs !== undefined && !wasBusy) this.tally.failed(undefined, `connection: ${reason}`);
  }

  /** Gives up: there is no use in going on. */
  abort(reason: string): void {
    this.#finish(reason);
  }

  #active(nowMs: number): number {
    const { schedule, loop, connections } = this.plan;
    if (loop === 'open') return connections;
    return Math.max(1, Math.round(schedule.at(this.#startMs === undefined ? 0 : nowMs - this.#startMs)));
  }

  #tick(): void {
    const nowMs = this.plan.clock.now();
    this.#ticks++;
    this.#connect(nowMs);
    if (this.#startMs === undefined) {
      if (this.#idle.length >= this.#active(nowMs)) this.#begin(nowMs);
      else if (nowMs - this.#openedAt > CONNECT_MS) this.#finish(this.#noConnection());
      return;
    }
    const atMs = nowMs - this.#startMs;
    if (this.plan.loop === 'open') this.#sendDue(nowMs, atMs);
    else this.#wake(nowMs);
    if (this.#ticks % SWEEP_EVERY_TICKS === 0) for (const user of this.#users) user.sweep(nowMs);
    this.#count(nowMs, atMs);
    if (atMs < this.plan.schedule.totalMs) return;
    if (this.plan.loop === 'closed' || this.#isSettled() || atMs > this.plan.schedule.totalMs + this.plan.timeoutMs)
      this.#finish();
  }

  /** Opens connections that are wanted and are not there, a few at a time. */
  #connect(nowMs: number): void {
    const wanted = this.#active(nowMs);
    let opened = 0;
    while (this.#users.length < wanted && opened < OPENED_AT_ONCE) {
      const user = new LoadUser(this, this.#users.length);
      this.#users.push(user);
      user.open();
      opened++;
    }
    if (this.#ticks % SWEEP_EVERY_TICKS === 0) for (const user of this.#users) user.open();
  }

  #noConnection(): string {
    const { host, port } = this.plan.target;
    return `could not open ${this.#active(0)} connections to ${host}:${port}: ${this.#lastFailure ?? 'no answer'}`;
  }

  #begin(nowMs: number): void {
    this.#startMs = nowMs;
    this.#nextMs = nowMs;
    if (this.plan.loop === 'closed') this.#wake(nowMs);
    if (this.plan.schedule.countedFromMs === 0) this.#beginCounting(nowMs);
  }

  #beginCounting(nowMs: number): void {
    this.#countFromMs = nowMs;
    this.#cpu = process.cpuUsage();
    this.#loop = performance.eventLoopUtilization();
  }

  /** Has users of a closed loop send that were not wanted before. */
  #wake(nowMs: number): void {
    const active = this.#active(nowMs);
    if (this.#idle.length === 0) return;
    const waiting = this.#idle.splice(0);
    for (const user of waiting) {
      if (user.index < active) user.send(nowMs, nowMs);
      else this.#idle.push(user);
    }
  }

  /** Sends those whose times have come, the gaps between them as of many independent clients. */
  #sendDue(nowMs: number, atMs: number): void {
    const { schedule, random } = this.plan;
    const endMs = nowMs - atMs + schedule.totalMs;
    while (this.#nextMs <= nowMs && this.#nextMs < endMs) {
      const rate = schedule.at(this.#nextMs - (nowMs - atMs));
      if (rate > 0) this.#intend(this.#nextMs, nowMs);
      this.#nextMs += rate > 0 ? (-Math.log(1 - random()) * 1_000) / rate : TICK_MS;
    }
  }

  #intend(intendedMs: number, nowMs: number): void {
    const counts = intendedMs >= this.#countFromMs;
    if (counts) this.#intended++;
    const user = this.#due.length === 0 ? this.#idle.pop() : undefined;
    if (user === undefined) {
      this.#due.push(intendedMs);
      return;
    }
    if (counts) this.#late.record((nowMs - intendedMs) * 1e6);
    user.send(intendedMs, nowMs);
  }

  #count(nowMs: number, atMs: number): void {
    const { countedFromMs, totalMs } = this.plan.schedule;
    if (this.#countFromMs === Number.POSITIVE_INFINITY && atMs >= countedFromMs) this.#beginCounting(nowMs);
    const countedMs = nowMs - this.#countFromMs;
    if (countedMs < this.#nextSecond * 1_000) return;
    if (atMs <= totalMs + 1_000) this.#cut(nowMs);
  }

  #cut(nowMs: number): void {
    const wanted = this.plan.schedule.at(nowMs - (this.#startMs ?? nowMs) - 500);
    const second = this.tally.timeLine.cut(this.#nextSecond++, wanted);
    this.plan.onSecond?.(second);
  }

  #isSettled(): boolean {
    return this.#due.length === 0 && !this.#users.some((user) => user.isBusy);
  }

  #finish(aborted?: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stopTicks?.();
    this.#rest?.();
    const nowMs = this.plan.clock.now();
    const elapsedMs = this.#countFromMs === Number.POSITIVE_INFINITY ? 0 : nowMs - this.#countFromMs;
    for (const user of this.#users) {
      if (this.plan.loop === 'open' && user.isBusy && user.intendedMs >= this.#countFromMs)
        this.tally.failed(user.request?.operation, 'no answer');
      user.close();
    }
    while (this.#due.length > 0) if (this.#due.shift() >= this.#countFromMs) this.tally.failed(undefined, 'not sent');
    this.#resolve({ tally: this.tally, elapsedMs, aborted, generator: this.#generatorFigures() });
  }

  #generatorFigures(): GeneratorFigures {
    const { user, system } = process.cpuUsage(this.#cpu as NodeJS.CpuUsage);
    const { answers } = this.tally;
    return {
      cpuUsPerAnswer: answers === 0 ? 0 : (user + system) / answers,
      busyShare: performance.eventLoopUtilization(this.#loop).utilization,
      lateP99Us: this.#late.percentile(0.99) / 1_000,
      waitedShare: this.#intended === 0 ? 0 : this.#waited / this.#intended,
    };
  }
}

/** Runs one plan to its end. Never rejects: see {@link RunOutcome.aborted}. */
export function runLoad(plan: LoadPlan): Promise<RunOutcome> {
  const run = new LoadRun(plan);
  run.start();
  return run.done;
}

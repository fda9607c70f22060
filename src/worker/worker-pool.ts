import type { CancelTimer, Clock } from '../kernel/clock.ts';
import { PoolMeter, type PoolStatistics } from '../kernel/pool-statistics.ts';
import type { Random } from '../kernel/random.ts';
import type { Signal, WorkerEvent } from '../signal/signal.ts';
import type { WorkerDriver } from './driver.ts';
import {
  TaskCancelledError,
  TaskCloneError,
  TaskFailedError,
  TaskLoadError,
  TaskTimeoutError,
  WorkerCrashedError,
  type WorkerExit,
  WorkerPoolClosedError,
  WorkerQueueFullError,
} from './errors.ts';
import { Job, type TaskCall } from './job.ts';
import { Member } from './member.ts';
import { type FromWorker, fromPortable } from './messages.ts';
import { RetryGate } from './retry-gate.ts';

/** The bounds of one pool; times in milliseconds. */
export interface WorkerPoolLimits {
  readonly maxWorkers: number;
  /** Idle workers that are kept. */
  readonly keptWarm: number;
  readonly maxQueue: number;
  readonly idleMs: number;
}

/** What a pool is made of. */
export interface WorkerPoolParts {
  readonly driver: WorkerDriver;
  readonly limits: WorkerPoolLimits;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: Signal<WorkerEvent>;
}

/** How long a worker that was asked to end may take, in milliseconds. */
const FAREWELL_MS = 1_000;
/** How long one may take to start. */
const START_MS = 30_000;

/**
 * Workers of one kind: each runs one task at a time, tasks begin in the order of the calls.
 *
 * Workers start when tasks wait, up to the bound. The one that was idle for the shortest time is next, so that those too many
 * fall idle and end. Time-out and cancellation end the worker of a task that runs; the next task gets a new one.
 */
export class WorkerPool {
  readonly #parts: WorkerPoolParts;
  readonly #meter: PoolMeter;
  readonly #members = new Set<Member>();
  readonly #ending = new Set<Member>();
  readonly #idle: Member[] = [];
  readonly #queue = new Set<Job>();
  readonly #starting: RetryGate;
  #retry: CancelTimer | undefined;
  #stopSweeping: CancelTimer | undefined;
  #nextId = 1;
  #closing: Promise<void> | undefined;
  #onDrained: (() => void) | undefined;

  constructor(parts: WorkerPoolParts) {
    this.#parts = parts;
    this.#meter = new PoolMeter(parts.clock);
    this.#starting = new RetryGate(parts.clock, parts.random);
  }

  /** Runs a task. Rejects with one of the errors of this folder. */
  run(call: TaskCall): Promise<unknown> {
    const { task, signal, timeoutMs } = call;
    const { driver, limits, clock } = this.#parts;
    if (this.#closing !== undefined) return Promise.reject(new WorkerPoolClosedError(driver.kind));
    if (signal?.aborted) return Promise.reject(new TaskCancelledError(task.name, signal.reason));
    if (task.loading.remainingMs > 0) return Promise.reject(task.loading.lastError);
    if (this.#idle.length === 0 && this.#queue.size >= limits.maxQueue) {
      this.#meter.timeouts++;
      return Promise.reject(new WorkerQueueFullError(driver.kind, this.#queue.size));
    }
    const job = new Job(this.#nextId++, call, clock.now());
    this.#watch(job, timeoutMs);
    this.#queue.add(job);
    this.#serve();
    return job.promise;
  }

  statistics(): PoolStatistics {
    let live = 0;
    let inUse = 0;
    for (const { state } of this.#members) {
      if (state !== 'starting') live++;
      if (state === 'busy') inUse++;
    }
    const { maxWorkers } = this.#parts.limits;
    return this.#meter.figures({ size: live, max: maxWorkers, inUse, waiting: this.#queue.size });
  }

  /** Fails what waits, lets finish what runs for a bounded time, and ends all workers. Safe to call again. */
  close(graceMs: number): Promise<void> {
    this.#closing ??= this.#close(graceMs);
    return this.#closing;
  }

  async #close(graceMs: number): Promise<void> {
    const { driver } = this.#parts;
    this.#retry?.();
    for (const job of this.#queue) job.reject(new WorkerPoolClosedError(driver.kind));
    this.#queue.clear();
    for (const member of [...this.#members]) if (member.state !== 'busy') this.#end(member);
    await this.#drained(() => this.#members.size === 0, graceMs);
    for (const member of [...this.#members]) {
      if (member.job?.isSettled === false) member.job.reject(new WorkerPoolClosedError(driver.kind));
      this.#kill(member);
    }
    await this.#drained(() => this.#ending.size === 0, 2 * FAREWELL_MS);
    this.#stopSweeping?.();
    // One that even a kill did not end is the system's affair; it does not keep this process.
    for (const member of this.#ending) member.hold(false);
  }

  async #drained(isDrained: () => boolean, longestMs: number): Promise<void> {
    if (isDrained()) return;
    await new Promise<void>((resolve) => {
      const finish = (): void => {
        cancel();
        this.#onDrained = undefined;
        resolve();
      };
      const cancel = this.#parts.clock.after(longestMs, finish);
      this.#onDrained = () => isDrained() && finish();
    });
  }

  /** Has the job end when its time is up or its caller gives up. */
  #watch(job: Job, timeoutMs: number): void {
    const { task, signal } = job.call;
    const onAbort = (): void => this.#giveUp(job, new TaskCancelledError(task.name, signal?.reason));
    const cancel = this.#parts.clock.after(timeoutMs, () => {
      this.#meter.timeouts++;
      this.#tell('timed-out', task.name);
      this.#giveUp(job, new TaskTimeoutError(task.name, timeoutMs, !this.#queue.has(job)));
    });
    signal?.addEventListener('abort', onAbort, { once: true });
    job.watch(() => {
      cancel();
      signal?.removeEventListener('abort', onAbort);
    });
  }

  #giveUp(job: Job, error: Error): void {
    job.reject(error);
    if (this.#queue.delete(job)) return;
    const { cancelGraceMs } = job.call.task;
    for (const member of this.#members) {
      if (member.job !== job) continue;
      if (cancelGraceMs === 0) {
        this.#kill(member);
      } else {
        member.handle.post({ cancel: job.id });
        member.deadline = this.#parts.clock.after(cancelGraceMs, () => {
          this.#kill(member);
          this.#serve();
        });
      }
    }
    this.#serve();
  }

  /** Brings together the tasks that wait and workers, and starts more of these where that helps. */
  #serve(): void {
    for (const job of this.#queue) {
      const member = this.#idle.pop();
      if (member === undefined) break;
      this.#hand(member, job);
    }
    let starting = 0;
    for (const { state } of this.#members) if (state === 'starting') starting++;
    const room = this.#parts.limits.maxWorkers - this.#members.size;
    for (let count = Math.min(this.#queue.size - starting, room); count > 0; count--) {
      if (!this.#startOrRetryLater()) break;
    }
  }

  #hand(member: Member, job: Job): void {
    this.#queue.delete(job);
    try {
      member.give(job);
    } catch (error) {
      this.#idle.push(member);
      job.reject(new TaskCloneError(job.call.task.name, 'input', error));
      return;
    }
    member.hold(true);
    this.#meter.countWaited(this.#parts.clock.now() - job.joinedAt);
  }

  /** @returns Whether a worker was started; otherwise that failed, now or a moment ago. */
  #startOrRetryLater(): boolean {
    const waitMs = this.#starting.remainingMs;
    if (waitMs === 0) return this.#start();
    if (this.#members.size === 0) {
      // Nobody could run them; failing now is better than a queue of calls that fail later.
      this.#rejectWaiting(this.#starting.lastError);
    } else {
      this.#retry ??= this.#parts.clock.after(waitMs, () => {
        this.#retry = undefined;
        this.#serve();
      });
    }
    return false;
  }

  #start(): boolean {
    const member = new Member();
    this.#members.add(member);
    try {
      member.handle = this.#parts.driver.start({
        onMessage: (message) => this.#onMessage(member, message),
        onUnreadable: (error) => this.#onUnreadable(member, error),
        onExit: (exit) => this.#onExit(member, exit),
      });
      member.deadline = this.#parts.clock.after(START_MS, () => member.handle.kill());
      return true;
    } catch (error) {
      this.#onExit(member, { code: null, signal: null, outOfMemory: false, error });
      return false;
    }
  }

  #onMessage(member: Member, message: FromWorker): void {
    if ('ready' in message) {
      if (member.state !== 'starting') return;
      this.#starting.succeed();
      this.#tell('started');
      this.#release(member);
      return;
    }
    const { job } = member;
    if (job === undefined || member.state !== 'busy') return;
    if ('loaded' in message) {
      member.knows(job);
      job.call.task.loading.succeed();
    } else if ('done' in message) {
      this.#release(member);
      if (!job.isSettled) job.resolve(message.result);
    } else if ('failed' in message) {
      this.#onFailed(member, job, message);
    }
  }

  #onFailed(member: Member, job: Job, { phase, error }: Extract<FromWorker, { failed: number }>): void {
    const { task } = job.call;
    const cause = fromPortable(error);
    const failure =
      phase === 'load'
        ? new TaskLoadError(task.name, cause)
        : phase === 'run'
          ? new TaskFailedError(task.name, cause)
          : new TaskCloneError(task.name, 'result', cause);
    if (phase === 'load') {
      // A failed import is remembered by its worker for good, so the next attempt needs another one.
      this.#failLoading(job, failure);
      this.#end(member);
      this.#serve();
    } else {
      this.#release(member);
    }
    if (!job.isSettled) job.reject(failure);
  }

  /** Those that wait for the same module would only meet the same failure. */
  #failLoading(job: Job, failure: TaskLoadError): void {
    const { task } = job.call;
    task.loading.fail(failure);
    for (const waiting of this.#queue) {
      if (waiting.call.task !== task) continue;
      this.#queue.delete(waiting);
      waiting.reject(failure);
    }
  }

  #onUnreadable(member: Member, error: unknown): void {
    const { job } = member;
    if (job === undefined || member.state !== 'busy') return;
    this.#release(member);
    if (!job.isSettled) job.reject(new TaskCloneError(job.call.task.name, 'result', error));
  }

  /** The worker is free for the next task. */
  #release(member: Member): void {
    member.deadline?.();
    member.deadline = undefined;
    member.job = undefined;
    if (this.#closing !== undefined) {
      this.#end(member);
      return;
    }
    member.state = 'idle';
    this.#idle.push(member);
    this.#serve();
    if ((member.state as Member['state']) !== 'idle') return;
    member.idleSince = this.#parts.clock.now();
    member.hold(false);
    const period = Math.max(10, Math.min(1_000, this.#parts.limits.idleMs / 2));
    this.#stopSweeping ??= this.#parts.clock.every(period, () => this.#sweep());
  }

  /** Ends workers that have been idle for too long. */
  #sweep(): void {
    const { clock, limits } = this.#parts;
    for (const member of [...this.#idle]) {
      if (this.#members.size <= limits.keptWarm) break;
      if (clock.now() - member.idleSince >= limits.idleMs) this.#end(member);
    }
    if (this.#idle.length > limits.keptWarm) return;
    this.#stopSweeping?.();
    this.#stopSweeping = undefined;
  }

  #leave(member: Member): void {
    member.deadline?.();
    member.state = 'ending';
    this.#members.delete(member);
    this.#ending.add(member);
    const at = this.#idle.indexOf(member);
    if (at >= 0) this.#idle.splice(at, 1);
  }

  /** Asks a worker to end; one that does not is killed. */
  #end(member: Member): void {
    this.#leave(member);
    member.hold(true);
    member.handle.post({ end: true });
    member.deadline = this.#parts.clock.after(FAREWELL_MS, () => member.handle.kill());
    this.#onDrained?.();
  }

  #kill(member: Member): void {
    this.#leave(member);
    member.handle.kill();
    this.#onDrained?.();
  }

  #onExit(member: Member, exit: WorkerExit): void {
    member.deadline?.();
    const { job, state } = member;
    if (this.#ending.delete(member)) {
      this.#tell('ended', job?.call.task.name);
      this.#onDrained?.();
      return;
    }
    this.#members.delete(member);
    const at = this.#idle.indexOf(member);
    if (at >= 0) this.#idle.splice(at, 1);
    this.#meter.errors++;
    const crash = new WorkerCrashedError(this.#parts.driver.kind, job?.call.task.name, exit);
    this.#tell('crashed', job?.call.task.name, crash);
    if (state === 'starting') {
      this.#starting.fail(crash);
      if (this.#members.size === 0) this.#rejectWaiting(crash);
    } else if (job !== undefined) {
      const failure = job.isLoaded ? crash : new TaskLoadError(job.call.task.name, crash);
      if (failure instanceof TaskLoadError) this.#failLoading(job, failure);
      if (!job.isSettled) job.reject(failure);
    }
    this.#serve();
    this.#onDrained?.();
  }

  #rejectWaiting(error: unknown): void {
    for (const job of this.#queue) job.reject(error);
    this.#queue.clear();
  }

  #tell(kind: WorkerEvent['kind'], task?: string, error?: unknown): void {
    const { signal, driver } = this.#parts;
    if (!signal.active) return;
    signal.emit({
      kind,
      pool: driver.kind,
      workers: this.#members.size,
      ...(task === undefined ? {} : { task }),
      ...(error === undefined ? {} : { error }),
    });
  }
}

import type { CancelTimer, Clock } from '../kernel/clock.ts';
import { keepAlive } from '../kernel/keep-alive.ts';
import type { EngineSignals } from '../signal/signal.ts';
import {
  asking,
  completing,
  endOf,
  failing,
  isTerminal,
  reported,
  type TaskRecord,
  type TaskStore,
  type Transition,
} from '../tasks/tasks.ts';
import { ErrorCode, type InputRequest, type TaskStatus } from '../wire/wire.ts';
import type { Answer, Call } from './call.ts';
import { InternalFault, toProtocolError } from './result-writer.ts';
import { type EarlierRound, TaskCall } from './task-call.ts';

/** What tasks are run by. */
export interface TaskRunnerParts {
  readonly tasks: TaskStore;
  readonly clock: Clock;
  readonly signals: EngineSignals;
  readonly maxRunning: number;
}

/** A task that this instance runs, or is about to. */
export interface RunningTask {
  readonly record: TaskRecord;
  readonly call: TaskCall;
  /** The version of the record that this instance knows; 0 until its handler is followed. */
  version: number;
  /** How it ended, as long as that could not be kept. */
  outcome: Transition | undefined;
  /** The newest word on how far it is, not kept yet. */
  message: string | undefined;
  /** Whether a word was kept of late, or is being kept. */
  isSaying: boolean;
  cancelSaying: CancelTimer | undefined;
}

/** How often all running tasks are looked after; a lease outlasts several of these. */
export const BEAT_MS = 5_000;
/** How often what one task says is kept. */
const SAY_EVERY_MS = 500;

const STOPPED = 'The server stopped before the task was finished';

/** Runs the tasks of this instance: keeps what becomes of them, says that it lives, and ends what is cancelled or too old. */
export class TaskRunner {
  readonly #parts: TaskRunnerParts;
  readonly #running = new Map<string, RunningTask>();
  #stopBeat: CancelTimer | undefined;
  #stopListening: (() => void) | undefined;
  #isBeating = false;
  #closed = false;
  #whenIdle: (() => void) | undefined;

  constructor(parts: TaskRunnerParts) {
    this.#parts = parts;
  }

  get running(): number {
    return this.#running.size;
  }

  /** Whether this instance runs a task, or is about to. */
  runs(id: string): boolean {
    return this.#running.has(id);
  }

  /** What a call is that may become a task of this instance. */
  prepare(record: TaskRecord, first: Call, round: EarlierRound): RunningTask {
    const call = new TaskCall(first, record.id, round, (message) => this.#say(task, message));
    const task: RunningTask = {
      ...{ record, call, version: 0, outcome: undefined, message: undefined },
      ...{ isSaying: false, cancelSaying: undefined },
    };
    return task;
  }

  /**
   * Takes a place for a task, before anything says that this instance runs it.
   *
   * @returns Whether there was one: not so many run as may, and the server does not stop.
   * @throws {StateStoreError} when it cannot be said that this instance lives.
   */
  async reserve(task: RunningTask): Promise<boolean> {
    if (this.#closed || this.#running.size >= this.#parts.maxRunning) return false;
    this.#running.set(task.record.id, task);
    this.#stopListening ??= this.#parts.tasks.listen((changed, status) => this.#heard(changed, status));
    try {
      if (this.#stopBeat === undefined) {
        await this.#parts.tasks.renewLease();
        this.#stopBeat ??= this.#parts.clock.every(BEAT_MS, () => void this.#beat());
      }
    } catch (error) {
      this.leave(task);
      throw error;
    }
    return true;
  }

  /** Gives a place back. */
  leave(task: RunningTask): void {
    task.cancelSaying?.();
    if (this.#running.get(task.record.id) === task) this.#running.delete(task.record.id);
    if (this.#running.size > 0) return;
    this.#stopBeat?.();
    this.#stopBeat = undefined;
    this.#whenIdle?.();
  }

  /** Keeps what the handler of a kept task answers, or asks for, as what became of it. */
  follow(task: RunningTask, version: number, answer: Promise<Answer>): void {
    task.version = version;
    void answer.then(
      (text) => this.#settled(task, () => this.#outcomeOf(task, text)),
      (error: unknown) => this.#settled(task, () => this.#failure(task, error)),
    );
    if (task.message !== undefined) this.#keepMessage(task);
  }

  /** Lets tasks finish until the deadline; those that have not by then fail. */
  async close(deadline: Promise<void>): Promise<void> {
    this.#closed = true;
    const release = keepAlive();
    try {
      if (this.#running.size > 0)
        await Promise.race([deadline, new Promise<void>((resolve) => (this.#whenIdle = resolve))]);
      const error = { code: ErrorCode.InternalError, message: STOPPED };
      await Promise.all(
        [...this.#running.values()].map(async (task) => {
          this.leave(task); // What its handler makes of that is not kept.
          task.call.end(new DOMException(STOPPED, 'AbortError'));
          await this.#keep(task, task.outcome ?? failing(error, this.#now));
        }),
      );
      this.#stopListening?.();
    } finally {
      release();
    }
  }

  get #now(): number {
    return this.#parts.clock.wallNow();
  }

  #say(task: RunningTask, message: string): void {
    task.message = message;
    if (task.version > 0 && !task.isSaying) this.#keepMessage(task);
  }

  #outcomeOf({ call: { asked } }: RunningTask, answer: Answer): Transition {
    if (asked === undefined) return completing(JSON.parse(answer as string), this.#parts.tasks.instance, this.#now);
    return asking(
      asked['inputRequests'] as { [key: string]: InputRequest },
      asked['requestState'] as string,
      this.#now,
    );
  }

  #failure(task: RunningTask, error: unknown): Transition {
    const known = toProtocolError(error);
    if (known instanceof InternalFault) this.#fault(task, known.reason);
    const { code, message, data } = known;
    return failing({ code, message, ...(data === undefined ? {} : { data }) }, this.#now);
  }

  async #settled(task: RunningTask, outcome: () => Transition): Promise<void> {
    if (!this.#isRunning(task)) return; // It was ended before.
    task.cancelSaying?.();
    try {
      task.outcome = outcome();
    } catch (error) {
      task.outcome = failing({ code: ErrorCode.InternalError, message: 'Internal error' }, this.#now);
      this.#fault(task, error);
    }
    if (await this.#keep(task, task.outcome)) this.leave(task);
  }

  /** @returns Whether there is nothing more to be kept. Where there is, the next beat tries again. */
  async #keep(task: RunningTask, outcome: Transition): Promise<boolean> {
    try {
      await this.#parts.tasks.change(task.record.id, outcome);
      return true;
    } catch (error) {
      this.#fault(task, error);
      return false;
    }
  }

  #keepMessage(task: RunningTask): void {
    const { message } = task;
    task.message = undefined;
    task.isSaying = true;
    const { tasks, clock } = this.#parts;
    void tasks
      .change(task.record.id, reported(message ?? '', this.#now))
      .then(
        (kept) => {
          if (kept !== undefined) task.version = kept.version;
        },
        () => {}, // The next word may be kept again.
      )
      .then(() => {
        if (!this.#isRunning(task) || task.outcome !== undefined) return;
        task.cancelSaying = clock.after(SAY_EVERY_MS, () => {
          task.isSaying = false;
          if (task.message !== undefined) this.#keepMessage(task);
        });
      });
  }

  #heard(id: string, status: TaskStatus): void {
    const task = this.#running.get(id);
    if (task === undefined || task.outcome !== undefined) return;
    if (status === 'cancelled' || status === 'failed') this.#end(task, 'The task was cancelled');
  }

  /** Ends a task whose record says that it is over, or that is gone. */
  #end(task: RunningTask, why: string): void {
    task.call.end(new DOMException(why, 'AbortError'));
    this.leave(task);
  }

  async #beat(): Promise<void> {
    const { tasks } = this.#parts;
    const fault = (error: unknown): void => this.#fault(undefined, error);
    void tasks.renewLease().catch(fault); // However long the rest takes.
    if (this.#isBeating) return;
    this.#isBeating = true;
    await Promise.all([...this.#running.values()].map((task) => this.#lookAfter(task))).catch(fault);
    this.#isBeating = false;
  }

  /** Finds what no message told: messages may be lost, and time passes without any. */
  async #lookAfter(task: RunningTask): Promise<void> {
    if (task.version === 0) return; // It is about to begin.
    if (endOf(task.record) <= this.#now) this.#end(task, 'The task has expired');
    else if (task.outcome !== undefined) {
      if (await this.#keep(task, task.outcome)) this.leave(task);
    } else if ((await this.#parts.tasks.versionOf(task.record.id)) !== task.version && !task.isSaying) {
      const kept = await this.#parts.tasks.read(task.record.id);
      if (kept === undefined || isTerminal(kept.record)) this.#end(task, 'The task is over');
      else task.version = kept.version;
    }
  }

  #isRunning(task: RunningTask): boolean {
    return this.#running.get(task.record.id) === task;
  }

  #fault(task: RunningTask | undefined, error: unknown): void {
    const where = task === undefined ? 'tasks' : `tools/call ${task.record.tool}`;
    this.#parts.signals.fault.emit({ where, error });
  }
}

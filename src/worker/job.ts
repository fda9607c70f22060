import type { CancelTimer } from '../kernel/clock.ts';
import type { Transferable } from './messages.ts';
import type { Task } from './task.ts';

/** One call of a task, as its pool takes it. */
export interface TaskCall {
  readonly task: Task;
  readonly input: unknown;
  readonly transfer: readonly Transferable[] | undefined;
  /** Longest time from now to the answer, in milliseconds. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/** A call under way. */
export class Job {
  readonly id: number;
  readonly call: TaskCall;
  readonly joinedAt: number;
  readonly promise: Promise<unknown>;
  /** Whether the worker that runs it has its module. */
  isLoaded = false;
  isSettled = false;
  #resolve!: (result: unknown) => void;
  #reject!: (error: unknown) => void;
  #forget: CancelTimer | undefined;

  constructor(id: number, call: TaskCall, joinedAt: number) {
    this.id = id;
    this.call = call;
    this.joinedAt = joinedAt;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** @param forget Ends the timer and the listening of this job, once it is settled. */
  watch(forget: CancelTimer): void {
    this.#forget = forget;
  }

  resolve(result: unknown): void {
    this.#settle();
    this.#resolve(result);
  }

  reject(error: unknown): void {
    this.#settle();
    this.#reject(error);
  }

  #settle(): void {
    this.isSettled = true;
    this.#forget?.();
    this.#forget = undefined;
  }
}

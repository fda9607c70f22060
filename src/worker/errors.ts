import { PeregrineError } from '../kernel/errors.ts';

/** The two kinds of workers, which are also the names of their pools. */
export type WorkerKind = 'thread' | 'process';

/** `TASK_UNKNOWN`: no task has this name. */
export class TaskUnknownError extends PeregrineError {
  constructor(task: string, near: string | undefined) {
    super('TASK_UNKNOWN', `there is no task "${task}"${near === undefined ? '' : ` (did you mean "${near}"?)`}`);
  }
}

/** `TASK_TIMEOUT`: the task was not done in time; if it was running, its worker was ended. */
export class TaskTimeoutError extends PeregrineError {
  readonly task: string;

  constructor(task: string, timeoutMs: number, wasRunning: boolean) {
    const detail = wasRunning ? '' : ', all of them spent waiting for a worker';
    super('TASK_TIMEOUT', `task "${task}" was not done after ${Math.round(timeoutMs)} ms${detail}`, {
      retryable: !wasRunning,
    });
    this.task = task;
  }
}

/** `TASK_CANCELLED`: the caller's signal was aborted; the reason is the `cause`. Its name is `AbortError`. */
export class TaskCancelledError extends PeregrineError {
  readonly task: string;

  constructor(task: string, reason: unknown) {
    super('TASK_CANCELLED', `task "${task}" was cancelled`, { cause: reason });
    this.name = 'AbortError';
    this.task = task;
  }
}

/** `TASK_FAILED`: the task threw; `cause` has its error with name, message and stack. */
export class TaskFailedError extends PeregrineError {
  readonly task: string;

  constructor(task: string, cause: Error) {
    super('TASK_FAILED', `task "${task}" failed${detailOf(cause)}`, { cause });
    this.task = task;
  }
}

/** `TASK_LOAD_FAILED`: the task's module could not be loaded, or has no such function; `cause` says why. */
export class TaskLoadError extends PeregrineError {
  readonly task: string;

  constructor(task: string, cause: unknown) {
    super('TASK_LOAD_FAILED', `the module of task "${task}" could not be loaded`, { cause });
    this.task = task;
  }
}

/** `TASK_NOT_CLONEABLE`: the input or the result cannot be carried from one thread or process to another. */
export class TaskCloneError extends PeregrineError {
  readonly task: string;

  constructor(task: string, what: 'input' | 'result', cause: unknown) {
    super('TASK_NOT_CLONEABLE', `the ${what} of task "${task}" cannot be cloned, as functions and sockets cannot`, {
      cause,
    });
    this.task = task;
  }
}

/** How a worker ended by itself. */
export interface WorkerExit {
  /** The exit code; nothing when a signal ended it. */
  readonly code: number | null;
  readonly signal: string | null;
  readonly outOfMemory: boolean;
  /** The error that nobody caught, or why there was no worker at all. */
  readonly error?: unknown;
}

/** `WORKER_CRASHED`, or `WORKER_OUT_OF_MEMORY`: the worker ended while it ran the task, or could not be started. */
export class WorkerCrashedError extends PeregrineError {
  /** The task that it was running. */
  readonly task: string | undefined;
  readonly exitCode: number | null;
  /** The name of the signal that ended it, such as `SIGKILL`. */
  readonly signal: string | null;

  constructor(kind: WorkerKind, task: string | undefined, exit: WorkerExit) {
    const during = task === undefined ? 'could not be started' : `ended while it ran task "${task}"`;
    const how = exit.outOfMemory ? 'out of memory' : exit.signal !== null ? exit.signal : `exit code ${exit.code}`;
    super(exit.outOfMemory ? 'WORKER_OUT_OF_MEMORY' : 'WORKER_CRASHED', `a ${kind} ${during} (${how})`, {
      cause: exit.error,
      retryable: task === undefined,
    });
    this.task = task;
    this.exitCode = exit.code;
    this.signal = exit.signal;
  }
}

/** `WORKER_QUEUE_FULL`: too many tasks wait already. Retryable. */
export class WorkerQueueFullError extends PeregrineError {
  readonly queued: number;

  constructor(kind: WorkerKind, queued: number) {
    super('WORKER_QUEUE_FULL', `${queued} tasks wait for a ${kind} already`, { retryable: true });
    this.queued = queued;
  }
}

/** `WORKER_POOL_CLOSED`: the pools have been closed, or are closing and take nothing new. */
export class WorkerPoolClosedError extends PeregrineError {
  constructor(kind: WorkerKind) {
    super('WORKER_POOL_CLOSED', `the ${kind} pool is closed`);
  }
}

const RUNTIME_CLASSES = new Set([
  'TypeError',
  'ReferenceError',
  'RangeError',
  'SyntaxError',
  'URIError',
  'EvalError',
  'AggregateError',
]);

/** The message of an error that an author wrote; of one of the runtime or the system only its class (decision 0003). */
function detailOf(error: Error): string {
  if (RUNTIME_CLASSES.has(error.name) || 'code' in error) return ` (${error.name})`;
  return `: ${error.message}`;
}

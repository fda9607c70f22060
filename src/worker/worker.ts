/** The contract of `worker/`: tasks that run in threads and processes beside the server's event loop. */
export {
  TaskCancelledError,
  TaskCloneError,
  TaskFailedError,
  TaskLoadError,
  TaskTimeoutError,
  TaskUnknownError,
  WorkerCrashedError,
  type WorkerKind,
  WorkerPoolClosedError,
  WorkerQueueFullError,
} from './errors.ts';
export type { Transferable } from './messages.ts';
export { type ResolvedWorkersOptions, resolveWorkersOptions, type WorkersOptions } from './options.ts';
export { RequestTasks } from './request-tasks.ts';
export type { TaskContext, TaskFunction } from './serve-tasks.ts';
export type { TaskOptions } from './task.ts';
export { type TaskRunOptions, WorkerPools, type WorkerSurroundings } from './worker-pools.ts';

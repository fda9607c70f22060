/** The contract of `tasks/`: what is kept of tools' calls that are answered later, and how it changes. */
export { type ResolvedTasks, resolveTasks, type TasksOptions } from './options.ts';
export {
  answering,
  asking,
  cancelling,
  completing,
  endOf,
  failing,
  handleOf,
  isTerminal,
  reported,
  type TaskRecord,
  type Transition,
  viewOf,
} from './task-record.ts';
export { type KeptTask, LEASE_MS, type TaskListener, TaskStore, type TaskStoreParts } from './task-store.ts';

import type { WorkerExit, WorkerKind } from './errors.ts';
import type { FromWorker, ToWorker, Transferable } from './messages.ts';

/** What a worker tells its pool. */
export interface WorkerListener {
  onMessage(message: FromWorker): void;
  /** A message came that cannot be read. */
  onUnreadable(error: unknown): void;
  /** Once, and the last call; also for a worker that never came to be. */
  onExit(exit: WorkerExit): void;
}

/** One worker. */
export interface WorkerHandle {
  /** @throws when the message cannot be cloned; nothing has been sent then. */
  post(message: ToWorker, transfer?: readonly Transferable[]): void;
  /** Ends it now, whatever it does. */
  kill(): void;
  /** Whether it keeps this process alive. */
  hold(isHeld: boolean): void;
}

/** Starts workers of one kind. */
export interface WorkerDriver {
  readonly kind: WorkerKind;
  /** @throws when that is impossible right now. */
  start(listener: WorkerListener): WorkerHandle;
}

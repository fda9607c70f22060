import { type Transferable as NodeTransferable, Worker } from 'node:worker_threads';
import type { WorkerDriver, WorkerHandle, WorkerListener } from './driver.ts';
import { entryUrl, inheritedArguments } from './entry.ts';
import { type FromWorker, fromPortable } from './messages.ts';

/** Starts worker threads, each with a heap of at most so many MB. */
export function createThreadDriver(maxHeapMb: number): WorkerDriver {
  return { kind: 'thread', start: (listener) => startThread(listener, maxHeapMb) };
}

function startThread(listener: WorkerListener, maxHeapMb: number): WorkerHandle {
  const execArgv = inheritedArguments('thread');
  const worker = new Worker(entryUrl('thread-entry'), {
    name: 'peregrine-task',
    stdout: true, // never read: keeps what gets past the entry's own redirection away from this process's stdout
    resourceLimits: { maxOldGenerationSizeMb: maxHeapMb },
    ...(execArgv === undefined ? {} : { execArgv }),
  });
  let error: unknown;
  let uncaught: Error | undefined;
  worker.on('message', (message: FromWorker) => {
    if ('uncaught' in message) uncaught = fromPortable(message.uncaught);
    else listener.onMessage(message);
  });
  worker.on('messageerror', (failure) => listener.onUnreadable(failure));
  worker.on('error', (thrown) => {
    error = thrown;
  });
  worker.on('exit', (code) => {
    const outOfMemory = (error as { readonly code?: unknown } | undefined)?.code === 'ERR_WORKER_OUT_OF_MEMORY';
    listener.onExit({ code, signal: null, outOfMemory, error: uncaught ?? error });
  });
  return {
    post: (message, transfer) => worker.postMessage(message, transfer as NodeTransferable[] | undefined),
    kill: () => void worker.terminate(),
    hold: (isHeld) => (isHeld ? worker.ref() : worker.unref()),
  };
}

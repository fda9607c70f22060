import { type ChildProcess, fork } from 'node:child_process';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { CancelTimer, Clock } from '../kernel/clock.ts';
import type { WorkerDriver, WorkerHandle, WorkerListener } from './driver.ts';
import { entryUrl, inheritedArguments } from './entry.ts';
import { type FromWorker, fromPortable } from './messages.ts';

const TAIL_LENGTH = 4_096;
/** How long the last words of a dead process are waited for, should a process of its own keep its stderr open. */
const LAST_WORDS_MS = 200;

/** Starts worker processes, each with a heap of at most so many MB. */
export function createProcessDriver(maxHeapMb: number, clock: Clock): WorkerDriver {
  return { kind: 'process', start: (listener) => startProcess(listener, maxHeapMb, clock) };
}

function startProcess(listener: WorkerListener, maxHeapMb: number, clock: Clock): WorkerHandle {
  const child = fork(fileURLToPath(entryUrl('process-entry')), [], {
    serialization: 'advanced',
    execArgv: [...(inheritedArguments('process') ?? []), `--max-old-space-size=${maxHeapMb}`],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const tail = forwardOutput(child);
  let uncaught: Error | undefined;
  child.on('message', (message) => {
    const told = message as FromWorker;
    if ('uncaught' in told) uncaught = fromPortable(told.uncaught);
    else listener.onMessage(told);
  });
  // Without its channel it is of no use; a task can close it.
  child.on('disconnect', () => child.kill('SIGKILL'));
  listenForEnd(child, clock, (code, signal, failure) => {
    const aborted = signal === 'SIGABRT' || code === 134;
    const outOfMemory = aborted && tail().includes('heap out of memory');
    listener.onExit({ code, signal, outOfMemory, error: failure ?? uncaught });
  });
  return {
    post(message) {
      // The callback is told of a channel that is closed; that the process ended follows.
      child.send(message, () => {});
    },
    kill: () => void child.kill('SIGKILL'),
    hold: (isHeld) => hold(child, isHeld),
  };
}

type Ended = (code: number | null, signal: string | null, failure?: unknown) => void;

/** Waits for what the process wrote last, as well as for its end. */
function listenForEnd(child: ChildProcess, clock: Clock, ended: Ended): void {
  let cancel: CancelTimer | undefined;
  let isDone = false;
  const finish: Ended = (code, signal, failure) => {
    if (isDone) return;
    isDone = true;
    cancel?.();
    hold(child, false);
    ended(code, signal, failure);
  };
  child.on('exit', (code, signal) => {
    hold(child, true); // what is left of it is short, and somebody may wait for it
    cancel = clock.after(LAST_WORDS_MS, () => finish(code, signal));
  });
  child.on('close', (code, signal) => finish(code, signal));
  child.on('error', (error) => {
    if (child.pid === undefined) finish(null, null, error);
  });
}

/** What the process writes goes to stderr: stdout may carry the messages of MCP. @returns The end of its stderr. */
function forwardOutput(child: ChildProcess): () => string {
  let tail = '';
  child.stdout?.on('data', (chunk: Buffer) => process.stderr.write(chunk));
  child.stderr?.on('data', (chunk: Buffer) => {
    tail = (tail + chunk.toString('latin1')).slice(-TAIL_LENGTH);
    process.stderr.write(chunk);
  });
  return () => tail;
}

function hold(child: ChildProcess, isHeld: boolean): void {
  const method = isHeld ? 'ref' : 'unref';
  child[method]();
  child.channel?.[method]();
  (child.stdout as Socket | null)?.[method]();
  (child.stderr as Socket | null)?.[method]();
}

import { type Clock, systemClock } from '../kernel/clock.ts';
import { OptionError } from '../kernel/errors.ts';
import { numberOption } from '../kernel/options.ts';
import type { PoolStatistics } from '../kernel/pool-statistics.ts';
import { type Random, systemRandom } from '../kernel/random.ts';
import { Signal, type WorkerEvent } from '../signal/signal.ts';
import type { WorkerDriver } from './driver.ts';
import { TaskTimeoutError, type WorkerKind } from './errors.ts';
import type { Transferable } from './messages.ts';
import { MAX_TIMER_MS, type ResolvedWorkersOptions, resolveWorkersOptions, type WorkersOptions } from './options.ts';
import { createProcessDriver } from './process-driver.ts';
import { RetryGate } from './retry-gate.ts';
import { type Task, type TaskOptions, TaskTable } from './task.ts';
import { createThreadDriver } from './thread-driver.ts';
import { WorkerPool } from './worker-pool.ts';

/** Settings of one run of a task. */
export interface TaskRunOptions {
  /** The task's registered name. @default the only one there is */
  readonly task?: string | undefined;
  /** Where to run it; `auto` is a thread, unless the task is for processes only. @default 'auto' */
  readonly pool?: WorkerKind | 'auto' | undefined;
  /** Longest time from the call to the answer, the wait for a worker included, in milliseconds. @default the pools' own */
  readonly timeoutMs?: number | undefined;
  /** When the answer is of no use any more, in the clock's milliseconds. */
  readonly deadline?: number | undefined;
  /** Ends the task; its worker too, if the task is running and does not listen. */
  readonly signal?: AbortSignal | undefined;
  /** Parts of the input that a thread gets without copying, and that the caller then no longer has. A process gets copies. */
  readonly transfer?: readonly Transferable[] | undefined;
}

/** What the pools get from around them. */
export interface WorkerSurroundings {
  /** @default the system's clock */
  readonly clock?: Clock;
  /** @default the runtime's own */
  readonly random?: Random;
  /** Told of what happens in the pools. */
  readonly signal?: Signal<WorkerEvent>;
  /** What starts workers. @default real threads and processes */
  readonly drivers?: { readonly thread: WorkerDriver; readonly process: WorkerDriver };
}

/** A pool of threads and one of processes, which run tasks by name. Nothing is started before a task is run. */
export class WorkerPools {
  readonly #options: ResolvedWorkersOptions;
  readonly #clock: Clock;
  readonly #tasks: TaskTable;
  readonly #pools: { readonly [K in WorkerKind]: WorkerPool };

  /** @throws {OptionError} when an option is unknown or not valid. */
  constructor(options?: WorkersOptions, surroundings: WorkerSurroundings = {}) {
    const resolved = resolveWorkersOptions(options);
    const { clock = systemClock, random = systemRandom, signal = new Signal<WorkerEvent>() } = surroundings;
    this.#options = resolved;
    this.#clock = clock;
    this.#tasks = new TaskTable(() => new RetryGate(clock, random));
    const drivers = surroundings.drivers ?? {
      thread: createThreadDriver(resolved.threadHeapMb),
      process: createProcessDriver(resolved.processHeapMb, clock),
    };
    const { keptWarm, maxQueue, idleMs } = resolved;
    const createPool = (driver: WorkerDriver, maxWorkers: number): WorkerPool =>
      new WorkerPool({ driver, limits: { maxWorkers, keptWarm, maxQueue, idleMs }, clock, random, signal });
    this.#pools = {
      thread: createPool(drivers.thread, resolved.threads),
      process: createPool(drivers.process, resolved.processes),
    };
  }

  /** Makes a module's exported function a task. It is loaded by each worker that first runs it. @throws {OptionError} */
  registerTask(name: string, module: URL | string, options?: TaskOptions): void {
    this.#tasks.add(name, module, options);
  }

  hasTask(name: string): boolean {
    return this.#tasks.has(name);
  }

  /**
   * Runs a task in a worker and answers its result.
   *
   * @throws {OptionError} when an option is not valid.
   * @throws {PeregrineError} `TASK_UNKNOWN`, `TASK_TIMEOUT`, `TASK_CANCELLED`, `TASK_FAILED`, `TASK_LOAD_FAILED`,
   * `TASK_NOT_CLONEABLE`, `WORKER_CRASHED`, `WORKER_OUT_OF_MEMORY`, `WORKER_QUEUE_FULL`, `WORKER_POOL_CLOSED`
   */
  async run<R = unknown>(input: unknown, options: TaskRunOptions = {}): Promise<R> {
    const task = this.#tasks.find(options.task);
    const kind = kindFor(task, options.pool ?? 'auto');
    const { signal, transfer } = options;
    if (kind === 'process') checkTransferToProcess(transfer);
    const range = { min: 1, max: MAX_TIMER_MS };
    let timeoutMs = numberOption('timeoutMs', options.timeoutMs, this.#options.timeoutMs, range);
    if (options.deadline !== undefined) timeoutMs = Math.min(timeoutMs, options.deadline - this.#clock.now());
    if (!(timeoutMs > 0)) throw new TaskTimeoutError(task.name, 0, false);
    return (await this.#pools[kind].run({ task, input, transfer, timeoutMs, signal })) as R;
  }

  /** How each pool is used. */
  statistics(): { readonly threads: PoolStatistics; readonly processes: PoolStatistics } {
    return { threads: this.#pools.thread.statistics(), processes: this.#pools.process.statistics() };
  }

  /** Fails what waits, lets finish what runs for at most so long, and ends all workers. Safe to call again. */
  async close(graceMs: number): Promise<void> {
    await Promise.all([this.#pools.thread.close(graceMs), this.#pools.process.close(graceMs)]);
  }
}

function kindFor(task: Task, pool: unknown): WorkerKind {
  if (pool === 'auto') return task.processOnly ? 'process' : 'thread';
  if (pool !== 'thread' && pool !== 'process')
    throw new OptionError('pool', "must be 'thread', 'process' or 'auto'", pool);
  if (pool === 'thread' && task.processOnly)
    throw new OptionError('pool', `cannot be a thread for task "${task.name}", which is for processes only`, pool);
  return pool;
}

/** Without this check a port would arrive as an empty object. */
function checkTransferToProcess(transfer: readonly unknown[] | undefined): void {
  const other = transfer?.find((item) => !(item instanceof ArrayBuffer));
  if (other !== undefined) throw new OptionError('transfer', 'to a process can hold ArrayBuffers only', other);
}

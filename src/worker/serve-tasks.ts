/** What runs inside a worker, thread or process: loads tasks once and answers what it is asked. */
import { type FromWorker, type ToWorker, type Transferable, toPortable } from './messages.ts';

/** What a task is given beside its input. */
export interface TaskContext {
  /** Aborted when the caller gave up, or time ran out; seen by tasks with a `cancelGraceMs` only. */
  readonly signal: AbortSignal;
  /** Marks parts of a result that threads hand over instead of copying: `return transferring(pixels, [pixels.buffer])`. */
  transferring<T>(value: T, list: readonly Transferable[]): T;
}

/** A task: the exported function of a module. */
export type TaskFunction<I = unknown, R = unknown> = (input: I, context: TaskContext) => R | Promise<R>;

/** The worker's end of the way to its pool. */
export interface PoolPort {
  /** @throws when the message cannot be cloned. */
  post(message: FromWorker, transfer?: readonly Transferable[]): void;
  end(): void;
}

class Transferring {
  readonly value: unknown;
  readonly list: readonly Transferable[];

  constructor(value: unknown, list: readonly Transferable[]) {
    this.value = value;
    this.list = list;
  }
}

/** Makes the abort controller only for a task that looks. */
class Context implements TaskContext {
  #controller: AbortController | undefined;
  #isAborted = false;

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#isAborted) this.#controller.abort();
    return this.#controller.signal;
  }

  readonly transferring = <T>(value: T, list: readonly Transferable[]): T => new Transferring(value, list) as T;

  abort(): void {
    this.#isAborted = true;
    this.#controller?.abort();
  }
}

/** @returns What takes the messages of the pool. */
export function serveTasks(port: PoolPort): (message: ToWorker) => void {
  const tasks = new Map<string, TaskFunction | Promise<TaskFunction>>();
  const running = new Map<number, Context>();

  const fail = (failed: number, phase: 'load' | 'run' | 'clone', error: unknown): void =>
    port.post({ failed, phase, error: toPortable(error) });

  const run = async (message: Extract<ToWorker, { run: number }>): Promise<void> => {
    const { run: id, task: name, input, from } = message;
    const context = new Context();
    running.set(id, context);
    let phase: 'load' | 'run' | 'clone' = 'load';
    try {
      let task = tasks.get(name);
      if (task === undefined) {
        if (from === undefined) throw new Error(`task "${name}" was not described`);
        task = load(from.module, from.exportName);
        tasks.set(name, task);
      }
      if (typeof task !== 'function') {
        task = await task;
        tasks.set(name, task);
        port.post({ loaded: id });
      }
      phase = 'run';
      const answer = await task(input, context);
      phase = 'clone';
      if (answer instanceof Transferring) port.post({ done: id, result: answer.value }, answer.list);
      else port.post({ done: id, result: answer });
    } catch (error) {
      fail(id, phase, error);
    } finally {
      running.delete(id);
    }
  };

  return (message) => {
    if ('run' in message) void run(message);
    else if ('cancel' in message) running.get(message.cancel)?.abort();
    else port.end();
  };
}

async function load(module: string, exportName: string): Promise<TaskFunction> {
  const loaded = (await import(module)) as { readonly [name: string]: unknown };
  const task = loaded[exportName];
  if (typeof task === 'function') return task as TaskFunction;
  throw new Error(`${module} does not export a function "${exportName}"; it exports ${Object.keys(loaded).join(', ')}`);
}

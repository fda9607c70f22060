import { OptionError } from '../kernel/errors.ts';
import { booleanOption, integerOption, nearest, objectOption, stringOption } from '../kernel/options.ts';
import { TaskUnknownError } from './errors.ts';
import type { RetryGate } from './retry-gate.ts';

/** Settings of a task. */
export interface TaskOptions {
  /** The name that its module exports it under. @default 'default' */
  readonly export?: string;
  /** Never run it in a thread of the server's process. @default false */
  readonly processOnly?: boolean;
  /**
   * The task listens to its signal: how long it may go on after that is aborted, in milliseconds, before its worker is
   * ended. 0 for a task that does not listen, whose worker is ended at once. @default 0
   */
  readonly cancelGraceMs?: number;
}

/** A registered task. */
export interface Task {
  readonly name: string;
  /** The URL of its module. */
  readonly module: string;
  readonly exportName: string;
  readonly processOnly: boolean;
  readonly cancelGraceMs: number;
  /** Shut for a while after its module could not be loaded. */
  readonly loading: RetryGate;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const NAME = /^[^\u0000-\u001f\u007f]{1,256}$/;
const KEYS = ['export', 'processOnly', 'cancelGraceMs'] as const;

/** The registered tasks by name. */
export class TaskTable {
  readonly #tasks = new Map<string, Task>();
  readonly #createGate: () => RetryGate;

  constructor(createGate: () => RetryGate) {
    this.#createGate = createGate;
  }

  /** @throws {OptionError} */
  add(name: string, module: URL | string, options?: TaskOptions): void {
    if (typeof name !== 'string' || !NAME.test(name))
      throw new OptionError('task', 'must be a name of 1 to 256 characters, none of them a control character', name);
    if (this.#tasks.has(name)) throw new OptionError('task', 'must have a name that is not taken', name);
    const given = objectOption(`task.${name}`, options, KEYS);
    this.#tasks.set(
      name,
      Object.freeze({
        name,
        module: toModule(name, module),
        exportName: stringOption(`task.${name}.export`, given.export, 'default'),
        processOnly: booleanOption(`task.${name}.processOnly`, given.processOnly, false),
        cancelGraceMs: integerOption(`task.${name}.cancelGraceMs`, given.cancelGraceMs, 0, { min: 0, max: 60_000 }),
        loading: this.#createGate(),
      }),
    );
  }

  has(name: string): boolean {
    return this.#tasks.has(name);
  }

  /** The task of a name; without one the only task there is. @throws {PeregrineError} `TASK_UNKNOWN`, `OPTION_INVALID` */
  find(name: unknown): Task {
    if (name === undefined) {
      const [only, second] = this.#tasks.values();
      if (only !== undefined && second === undefined) return only;
      throw new OptionError('task', 'must be the name of a task, as there is not exactly one', name);
    }
    const task = this.#tasks.get(name as string);
    if (task === undefined) throw new TaskUnknownError(String(name), nearest(String(name), [...this.#tasks.keys()]));
    return task;
  }
}

/** A path alone would be read as relative to this package, so a module is named by its URL. */
function toModule(name: string, module: unknown): string {
  const url = module instanceof URL ? module : typeof module === 'string' ? URL.parse(module) : null;
  if (url?.protocol === 'file:') return url.href;
  const example = "must be a file URL, such as new URL('./task.js', import.meta.url)";
  throw new OptionError(`task.${name}.module`, example, module);
}

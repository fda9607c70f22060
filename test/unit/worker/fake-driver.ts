import type { WorkerDriver, WorkerHandle, WorkerListener } from '../../../src/worker/driver.ts';
import type { WorkerExit, WorkerKind } from '../../../src/worker/errors.ts';
import type { FromWorker, ToWorker } from '../../../src/worker/messages.ts';

const CLEAN: WorkerExit = { code: 0, signal: null, outOfMemory: false };

/** A worker that does what a test says, and only then. */
export class FakeWorker implements WorkerHandle {
  readonly posted: ToWorker[] = [];
  readonly #listener: WorkerListener;
  isHeld = true;
  state: 'alive' | 'asked to end' | 'killed' | 'gone' = 'alive';

  constructor(listener: WorkerListener) {
    this.#listener = listener;
  }

  /** The names of the tasks that it was given. */
  get tasks(): string[] {
    return this.posted.flatMap((message) => ('run' in message ? [message.task] : []));
  }

  get inputs(): unknown[] {
    return this.posted.flatMap((message) => ('run' in message ? [message.input] : []));
  }

  post(message: ToWorker): void {
    if ('run' in message && typeof message.input === 'function') throw new Error('cannot be cloned');
    this.posted.push(message);
    if ('end' in message) this.state = 'asked to end';
  }

  kill(): void {
    this.state = 'killed';
  }

  hold(isHeld: boolean): void {
    this.isHeld = isHeld;
  }

  tell(message: FromWorker): void {
    this.#listener.onMessage(message);
  }

  ready(): void {
    this.tell({ ready: true });
  }

  /** Answers the task that it was given last. */
  answer(result: unknown): void {
    const id = this.#lastRun();
    this.tell({ loaded: id });
    this.tell({ done: id, result });
  }

  fail(phase: 'load' | 'run' | 'clone', message: string): void {
    const error = { name: 'Error', message, stack: undefined, code: undefined, cause: undefined };
    this.tell({ failed: this.#lastRun(), phase, error });
  }

  load(): void {
    this.tell({ loaded: this.#lastRun() });
  }

  exit(exit: Partial<WorkerExit> = {}): void {
    this.state = 'gone';
    this.#listener.onExit({ ...CLEAN, ...exit });
  }

  #lastRun(): number {
    const last = this.posted.findLast((message) => 'run' in message);
    if (last === undefined) throw new Error('it was given no task');
    return last.run;
  }
}

export class FakeDriver implements WorkerDriver {
  readonly kind: WorkerKind;
  readonly workers: FakeWorker[] = [];
  /** Makes starting impossible. */
  failure: Error | undefined;

  constructor(kind: WorkerKind) {
    this.kind = kind;
  }

  start(listener: WorkerListener): WorkerHandle {
    if (this.failure !== undefined) throw this.failure;
    const worker = new FakeWorker(listener);
    this.workers.push(worker);
    return worker;
  }

  at(index: number): FakeWorker {
    const worker = this.workers[index];
    if (worker === undefined) throw new Error(`there are only ${this.workers.length} workers`);
    return worker;
  }
}

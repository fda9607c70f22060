import type { RequestScopes } from '../kernel/request-scope.ts';
import type { WorkersOptions } from './options.ts';
import type { TaskOptions } from './task.ts';
import { type TaskRunOptions, WorkerPools, type WorkerSurroundings } from './worker-pools.ts';

/** A server's pools of workers, whose tasks end with the request that they are made for. */
export class RequestTasks extends WorkerPools {
  readonly #scopes: RequestScopes;

  /** @throws {OptionError} */
  constructor(options: WorkersOptions, surroundings: WorkerSurroundings, scopes: RequestScopes) {
    super(options, surroundings);
    this.#scopes = scopes;
  }

  override registerTask(name: string, module: URL | string, options?: TaskOptions): void {
    super.registerTask(name, module, options);
    this.#scopes.isUsed = true;
  }

  override run<R = unknown>(input: unknown, options: TaskRunOptions = {}): Promise<R> {
    return super.run<R>(input, { ...options, signal: options.signal ?? this.#scopes.signal });
  }
}

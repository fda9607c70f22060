import type { RequestScopes } from '../kernel/request-scope.ts';
import type { WorkersOptions } from './options.ts';
import type { TaskOptions } from './task.ts';
import { type TaskRunOptions, WorkerPools, type WorkerSurroundings } from './worker-pools.ts';

/** What metrics show of a pool; `waitTime` is the mean, in milliseconds. */
interface Figures {
  readonly utilization: number;
  readonly waiting: number;
  readonly waitTime: number;
}

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

  /** What metrics show of each pool. */
  figures(): { readonly threads: Figures; readonly processes: Figures } {
    const { threads, processes } = this.statistics();
    const toFigures = ({ utilization, waiting, waitTime }: typeof threads): Figures => {
      return { utilization, waiting, waitTime: waitTime.average };
    };
    return { threads: toFigures(threads), processes: toFigures(processes) };
  }
}

import type { CancelTimer } from '../kernel/clock.ts';
import type { WorkerHandle } from './driver.ts';
import type { Job } from './job.ts';
import type { Transferable } from './messages.ts';

/** A worker and what its pool knows of it. */
export class Member {
  /** Set as soon as the driver has answered, which is before it tells anything. */
  handle!: WorkerHandle;
  state: 'starting' | 'idle' | 'busy' | 'ending' = 'starting';
  job: Job | undefined;
  idleSince = 0;
  /** Kills it when that is due. */
  deadline: CancelTimer | undefined;
  readonly #known = new Set<string>();
  #isHeld = true;

  /** Whether it keeps the process alive: it does while somebody waits for it. */
  hold(isHeld: boolean): void {
    if (this.#isHeld === isHeld) return;
    this.#isHeld = isHeld;
    this.handle.hold(isHeld);
  }

  /** @throws when the input cannot be cloned. */
  give(job: Job): void {
    const { task, input, transfer } = job.call;
    job.isLoaded = this.#known.has(task.name);
    const from = job.isLoaded ? {} : { from: { module: task.module, exportName: task.exportName } };
    this.handle.post({ run: job.id, task: task.name, input, ...from }, transfer as Transferable[] | undefined);
    this.job = job;
    this.state = 'busy';
  }

  /** Its module has been loaded. */
  knows(job: Job): void {
    job.isLoaded = true;
    this.#known.add(job.call.task.name);
  }
}

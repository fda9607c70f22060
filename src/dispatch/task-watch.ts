import type { CancelTimer, Clock } from '../kernel/clock.ts';
import { isTerminal, type KeptTask, LEASE_MS, type TaskStore, viewOf } from '../tasks/tasks.ts';
import type { DetailedTask } from '../wire/wire.ts';

/** What watching needs. */
export interface TaskWatchParts {
  readonly tasks: TaskStore;
  readonly clock: Clock;
  /** A principal's task, if it is kept. */
  readonly read: (id: string, principal: string | undefined) => Promise<KeptTask | undefined>;
}

/** Tasks that somebody hears of. */
export interface WatchedTasks {
  /** Those that are kept, and the caller's own. */
  readonly ids: readonly string[];
  /** Tells how they are, and from now on each time that this changes. */
  begin(): void;
  end(): void;
}

interface Watcher {
  readonly id: string;
  readonly principal: string | undefined;
  readonly tell: (task: DetailedTask) => void;
  /** The version that was told last. */
  version: number;
  /** `quiet` until it begins; `stale` while the task changed during a look at it. */
  state: 'quiet' | 'idle' | 'looking' | 'stale' | 'over';
}

/** Tells of changes of tasks, whichever instance makes them. A message says which one: how it is then is read where it is kept. */
export class TaskWatch {
  readonly #parts: TaskWatchParts;
  readonly #watchers = new Map<string, Set<Watcher>>();
  #stopListening: (() => void) | undefined;
  #stopLooking: CancelTimer | undefined;

  constructor(parts: TaskWatchParts) {
    this.#parts = parts;
  }

  /** Finds a caller's own among these tasks. @throws {StateStoreError} */
  async open(
    ids: readonly string[],
    principal: string | undefined,
    tell: (task: DetailedTask) => void,
  ): Promise<WatchedTasks> {
    const { read } = this.#parts;
    const found = await Promise.all([...new Set(ids)].map((id) => read(id, principal)));
    const watchers = found
      .filter((kept) => kept !== undefined)
      .map(({ record: { id } }): Watcher => ({ id, principal, tell, version: 0, state: 'quiet' }));
    return {
      ids: watchers.map(({ id }) => id),
      begin: () => {
        for (const watcher of watchers) {
          this.#add(watcher);
          void this.#look(watcher);
        }
      },
      end: () => {
        for (const watcher of watchers) this.#remove(watcher);
      },
    };
  }

  #add(watcher: Watcher): void {
    const { tasks, clock } = this.#parts;
    watcher.state = 'idle';
    const others = this.#watchers.get(watcher.id);
    if (others === undefined) this.#watchers.set(watcher.id, new Set([watcher]));
    else others.add(watcher);
    this.#stopListening ??= tasks.listen((id) => this.#heard(id));
    // Of an instance that is gone nothing is heard any more, and messages may be lost.
    this.#stopLooking ??= clock.every(LEASE_MS, () => {
      for (const id of [...this.#watchers.keys()]) this.#heard(id);
    });
  }

  #remove(watcher: Watcher): void {
    watcher.state = 'over';
    const others = this.#watchers.get(watcher.id);
    others?.delete(watcher);
    if (others?.size === 0) this.#watchers.delete(watcher.id);
    if (this.#watchers.size > 0) return;
    this.#stopListening?.();
    this.#stopLooking?.();
    this.#stopListening = this.#stopLooking = undefined;
  }

  #heard(id: string): void {
    for (const watcher of [...(this.#watchers.get(id) ?? [])]) void this.#look(watcher);
  }

  /** Tells how a task is, unless that was told; changes in the meantime are told together. */
  async #look(watcher: Watcher): Promise<void> {
    if (watcher.state === 'looking') watcher.state = 'stale';
    if (watcher.state !== 'idle') return;
    do {
      watcher.state = 'looking';
      const kept = await this.#parts.read(watcher.id, watcher.principal).catch(() => undefined); // Looked at again later.
      if ((watcher.state as Watcher['state']) === 'over') return;
      if (kept === undefined || kept.version === watcher.version) continue;
      watcher.version = kept.version;
      watcher.tell(viewOf(kept.record));
      if (isTerminal(kept.record)) return this.#remove(watcher);
    } while ((watcher.state as Watcher['state']) === 'stale');
    watcher.state = 'idle';
  }
}

import { createHash } from 'node:crypto';
import type { Clock } from '../kernel/clock.ts';
import { type MessageBus, type PutOutcome, type StateStore, StateStoreError } from '../state/state.ts';
import type { TaskStatus } from '../wire/wire.ts';
import type { ResolvedTasks } from './options.ts';
import { endOf, type TaskRecord, type Transition } from './task-record.ts';

/** What tasks are kept by. */
export interface TaskStoreParts {
  readonly store: StateStore;
  readonly messages: MessageBus;
  readonly clock: Clock;
  /** The server's name: servers may share a store. */
  readonly server: string;
  readonly options: ResolvedTasks;
}

/** A record with the version that a change of it takes the place of. */
export interface KeptTask {
  readonly record: TaskRecord;
  readonly version: number;
}

/** Tells that a task has another status, or says something else. */
export type TaskListener = (id: string, status: TaskStatus) => void;

const ID = /^[\w-]{32}$/;
/** Changes that meet others are tried so often: each time one of them gets through. */
const MAX_TRIES = 50;
/** How long an instance that says nothing is believed to live. */
export const LEASE_MS = 30_000;

/** The tasks of a server in its store, and the messages about them. All its methods fail with `STATE_STORE` when that is down. */
export class TaskStore {
  readonly #parts: TaskStoreParts;
  readonly #channel: string;

  constructor(parts: TaskStoreParts) {
    this.#parts = parts;
    this.#channel = `tasks/${parts.server}`;
  }

  /** This instance, as records name it. */
  get instance(): string {
    return this.#parts.messages.instance;
  }

  /** Keeps a new task. @returns Its version, or nothing where as many are kept as may be. */
  async create(record: TaskRecord): Promise<number | undefined> {
    const { options } = this.#parts;
    const within = [{ set: this.#key('all'), max: options.maxTasks }];
    if (record.principal !== null && record.principal !== '')
      within.push({ set: this.#key('of', digest(record.principal)), max: options.maxPerPrincipal });
    const outcome = await this.#put(record, 0, within);
    if (outcome === 'conflict') throw new StateStoreError('two tasks have the same id');
    return outcome === 'full' ? undefined : outcome;
  }

  /** A task that is still kept. */
  async read(id: string): Promise<KeptTask | undefined> {
    if (!ID.test(id)) return undefined;
    const kept = await this.#parts.store.get(this.#key('task', id));
    if (kept === undefined) return undefined;
    const record = JSON.parse(kept.text) as TaskRecord;
    return this.#leftMs(record) > 0 ? { record, version: kept.version } : undefined;
  }

  /** The version of a task; nothing where it is gone. */
  async versionOf(id: string): Promise<number | undefined> {
    return (await this.#parts.store.get(this.#key('task', id)))?.version;
  }

  /** Changes a task that is still as it was read. @returns The new version, or nothing where it is not. */
  async replace({ version }: KeptTask, next: TaskRecord): Promise<number | undefined> {
    if (this.#leftMs(next) <= 0) return undefined;
    const outcome = await this.#put(next, version, []);
    if (typeof outcome !== 'number') return undefined;
    this.#parts.messages.publish(this.#channel, `${next.status} ${next.id}`);
    return outcome;
  }

  /** Changes a task, whatever others do meanwhile. @returns What is kept now; nothing where the change did not apply. */
  async change(id: string, transition: Transition): Promise<KeptTask | undefined> {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const kept = await this.read(id);
      const next = kept && transition(kept.record);
      if (kept === undefined || next === undefined) return undefined;
      const version = await this.replace(kept, next);
      if (version !== undefined) return { record: next, version };
    }
    throw new StateStoreError(`a task changed ${MAX_TRIES} times while it was to be changed`);
  }

  /** Forgets a task that nobody has heard of. */
  async forget(id: string): Promise<void> {
    await this.#parts.store.delete(this.#key('task', id));
  }

  /** Says that this instance lives. */
  async renewLease(): Promise<void> {
    await this.#parts.store.put(this.#key('lease', this.instance), '', { ttlMs: LEASE_MS });
  }

  /** Whether another instance has said so of late. */
  async isAlive(instance: string): Promise<boolean> {
    return (await this.#parts.store.get(this.#key('lease', instance))) !== undefined;
  }

  /** Listens for changes of tasks, by whichever instance. @returns What ends that. */
  listen(listener: TaskListener): () => void {
    return this.#parts.messages.subscribe(this.#channel, (text) => {
      const [status, id] = text.split(' ');
      if (id !== undefined) listener(id, status as TaskStatus);
    });
  }

  async #put(
    record: TaskRecord,
    expect: number,
    within: readonly { readonly set: string; readonly max: number }[],
  ): Promise<PutOutcome> {
    const ttlMs = Math.max(1, this.#leftMs(record));
    return this.#parts.store.put(this.#key('task', record.id), JSON.stringify(record), { ttlMs, expect, within });
  }

  #leftMs(record: TaskRecord): number {
    return endOf(record) - this.#parts.clock.wallNow();
  }

  #key(...parts: string[]): string {
    return ['tasks', encodeURIComponent(this.#parts.server), ...parts].join('/');
  }
}

/** Names of principals may be long, and are nobody's business. */
function digest(principal: string): string {
  return createHash('sha256').update(principal).digest('base64url');
}

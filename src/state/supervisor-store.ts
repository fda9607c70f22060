import { StateStoreError } from './errors.ts';
import type { LogLimits, LogPage, PutOptions, PutOutcome, StateStore, StoredText } from './state-store.ts';

const METHODS = ['get', 'put', 'touch', 'delete', 'count', 'append', 'read', 'drop'] as const;

/** A call of a store that another process has: everything in it is plain JSON. */
export interface StateCall {
  readonly method: (typeof METHODS)[number];
  readonly args: readonly unknown[];
}

/** Has a call carried out by who has the store. Rejects when no answer comes. */
export type AskForState = (call: StateCall) => Promise<unknown>;

/** State that is kept by the supervisor of several instances, and so outlives each of them. */
export class SupervisorStateStore implements StateStore {
  readonly kind = 'supervisor';
  readonly #ask: AskForState;

  constructor(ask: AskForState) {
    this.#ask = ask;
  }

  open(): void {}

  close(): void {}

  get(key: string): Promise<StoredText | undefined> {
    return this.#call('get', key);
  }

  put(key: string, text: string, options: PutOptions): Promise<PutOutcome> {
    return this.#call('put', key, text, options);
  }

  touch(key: string, ttlMs: number): Promise<boolean> {
    return this.#call('touch', key, ttlMs);
  }

  delete(key: string): Promise<boolean> {
    return this.#call('delete', key);
  }

  count(set: string): Promise<number> {
    return this.#call('count', set);
  }

  append(log: string, text: string, limits: LogLimits): Promise<number> {
    return this.#call('append', log, text, limits);
  }

  read(log: string, after: number): Promise<LogPage> {
    return this.#call('read', log, after);
  }

  drop(log: string): Promise<void> {
    return this.#call('drop', log);
  }

  /** @throws {StateStoreError} when the supervisor does not answer. */
  async #call<T>(method: StateCall['method'], ...args: readonly unknown[]): Promise<T> {
    try {
      return (await this.#ask({ method, args })) as T;
    } catch (error) {
      throw new StateStoreError('the supervisor does not answer', error);
    }
  }
}

/** Carries out a call of another process. @returns Nothing for one that it does not know; a later version may have sent it. */
export function answerStateCall(
  store: StateStore,
  { method, args }: StateCall,
): { readonly result: unknown } | undefined {
  if (!METHODS.includes(method)) return undefined;
  return { result: (store[method] as (...args: readonly unknown[]) => unknown)(...args) };
}

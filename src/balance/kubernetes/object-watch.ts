import { type Backoff, nextDelay } from '../../kernel/backoff.ts';
import { type CancelTimer, type Clock, systemClock } from '../../kernel/clock.ts';
import { type Random, systemRandom } from '../../kernel/random.ts';
import { type ApiClient, type ApiObject, hasStatus, KubernetesApiError } from './api-client.ts';

interface ObjectList<T> {
  readonly metadata: { readonly resourceVersion: string };
  readonly items: readonly T[];
}

export interface ObjectWatchParts {
  readonly api: ApiClient;
  /** Path and query of the list. */
  readonly path: string;
  readonly clock?: Clock;
  readonly random?: Random;
}

const BACKOFF: Backoff = { firstMs: 500, maxMs: 30_000 };
/** The API ends a watch after this time, jittered; later than that it is held for lost. */
const WATCH_SECONDS = 240;
const LATE_MS = 15_000;
/** A watch that ends sooner is tried again only after a pause. */
const SHORT_MS = 1_000;

/**
 * Knows all objects of a list: reads it once and follows it from there.
 *
 * What the API has forgotten (`410 Gone`) is read again. While it cannot be asked, the objects known before stay.
 */
export class ObjectWatch<T extends ApiObject> {
  readonly #api: ApiClient;
  readonly #path: string;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #stopping = new AbortController();
  readonly #objects = new Map<string, T>();
  #changed: (objects: Iterable<T>) => void = () => {};
  #failed: (error: unknown) => void = () => {};
  /** Up to where the objects are known; nothing when the list is to be read. */
  #version: string | undefined;
  #retries = 0;

  constructor({ api, path, clock = systemClock, random = systemRandom }: ObjectWatchParts) {
    this.#api = api;
    this.#path = path;
    this.#clock = clock;
    this.#random = random;
  }

  /** Tells the objects, the first time before the promise resolves. @throws {KubernetesApiError} when the list cannot be read. */
  async start(changed: (objects: Iterable<T>) => void, failed: (error: unknown) => void): Promise<void> {
    this.#changed = changed;
    this.#failed = failed;
    await this.#list();
    if (!this.#stopping.signal.aborted) void this.#follow();
  }

  stop(): void {
    this.#stopping.abort();
  }

  async #list(): Promise<void> {
    const { metadata, items } = await this.#api.get<ObjectList<T>>(this.#path);
    if (this.#stopping.signal.aborted) return;
    this.#objects.clear();
    for (const item of items) this.#objects.set(item.metadata.name, item);
    this.#version = metadata.resourceVersion;
    this.#changed(this.#objects.values());
  }

  async #follow(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const began = this.#clock.now();
      try {
        if (this.#version === undefined) await this.#list();
        if (!signal.aborted) await this.#watch(this.#version as string);
        this.#retries = this.#clock.now() - began < SHORT_MS ? this.#retries + 1 : 0;
      } catch (error) {
        if (signal.aborted) return;
        this.#retries++;
        if (hasStatus(error, 410)) this.#version = undefined;
        else this.#failed(error);
      }
      if (this.#retries > 0) await this.#pause(nextDelay(BACKOFF, this.#retries - 1, this.#random));
    }
  }

  async #watch(version: string): Promise<void> {
    const { signal } = this.#stopping;
    const seconds = Math.round(WATCH_SECONDS * (1 + this.#random() / 4));
    const query = `watch=1&allowWatchBookmarks=true&timeoutSeconds=${seconds}&resourceVersion=${encodeURIComponent(version)}`;
    const abort = new AbortController();
    const end = (): void => abort.abort();
    signal.addEventListener('abort', end);
    const cancel = this.#clock.after(seconds * 1_000 + LATE_MS, end);
    try {
      const path = `${this.#path}${this.#path.includes('?') ? '&' : '?'}${query}`;
      for await (const { type, object } of this.#api.watch<T>(path, abort.signal)) {
        if (signal.aborted) return;
        if (type === 'ERROR') throw errorOf(object);
        this.#retries = 0;
        this.#version = object.metadata.resourceVersion;
        if (type === 'BOOKMARK') continue;
        if (type === 'DELETED') this.#objects.delete(object.metadata.name);
        else this.#objects.set(object.metadata.name, object);
        this.#changed(this.#objects.values());
      }
    } finally {
      cancel();
      signal.removeEventListener('abort', end);
    }
  }

  #pause(ms: number): Promise<void> {
    const { signal } = this.#stopping;
    return new Promise((resolve) => {
      let cancel: CancelTimer = () => {};
      const done = (): void => {
        cancel();
        signal.removeEventListener('abort', done);
        resolve();
      };
      cancel = this.#clock.after(ms, done);
      signal.addEventListener('abort', done);
    });
  }
}

/** An event of a failure has a `Status` where others have their object. */
function errorOf(status: unknown): KubernetesApiError {
  const { code, message } = status as { readonly code?: number; readonly message?: string };
  return new KubernetesApiError(code, `the watch ended: ${message ?? 'for no reason told'}`);
}

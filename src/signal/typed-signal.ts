/** Ends a subscription; calling it again does nothing. */
export type Unsubscribe = () => void;

/**
 * One typed event: what it carries is `T`.
 *
 * HOT: emitters on the way of a request ask {@link active} first and build the event only when somebody listens, so
 * that an unheard signal costs one property read; guarded by `npm run bench`.
 */
export class Signal<T> {
  /** Whether anyone listens. */
  active = false;
  #listeners: readonly ((event: T) => void)[] = [];

  /** Calls the listener for every event from now on. */
  on(listener: (event: T) => void): Unsubscribe {
    this.#listeners = [...this.#listeners, listener];
    this.active = true;
    let live = true;
    return () => {
      if (!live) return;
      live = false;
      const index = this.#listeners.indexOf(listener);
      this.#listeners = this.#listeners.filter((_, at) => at !== index);
      this.active = this.#listeners.length > 0;
    };
  }

  /** Tells every listener, in the order in which they came. One that throws neither stops the others nor the emitter. */
  emit(event: T): void {
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch (error) {
        queueMicrotask(() => reportError(error));
      }
    }
  }
}

/** A listener's fault is the listener's own: it surfaces as a warning and never in the request that caused the event. */
function reportError(error: unknown): void {
  const message =
    error instanceof Error
      ? (error.stack ?? error.message)
      : typeof error === 'string'
        ? error
        : 'a listener threw something that is no error';
  globalThis.process?.emitWarning?.(message, 'PeregrineListenerError');
}

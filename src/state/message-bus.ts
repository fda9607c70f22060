import { randomUUID } from 'node:crypto';

/**
 * Carries short messages between the instances of a server. One that is not there when a message is sent never gets it; what must
 * not be lost stands in the {@link StateStore}.
 */
export interface MessageBus {
  /** This instance's own name on the bus. */
  readonly instance: string;
  /** Tells all that subscribe to the channel, those of this instance at once. */
  publish(channel: string, text: string): void;
  /** @returns What ends the subscription. */
  subscribe(channel: string, listener: (text: string) => void): () => void;
}

/** A bus inside this process. */
export class LocalMessageBus implements MessageBus {
  readonly instance = randomUUID();
  readonly #listeners = new Map<string, Set<(text: string) => void>>();

  publish(channel: string, text: string): void {
    for (const listener of [...(this.#listeners.get(channel) ?? [])]) listener(text);
  }

  subscribe(channel: string, listener: (text: string) => void): () => void {
    const listeners = this.#listeners.get(channel) ?? new Set();
    this.#listeners.set(channel, listeners);
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#listeners.get(channel) === listeners) this.#listeners.delete(channel);
    };
  }
}

import type { RedisClient } from '../../kernel/adapter/redis-link.ts';
import { LocalMessageBus, type MessageBus } from '../message-bus.ts';

/** Carries messages by one channel of Redis, which every connection joins anew. Listeners of this instance need no Redis. */
export class RedisMessageBus implements MessageBus {
  readonly instance: string;
  readonly #channel: string;
  readonly #client: () => RedisClient | undefined;
  readonly #local = new LocalMessageBus();

  constructor(instance: string, channel: string, client: () => RedisClient | undefined) {
    this.instance = instance;
    this.#channel = channel;
    this.#client = client;
  }

  publish(channel: string, text: string): void {
    this.#local.publish(channel, text);
    const client = this.#client();
    if (client?.isReady) client.publish(this.#channel, JSON.stringify([this.instance, channel, text])).catch(() => {}); // Nobody hears it.
  }

  subscribe(channel: string, listener: (text: string) => void): () => void {
    return this.#local.subscribe(channel, listener);
  }

  /** Hears what others tell by this connection, while it is the one in use. */
  join(client: RedisClient): Promise<unknown> {
    return client.subscribe(this.#channel, (message) => {
      if (client === this.#client()) this.#hear(message);
    });
  }

  /** What is none of ours is dropped, whoever it bothers. */
  #hear(message: string): void {
    try {
      const [from, channel, text] = JSON.parse(message) as unknown[];
      if (from !== this.instance && typeof text === 'string') this.#local.publish(channel as string, text);
    } catch {
      // Nobody waits for it.
    }
  }
}

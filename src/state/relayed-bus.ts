import { randomUUID } from 'node:crypto';
import { LocalMessageBus, type MessageBus } from './message-bus.ts';

/** A way to all other instances. */
export interface MessageRelay {
  tell(channel: string, text: string): void;
  onTold(listener: (channel: string, text: string) => void): void;
}

/** Carries messages to the other instances by whoever knows them; listeners of this one hear at once. */
export class RelayedMessageBus implements MessageBus {
  readonly instance = randomUUID();
  readonly #relay: MessageRelay;
  readonly #local = new LocalMessageBus();

  constructor(relay: MessageRelay) {
    this.#relay = relay;
    relay.onTold((channel, text) => this.#local.publish(channel, text));
  }

  publish(channel: string, text: string): void {
    this.#local.publish(channel, text);
    this.#relay.tell(channel, text);
  }

  subscribe(channel: string, listener: (text: string) => void): () => void {
    return this.#local.subscribe(channel, listener);
  }
}

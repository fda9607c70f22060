import { parentPort } from 'node:worker_threads';
import { type InstancePlace, instancePlace } from '../kernel/instance-place.ts';
import { Signal } from '../signal/signal.ts';
import type { FromInstance, ToInstance } from './messages.ts';

/** Carries messages between an instance and its supervisor. */
export interface Channel {
  /** Resolves when the message has left. */
  send(message: FromInstance): Promise<void>;
  listen(listener: (message: ToInstance) => void): void;
  /** It no longer keeps its process or thread alive. */
  release(): void;
}

let isClaimed = false;

/** An instance's end of the line to its supervisor. */
export class InstanceLink {
  readonly place: InstancePlace;
  readonly heard = new Signal<ToInstance>();
  readonly #channel: Channel;

  constructor(place: InstancePlace, channel: Channel) {
    this.place = place;
    this.#channel = channel;
    channel.listen((message) => this.heard.emit(message));
  }

  /** The line of this process or thread, for the first server that asks for it; nothing for others, or without a supervisor. */
  static claim(): InstanceLink | undefined {
    const place = instancePlace();
    const channel = place && !isClaimed ? openChannel() : undefined;
    if (place === undefined || channel === undefined) return undefined;
    isClaimed = true;
    return new InstanceLink(place, channel);
  }

  send(message: FromInstance): Promise<void> {
    return this.#channel.send(message);
  }

  /** The instance ends by itself: the line does not keep it. */
  release(): void {
    this.#channel.release();
  }
}

function openChannel(): Channel | undefined {
  const port = parentPort;
  if (port !== null) {
    return {
      send: async (message) => port.postMessage(message),
      listen: (listener) => void port.on('message', listener),
      release: () => port.unref(),
    };
  }
  if (process.send === undefined) return undefined;
  return {
    send: (message) =>
      new Promise((resolve) => {
        // An error means that there is no supervisor any more.
        if (process.connected) process.send?.(message, undefined, {}, () => resolve());
        else resolve();
      }),
    listen: (listener) => void process.on('message', listener),
    release: () => process.channel?.unref(),
  };
}

import type { Socket } from 'node:net';

/** A longer text is not worth joining with others, and goes at once. */
const MAX_GATHERED = 65_536;

let waiting: Outbox[] = [];

function flushAll(): void {
  const outboxes = waiting;
  waiting = [];
  for (const outbox of outboxes) outbox.flush();
}

/**
 * What one connection has to send, gathered until the event loop has read from all sockets that were ready.
 *
 * HOT: a client that sleeps is woken by each answer that is written while others are still worked on; written one after
 * the other at the end of the turn, they meet a client that is awake. Answers to pipelined requests leave as one write.
 * Worth a tenth of a call under load (decision 0008; guarded by `npm run bench`).
 */
export class Outbox {
  readonly #socket: Socket;
  #text = '';
  #isAscii = true;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Sends a text, then bytes if any; answers how many bytes wait, roughly. Plain ASCII is written faster. */
  write(text: string, bytes: Uint8Array | undefined, isAscii: boolean): number {
    const socket = this.#socket;
    if (bytes !== undefined) {
      socket.cork();
      this.#push(text, isAscii);
      this.flush();
      socket.write(bytes);
      socket.uncork();
      return socket.writableLength;
    }
    this.#push(text, isAscii);
    if (this.#text.length > MAX_GATHERED) this.flush();
    return socket.writableLength + this.#text.length;
  }

  #push(text: string, isAscii: boolean): void {
    if (this.#text === '' && waiting.push(this) === 1) setImmediate(flushAll);
    this.#text += text;
    this.#isAscii &&= isAscii;
  }

  /** Sends what is gathered now. To be called before the socket ends or goes elsewhere. */
  flush(): void {
    const text = this.#text;
    if (text === '') return;
    const encoding = this.#isAscii ? 'latin1' : 'utf8';
    this.#text = '';
    this.#isAscii = true;
    this.#socket.write(text, encoding);
  }
}

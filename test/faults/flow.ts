import type { Socket } from 'node:net';

/** One of the two directions of a proxied connection. */
export type Direction = 'toServer' | 'toClient';

/** Faults that all connections of a proxy share; `Flow` looks at them for every packet. */
export interface SharedFaults {
  readonly latencyMs: number;
  readonly bytesPerSecond: number;
  readonly stalled: boolean;
}

const MAX_WAITING_BYTES = 64 * 1024;

/** Passes bytes from one socket to another, in order, with the faults that are on. */
export class Flow {
  /** After so many further bytes the connection is cut. */
  bytesLeft: number;
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #faults: SharedFaults;
  /** An empty packet stands for the end of the stream. */
  readonly #waiting: { bytes: Buffer; readonly dueAt: number }[] = [];
  #waitingBytes = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #blocked = false;
  #freeAt = 0;

  constructor(from: Socket, to: Socket, faults: SharedFaults, bytesLeft: number) {
    this.#from = from;
    this.#to = to;
    this.#faults = faults;
    this.bytesLeft = bytesLeft;
    from.on('data', (bytes: Buffer) => this.#take(bytes));
    from.on('end', () => this.#take(Buffer.alloc(0)));
    to.on('drain', () => {
      this.#blocked = false;
      this.pump();
    });
    to.on('close', () => clearTimeout(this.#timer));
  }

  /** Passes on all that may go now, and sets a timer for what has to wait. */
  pump(): void {
    clearTimeout(this.#timer);
    while (!this.#faults.stalled && !this.#blocked && !this.#to.destroyed) {
      const head = this.#waiting[0];
      if (head === undefined) break;
      const waitMs = Math.max(head.dueAt, this.#freeAt) - performance.now();
      if (waitMs > 0) {
        this.#timer = setTimeout(() => this.pump(), Math.ceil(waitMs));
        return;
      }
      this.#pass(head);
    }
    if (this.#waitingBytes < MAX_WAITING_BYTES) this.#from.resume();
  }

  #take(bytes: Buffer): void {
    this.#waiting.push({ bytes, dueAt: performance.now() + this.#faults.latencyMs });
    this.#waitingBytes += bytes.length;
    if (this.#waitingBytes >= MAX_WAITING_BYTES) this.#from.pause();
    this.pump();
  }

  #pass(head: { bytes: Buffer }): void {
    const rate = this.#faults.bytesPerSecond;
    const slice = Math.max(1, Math.ceil(rate / 100));
    const now = head.bytes.subarray(0, Math.min(slice, this.bytesLeft));
    if (head.bytes.length === 0) {
      this.#waiting.shift();
      this.#to.end();
      return;
    }
    head.bytes = head.bytes.subarray(now.length);
    this.#waitingBytes -= now.length;
    this.bytesLeft -= now.length;
    this.#freeAt = rate === Infinity ? 0 : performance.now() + (now.length * 1_000) / rate;
    if (head.bytes.length === 0) this.#waiting.shift();
    if (now.length > 0) this.#blocked = !this.#to.write(now);
    if (this.bytesLeft <= 0) this.#cut();
  }

  /** The receiver's end comes after its bytes; a reset at once could overtake them. */
  #cut(): void {
    this.#waiting.length = 0;
    this.#to.destroySoon();
    this.#from.resetAndDestroy();
  }
}

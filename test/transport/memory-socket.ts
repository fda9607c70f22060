import { Socket, type SocketConstructorOpts } from 'node:net';

/** How a {@link MemorySocket} differs from a plain one. */
export interface MemorySocketOptions {
  /** Bytes that may wait to be read by the client before the writer is told to wait. @default 65_536 */
  readonly writableHighWaterMark?: number;
  /** Called with the continuation of each write; by default it runs at once, as if the client read at once. */
  readonly onWrite?: (done: () => void) => void;
}

interface Piece {
  readonly chunk: Buffer | string;
  readonly encoding: BufferEncoding;
}

/**
 * The server's end of a connection without a network: what the client sends goes in through `push`, what the
 * server writes gathers in {@link output}.
 */
export class MemorySocket extends Socket {
  readonly output: Buffer[] = [];
  /** Whether the server has ended its side. */
  ended = false;
  /** Counts whatever happens on the socket, so that a test can see that nothing happens any more. */
  activity = 0;
  /** Writes that the client has not taken yet. */
  unsent = 0;
  readonly #onWrite: ((done: () => void) => void) | undefined;
  #onAllSent: (() => void) | undefined;

  constructor({ writableHighWaterMark = 65_536, onWrite }: MemorySocketOptions = {}) {
    super({ allowHalfOpen: true, writableHighWaterMark } as SocketConstructorOpts);
    this.#onWrite = onWrite;
  }

  get text(): string {
    return Buffer.concat(this.output).toString('latin1');
  }

  /** Lets something arrive from the client; Latin-1. */
  receive(text: string): void {
    this.push(Buffer.from(text, 'latin1'));
  }

  override _read(): void {}

  override _write(chunk: Buffer | string, encoding: BufferEncoding, done: () => void): void {
    this.#take([{ chunk, encoding }], done);
  }

  override _writev(pieces: readonly Piece[], done: () => void): void {
    this.#take(pieces, done);
  }

  /** As on a network, the end of this side comes after all that was written. */
  override _final(done: () => void): void {
    this.ended = true;
    this.activity++;
    if (this.unsent === 0) done();
    else this.#onAllSent = done;
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.ended = true;
    this.activity++;
    super._destroy(error, done);
  }

  #take(pieces: readonly Piece[], done: () => void): void {
    this.activity++;
    for (const { chunk, encoding } of pieces) {
      this.output.push(typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk);
    }
    if (this.#onWrite === undefined) {
      done();
      return;
    }
    this.unsent++;
    this.#onWrite(() => {
      this.unsent--;
      done();
      if (this.unsent > 0) return;
      this.#onAllSent?.();
      this.#onAllSent = undefined;
    });
  }
}

import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

/** How a {@link MemorySocket} differs from a plain one. */
export interface MemorySocketOptions {
  /** Bytes that may wait to be read by the client before the writer is told to wait. @default 65_536 */
  readonly writableHighWaterMark?: number;
  /** Called with the continuation of each write; by default it runs at once, as if the client read at once. */
  readonly onWrite?: (done: () => void) => void;
}

/**
 * The server's end of a connection without a network: what the client sends goes in through {@link Duplex.push}, what
 * the server writes gathers in {@link output}. It has what the lane and `node:http` use of a `net.Socket`.
 */
export class MemorySocket extends Duplex {
  readonly output: Buffer[] = [];
  /** Whether the server has ended its side. */
  ended = false;
  /** Counts whatever happens on the socket, so that a test can see that nothing happens any more. */
  activity = 0;
  readonly #onWrite: ((done: () => void) => void) | undefined;

  constructor({ writableHighWaterMark = 65_536, onWrite }: MemorySocketOptions = {}) {
    super({ readableHighWaterMark: 65_536, writableHighWaterMark, allowHalfOpen: true });
    this.#onWrite = onWrite;
  }

  /** The same object with the type that servers ask for. */
  get asSocket(): Socket {
    return this as unknown as Socket;
  }

  get text(): string {
    return Buffer.concat(this.output).toString('latin1');
  }

  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once('finish', () => this.destroy());
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#take([chunk], done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: () => void): void {
    this.#take(
      chunks.map(({ chunk }) => chunk),
      done,
    );
  }

  override _final(done: () => void): void {
    this.ended = true;
    this.activity++;
    done();
  }

  override _destroy(_error: Error | null, done: (error?: Error | null) => void): void {
    this.ended = true;
    this.activity++;
    done();
  }

  #take(chunks: readonly Buffer[], done: () => void): void {
    this.activity++;
    this.output.push(...chunks);
    if (this.#onWrite === undefined) done();
    else this.#onWrite(done);
  }
}

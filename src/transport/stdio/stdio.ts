import type { Readable, Writable } from 'node:stream';
import type { Acceptor, MessageConnection } from '../exchange.ts';
import type { TransportLimits } from '../limits.ts';
import { LineReader } from './line-reader.ts';

/** The streams that carry one client's messages; the process's own unless tests pass others. */
export interface StdioStreams {
  readonly input: Readable;
  readonly output: Writable;
}

/** Serves one client over stdin and stdout, one JSON message a line. Stdout carries nothing else. */
export class StdioEndpoint {
  readonly #streams: StdioStreams;
  readonly #connection: MessageConnection;
  readonly #reader: LineReader;
  readonly #ended: Promise<void>;
  #broken = false;

  constructor(acceptor: Acceptor, limits: TransportLimits, streams: StdioStreams) {
    this.#streams = streams;
    const connection = acceptor.connect({ send: (text, bytes) => this.#send(text, bytes) });
    this.#connection = connection;
    this.#reader = new LineReader(limits.maxBodyBytes, {
      line: (text) => connection.receive(text),
      tooLong: () => connection.reject(`The message exceeds ${limits.maxBodyBytes} bytes`),
    });
    this.#ended = new Promise((resolve) =>
      streams.input.once('end', resolve).once('close', resolve).once('error', resolve),
    );
    streams.output.on('error', () => {
      this.#broken = true;
    });
  }

  /** Starts to read. */
  open(): void {
    this.#streams.input.on('data', (chunk: Buffer) => this.#reader.push(chunk));
  }

  /** Resolves when the client has closed its end and everything it asked for before is answered and written. */
  async ended(): Promise<void> {
    await this.#ended;
    await this.#connection.settled();
    this.#connection.close();
    await new Promise<void>((resolve) => (this.#broken ? resolve() : this.#streams.output.write('', () => resolve())));
  }

  /** Stops reading, and waits for what runs; what is not done by the deadline is cancelled. */
  async close(deadline: Promise<void>): Promise<void> {
    this.#streams.input.removeAllListeners('data');
    this.#streams.input.pause();
    await Promise.race([this.#connection.settled(), deadline]);
    this.#connection.close();
  }

  #send(text: string, bytes?: Uint8Array): void {
    if (this.#broken) return;
    if (bytes === undefined) {
      this.#streams.output.write(`${text}\n`);
      return;
    }
    this.#streams.output.write(text);
    this.#streams.output.write(bytes);
    this.#streams.output.write('\n');
  }
}

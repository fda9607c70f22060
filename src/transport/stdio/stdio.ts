import type { Readable, Writable } from 'node:stream';
import type { Acceptor, MessageConnection, MessageSink } from '../exchange.ts';
import type { TransportLimits } from '../limits.ts';
import { LineReader } from './line-reader.ts';
import { takeStdout } from './own-stdout.ts';

/** The streams that carry one client's messages; the process's own unless tests pass others. */
export interface StdioStreams {
  readonly input: Readable;
  readonly output: Writable;
}

/**
 * Serves one client over stdin and stdout, one JSON message a line. Stdout carries nothing else: from now on whatever else
 * the process writes there goes to stderr.
 *
 * To a client that does not read, answers wait in memory up to the limit of streams; then nothing more is read from it, and
 * what is no answer is left out.
 */
export class StdioEndpoint implements MessageSink {
  /** Resolves when the client is gone: it has closed its end, or its end of the output is closed. */
  readonly ended: Promise<void>;
  readonly #streams: StdioStreams;
  readonly #release: (() => void) | undefined;
  readonly #connection: MessageConnection;
  readonly #reader: LineReader;
  readonly #maxWaitingBytes: number;
  #broken = false;

  /** @param streams `true` for the process's own. */
  constructor(acceptor: Acceptor, limits: TransportLimits, streams: StdioStreams | true) {
    const own = streams === true ? takeStdout() : undefined;
    this.#release = own?.release;
    this.#streams = streams === true ? { input: process.stdin, output: (own as { output: Writable }).output } : streams;
    this.#maxWaitingBytes = limits.maxStreamBufferBytes;
    const connection = acceptor.connect(this);
    this.#connection = connection;
    this.#reader = new LineReader(limits.maxBodyBytes, {
      line: (text) => connection.receive(text),
      tooLong: () => connection.reject(`The message exceeds ${limits.maxBodyBytes} bytes`),
    });
    const { input, output } = this.#streams;
    this.ended = new Promise((resolve) => {
      input.once('end', () => this.#reader.end()).once('end', resolve);
      input.once('close', resolve).once('error', resolve);
      output.on('error', () => {
        this.#broken = true;
        resolve();
      });
    });
    output.on('drain', () => input.resume());
  }

  /** Starts to read. */
  open(): void {
    this.#streams.input.on('data', (chunk: Buffer) => this.#reader.push(chunk));
  }

  /** Stops reading, and waits until what runs is answered and written; what is not by the deadline is cancelled. */
  async close(deadline: Promise<void>): Promise<void> {
    const { input, output } = this.#streams;
    input.removeAllListeners('data');
    output.removeAllListeners('drain');
    input.pause();
    await Promise.race([this.#connection.settled().then(() => this.#written()), deadline]);
    this.#connection.close();
    this.#release?.();
  }

  get isSlow(): boolean {
    const { writableNeedDrain, writableLength } = this.#streams.output;
    return writableNeedDrain && writableLength > this.#maxWaitingBytes; // Otherwise no 'drain' would come.
  }

  send(text: string, bytes?: Uint8Array): void {
    if (this.#broken) return;
    const { input, output } = this.#streams;
    if (bytes === undefined) output.write(`${text}\n`);
    else {
      output.write(text);
      output.write(bytes);
      output.write('\n');
    }
    if (this.isSlow) input.pause();
  }

  #written(): Promise<void> {
    return new Promise((resolve) => (this.#broken ? resolve() : this.#streams.output.write('', () => resolve())));
  }
}

import { connect as connectNet, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { type AnswerHead, AnswerReader, type AnswerReceiver, type UpstreamHeaders } from '../balance/balance.ts';
import { type Clock, systemClock } from '../kernel/clock.ts';

/** Where a load goes. */
export interface LoadTarget {
  readonly host: string;
  readonly port: number;
  /** How to speak TLS; without it the connection is plain. */
  readonly tls: ConnectionOptions | undefined;
}

/** One request as it goes over the wire. Text is ASCII. */
export type WireRequest = Uint8Array | string;

/** What a connection reports to the run that it belongs to. */
export interface ConnectionOwner {
  /** It stands, for the first time or again: requests can be sent. */
  connected(connection: LoadConnection): void;
  /** An answer arrived whole; {@link LoadConnection.status} and the rest tell of it. Another request may be sent at once. */
  answered(connection: LoadConnection, nowMs: number): void;
  /** The request under way failed, if there was one, and the connection is gone: {@link LoadConnection.open} tries again. */
  failed(connection: LoadConnection, reason: string, wasBusy: boolean): void;
}

const READ_BUFFER_BYTES = 256 * 1_024;
const MAX_HEADER_BYTES = 65_536;

/** Where the bytes of all connections of this thread land: they are used up before the next ones are read. */
let readBuffer: Buffer | undefined;

/**
 * One kept-alive connection with one request under way at a time.
 *
 * HOT: an answer costs one clock reading, one write, and nothing is copied unless it came in pieces and is wanted; guarded by
 * `bench/load/check-against-wrk.ts`.
 */
export class LoadConnection implements AnswerReceiver {
  /** Of the last answer. */
  status = 0;
  headers: UpstreamHeaders | undefined;
  /** Bytes of its body. */
  bodyBytes = 0;
  /** When its request was written. */
  sentMs = 0;
  /** Whether a request is under way. */
  isBusy = false;
  readonly #owner: ConnectionOwner;
  readonly #target: LoadTarget;
  readonly #keepsBodies: boolean;
  readonly #clock: Clock;
  #reader: AnswerReader | undefined;
  #socket: Socket | undefined;
  #view: Buffer | undefined;
  #pieces: Buffer[] = [];
  #isClosed = false;

  /** @param keepsBodies Whether {@link body} is asked for. */
  constructor(owner: ConnectionOwner, target: LoadTarget, keepsBodies: boolean, clock: Clock = systemClock) {
    this.#clock = clock;
    this.#owner = owner;
    this.#target = target;
    this.#keepsBodies = keepsBodies;
  }

  get isOpen(): boolean {
    return this.#socket !== undefined;
  }

  open(): void {
    if (this.#isClosed || this.#socket !== undefined) return;
    const { host, port, tls } = this.#target;
    readBuffer ??= Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);
    const buffer = readBuffer;
    const reader = new AnswerReader(this, MAX_HEADER_BYTES);
    this.#reader = reader;
    const ready = (): void => this.#owner.connected(this);
    let socket: Socket;
    if (tls === undefined) {
      const callback = (length: number): boolean => {
        if (socket === this.#socket) this.#read(reader, buffer.subarray(0, length));
        return true;
      };
      socket = connectNet({ host, port, noDelay: true, onread: { buffer, callback } }, ready);
    } else {
      socket = connectTls({ host, port, ALPNProtocols: ['http/1.1'], ...tls }, ready);
      socket.setNoDelay(true);
      socket.on('data', (bytes: Buffer) => {
        if (socket === this.#socket) this.#read(reader, bytes);
      });
    }
    this.#socket = socket;
    socket.on('error', (error: NodeJS.ErrnoException) => this.#fail(socket, error.code ?? error.message));
    socket.on('end', () => {
      if (socket === this.#socket) reader.finish();
    });
    socket.on('close', () => this.#fail(socket, 'closed by the server'));
  }

  send(request: WireRequest, nowMs: number): void {
    this.sentMs = nowMs;
    this.isBusy = true;
    this.bodyBytes = 0;
    this.#view = undefined;
    if (this.#pieces.length > 0) this.#pieces = [];
    this.#reader?.expect();
    if (typeof request === 'string') this.#socket?.write(request, 'latin1');
    else this.#socket?.write(request);
  }

  /** The body of the answer, while {@link ConnectionOwner.answered} runs. */
  body(): Buffer {
    if (this.#view !== undefined) return this.#view;
    return this.#pieces.length === 1 ? (this.#pieces[0] as Buffer) : Buffer.concat(this.#pieces);
  }

  /** Ends the request under way, and the connection with it. */
  abort(reason: string): void {
    if (this.#socket !== undefined) this.#fail(this.#socket, reason);
  }

  close(): void {
    this.#isClosed = true;
    this.isBusy = false;
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  head(status: number, headers: UpstreamHeaders): void {
    this.status = status;
    this.headers = headers;
  }

  data(chunk: Buffer): void {
    this.bodyBytes += chunk.length;
    if (!this.#keepsBodies) return;
    if (this.#view === undefined && this.#pieces.length === 0) this.#view = chunk;
    else {
      this.#own();
      this.#pieces.push(Buffer.from(chunk));
    }
  }

  ended(_head: AnswerHead, reusable: boolean): void {
    this.isBusy = false;
    if (!reusable) this.#reopen();
    this.#owner.answered(this, this.#clock.now());
    this.#view = undefined;
  }

  bad(reason: string): void {
    this.abort(`not HTTP/1.1: ${reason}`);
  }

  cut(): void {
    this.abort('closed by the server');
  }

  #read(reader: AnswerReader, bytes: Buffer): void {
    reader.read(bytes);
    if (this.#view !== undefined) this.#own();
  }

  /** Keeps what was read before the buffer is used again. */
  #own(): void {
    if (this.#view !== undefined) this.#pieces.push(Buffer.from(this.#view));
    this.#view = undefined;
  }

  /** The server announced that it closes: no error, but the next request needs a new connection. */
  #reopen(): void {
    const old = this.#socket;
    this.#socket = undefined;
    old?.destroy();
    this.open();
  }

  #fail(socket: Socket, reason: string): void {
    if (this.#isClosed || socket !== this.#socket) return;
    this.#socket = undefined;
    this.#reader?.stop();
    socket.destroy();
    const wasBusy = this.isBusy;
    this.isBusy = false;
    this.#owner.failed(this, reason, wasBusy);
  }
}

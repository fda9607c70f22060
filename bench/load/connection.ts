import { connect, type Socket } from 'node:net';
import type { PreparedRequest } from './request-source.ts';
import { ResponseReader } from './response-reader.ts';

/** What a connection asks of, and reports to, the run that it belongs to. */
export interface ConnectionOwner {
  /** The next request, or undefined when the run is over. */
  nextRequest(): PreparedRequest | undefined;
  /** An answer arrived whole at `nowMs`; its request was written at `sentMs`. */
  answered(request: PreparedRequest, reader: ResponseReader, sentMs: number, nowMs: number): void;
  /** The request under way failed; the connection is gone. @returns Whether to connect again. */
  failed(reason: string): boolean;
  /** The connection stands, for the first time or again: `send` starts its loop. */
  connected(connection: LoadConnection): void;
}

export interface ConnectionTarget {
  readonly host: string;
  readonly port: number;
  readonly keepBodies: boolean;
}

/**
 * One kept-alive connection that has one request under way at a time.
 *
 * HOT: an answer costs one clock reading, one write and no allocation of its own; guarded by `check-against-wrk.ts`.
 */
export class LoadConnection {
  readonly #owner: ConnectionOwner;
  readonly #target: ConnectionTarget;
  readonly #buffer: Uint8Array;
  readonly #reader: ResponseReader;
  #socket: Socket | undefined;
  #request: PreparedRequest | undefined;
  #sentMs = 0;
  #closed = false;

  /** @param buffer Where the bytes read land; every connection of a run may share one, as it is emptied at once. */
  constructor(owner: ConnectionOwner, target: ConnectionTarget, buffer: Uint8Array) {
    this.#owner = owner;
    this.#target = target;
    this.#buffer = buffer;
    this.#reader = new ResponseReader(target.keepBodies);
  }

  open(): void {
    this.#reader.next();
    const socket = connect({
      host: this.#target.host,
      port: this.#target.port,
      noDelay: true,
      onread: {
        buffer: this.#buffer,
        callback: (length: number, bytes: Uint8Array) => {
          if (socket === this.#socket) this.#read(bytes, length);
          return true;
        },
      },
    });
    this.#socket = socket;
    socket.on('error', (error) => this.#fail(socket, error.message));
    socket.on('close', () => this.#fail(socket, 'connection closed by the server'));
    socket.on('connect', () => this.#owner.connected(this));
  }

  /** Sends the next request; called by the owner for the first one, then after each answer. */
  send(nowMs: number): void {
    const request = this.#owner.nextRequest();
    this.#request = request;
    if (request === undefined) return;
    this.#sentMs = nowMs;
    this.#socket?.write(request.bytes);
  }

  close(): void {
    this.#closed = true;
    this.#socket?.destroy();
  }

  #read(bytes: Uint8Array, length: number): void {
    const request = this.#request;
    if (request === undefined) return this.#drop('bytes without a request');
    try {
      if (!this.#reader.feed(bytes, length)) return;
    } catch (error) {
      return this.#drop((error as Error).message);
    }
    const nowMs = performance.now();
    this.#owner.answered(request, this.#reader, this.#sentMs, nowMs);
    if (this.#closed) return;
    const reconnect = this.#reader.head.close;
    this.#reader.next();
    if (reconnect) this.#reopen();
    else this.send(nowMs);
  }

  /** The server announced that it closes: not an error, but the next request needs a new connection. */
  #reopen(): void {
    const old = this.#socket;
    this.open();
    old?.destroy();
  }

  #drop(reason: string): void {
    if (this.#socket !== undefined) this.#fail(this.#socket, reason);
  }

  #fail(socket: Socket, reason: string): void {
    if (this.#closed || socket !== this.#socket) return;
    this.#socket = undefined;
    socket.destroy();
    this.#request = undefined;
    if (this.#owner.failed(reason) && !this.#closed) this.open();
  }
}

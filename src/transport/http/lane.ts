import type { Socket } from 'node:net';
import type { Acceptor } from '../exchange.ts';
import { decodeBody } from '../body.ts';
import type { HttpExchangeShared } from './http-exchange.ts';
import { type LaneCarrier, LaneExchange } from './lane-exchange.ts';
import { type LaneHead, NOT_LANE, parseLaneHead } from './lane-head.ts';
import type { OriginGuard } from './origin-guard.ts';

/** What all connections of one lane share. */
export interface LaneShared extends HttpExchangeShared {
  readonly acceptor: Acceptor;
  readonly guard: OriginGuard;
  /** The one request line that the lane serves, with its CRLF. */
  readonly requestLine: string;
  /** Gives a socket to `node:http`, together with what has been read of the next request. */
  handOver(socket: Socket, bytes: Buffer): void;
  /** The lines that every response carries; they change once a second and when the server drains. */
  commonHeaders: string;
  /** Whole seconds since the lane began, by the sweep. */
  tick: number;
  /** Whether connections end after the answer they are about. */
  draining: boolean;
}

/** How many bytes may wait behind a request that is being answered before the socket is paused. */
const MAX_AHEAD_BYTES = 65_536;

type Phase = 'idle' | 'head' | 'body' | 'busy';

/**
 * One kept-alive connection of plain requests, read straight off its socket.
 *
 * Requests are answered one after the other, hence pipelined ones in order. Anything but the lane's one shape of request
 * goes, with the socket, to `node:http`.
 */
export class LaneConnection implements LaneCarrier {
  readonly #socket: Socket;
  readonly #shared: LaneShared;
  readonly #onEnd: (connection: LaneConnection) => void;
  #phase: Phase = 'idle';
  /** The tick in which this request, or this idle time, began. */
  #since: number;
  /** What has been read and not been used; a body grows in pieces that are joined once. */
  #pending: Buffer | undefined;
  #pieces: Buffer[] = [];
  #piecesBytes = 0;
  #head: LaneHead | undefined;
  /** The block of the last request: clients repeat theirs, and an equal text means an equal head. */
  #lastHeadText = '';
  #lastHead: LaneHead | undefined;
  #exchange: LaneExchange | undefined;
  #reading = false;

  constructor(socket: Socket, shared: LaneShared, onEnd: (connection: LaneConnection) => void) {
    this.#socket = socket;
    this.#shared = shared;
    this.#onEnd = onEnd;
    this.#since = shared.tick;
    socket.on('data', this.#onData);
    socket.on('end', this.#onSocketEnd);
    socket.on('close', this.#onSocketClose);
    socket.on('error', this.#onSocketError);
    socket.on('drain', this.#onDrain);
  }

  get idle(): boolean {
    return this.#phase === 'idle';
  }

  commonHeaders(): string {
    return this.#shared.commonHeaders;
  }

  write(text: string, bytes?: Uint8Array): number {
    const socket = this.#socket;
    if (bytes === undefined) {
      socket.write(text, 'utf8');
    } else {
      socket.cork();
      socket.write(text, 'utf8');
      socket.write(bytes);
      socket.uncork();
    }
    return socket.writableLength;
  }

  finished(): void {
    this.#exchange = undefined;
    this.#phase = 'idle';
    this.#since = this.#shared.tick;
    if (this.#shared.draining) {
      this.#socket.end();
      return;
    }
    if (!this.#reading && this.#pending !== undefined) this.#read();
    else if (this.#socket.isPaused() && !this.#socket.writableNeedDrain) this.#socket.resume();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** Ends the connection in an orderly way. */
  end(): void {
    this.#socket.end();
  }

  /** Ends the connection when its time is over; called once a second. */
  sweep(): void {
    const { limits, tick } = this.#shared;
    const seconds = tick - this.#since;
    if (this.#phase === 'busy') return;
    if (this.#phase === 'idle') {
      if (seconds * 1000 > limits.idleTimeoutMs) this.#socket.destroy();
      return;
    }
    const limitMs = this.#phase === 'head' ? limits.headerTimeoutMs : limits.requestTimeoutMs;
    if (seconds * 1000 <= limitMs) return;
    this.#socket.end('HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n', () => this.#socket.destroy());
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#phase === 'body') {
      this.#pieces.push(chunk);
      this.#piecesBytes += chunk.length;
      if (this.#piecesBytes < (this.#head?.contentLength ?? 0)) return;
      this.#pending = Buffer.concat(this.#pieces, this.#piecesBytes);
      this.#pieces = [];
      this.#piecesBytes = 0;
      this.#read();
      return;
    }
    this.#pending = this.#pending === undefined ? chunk : Buffer.concat([this.#pending, chunk]);
    if (this.#phase === 'busy') {
      if (this.#pending.length > MAX_AHEAD_BYTES) this.#socket.pause();
      return;
    }
    this.#read();
  };

  /** Reads as many whole requests as are there, each after the answer to the one before. */
  #read(): void {
    this.#reading = true;
    let buffer = this.#pending;
    this.#pending = undefined;
    while (buffer !== undefined && this.#phase !== 'busy' && this.#socket.writable) {
      if (this.#socket.writableNeedDrain) break;
      const rest: Buffer | undefined = this.#phase === 'body' ? this.#readBody(buffer) : this.#readHead(buffer);
      if (rest === buffer) break;
      buffer = rest;
    }
    this.#pending = buffer;
    this.#reading = false;
    if (this.#phase !== 'busy' && this.#socket.isPaused() && !this.#socket.writableNeedDrain) this.#socket.resume();
  }

  /** Takes a header block off the buffer; answers what is left, or the buffer itself while the block is not complete. */
  #readHead(buffer: Buffer): Buffer | undefined {
    const { requestLine, limits } = this.#shared;
    const end = buffer.indexOf('\r\n\r\n', 0, 'latin1');
    if (end === -1 || end > limits.maxHeaderBytes) {
      const start = buffer.toString('latin1', 0, Math.min(buffer.length, requestLine.length));
      if (!requestLine.startsWith(start) || buffer.length > limits.maxHeaderBytes) return this.#handOver(buffer);
      if (this.#phase === 'idle') this.#since = this.#shared.tick;
      this.#phase = 'head';
      return buffer;
    }
    const head = this.#parseHead(buffer.toString('latin1', 0, end));
    if (head === NOT_LANE) return this.#handOver(buffer);
    this.#head = head;
    this.#phase = 'body';
    const body = buffer.subarray(end + 4);
    if (body.length >= head.contentLength) return this.#readBody(body);
    this.#since = this.#shared.tick;
    if (body.length > 0) this.#pieces.push(body);
    this.#piecesBytes = body.length;
    return undefined;
  }

  /** HOT: an unchanged block is not parsed again; guarded by `npm run bench`. */
  #parseHead(text: string): LaneHead | typeof NOT_LANE {
    if (text === this.#lastHeadText && this.#lastHead !== undefined) return this.#lastHead;
    const { requestLine, limits, guard } = this.#shared;
    if (!text.startsWith(requestLine)) return NOT_LANE;
    const head = parseLaneHead(text, requestLine.length);
    if (head === NOT_LANE || head.contentLength > limits.maxBodyBytes) return NOT_LANE;
    if (guard.refuse(head.host, head.origin) !== undefined) return NOT_LANE;
    this.#lastHeadText = text;
    this.#lastHead = head;
    return head;
  }

  /** Takes a whole body off the buffer and gives the request to the server; answers what is left. */
  #readBody(buffer: Buffer): Buffer | undefined {
    const head = this.#head as LaneHead;
    const length = head.contentLength;
    const exchange = new LaneExchange(head, this.#shared, this);
    this.#head = undefined;
    this.#exchange = exchange;
    this.#phase = 'busy';
    this.#shared.acceptor.post(exchange, decodeBody(buffer, length));
    return buffer.length === length ? undefined : buffer.subarray(length);
  }

  /** Leaves the socket, with all that has been read of this request, to `node:http`. */
  #handOver(buffer: Buffer): undefined {
    this.#phase = 'busy';
    this.#detach();
    this.#shared.handOver(this.#socket, buffer);
    return undefined;
  }

  #detach(): void {
    const socket = this.#socket;
    socket.off('data', this.#onData);
    socket.off('end', this.#onSocketEnd);
    socket.off('close', this.#onSocketClose);
    socket.off('error', this.#onSocketError);
    socket.off('drain', this.#onDrain);
    this.#onEnd(this);
  }

  readonly #onDrain = (): void => {
    if (this.#phase === 'busy') return;
    if (this.#pending !== undefined) this.#read();
    else this.#socket.resume();
  };

  readonly #onSocketEnd = (): void => {
    this.#exchange?.disconnected();
    this.#socket.end();
  };

  readonly #onSocketClose = (): void => {
    this.#exchange?.disconnected();
    this.#onEnd(this);
  };

  /** A reset connection is the client's own affair; 'close' follows. */
  readonly #onSocketError = (): void => {};
}

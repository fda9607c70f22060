import type { Socket } from 'node:net';
import { decodeBody, latin1 } from '../body.ts';
import type { Acceptor } from '../exchange.ts';
import { owned, readDirectly } from './direct-reads.ts';
import type { HttpExchangeShared } from './http-exchange.ts';
import { type LaneCarrier, LaneExchange } from './lane-exchange.ts';
import { type LaneHead, NOT_LANE, parseLaneHead } from './lane-head.ts';
import { HeadMemo } from './lane-memo.ts';
import type { OriginGuard } from './origin-guard.ts';
import { Outbox } from './outbox.ts';

/** What all connections of one lane share. */
export interface LaneShared extends HttpExchangeShared {
  readonly acceptor: Acceptor;
  readonly guard: OriginGuard;
  /** The request lines that the lane serves, each with its CRLF. */
  requestLines: readonly string[];
  /** Gives a socket to `node:http`, together with what has been read of the next request. */
  handOver(socket: Socket, bytes: Buffer): void;
  /** The lines that every response carries; they change once a second and when the server drains. */
  commonHeaders: string;
  /** All that comes before the length in the answer to nearly every request; changes with them. */
  okHead: string;
  /** Both for the last answer of a connection. */
  lastCommonHeaders: string;
  lastOkHead: string;
  /** Whole seconds since the lane began, by the sweep. */
  tick: number;
  /** Whether connections end after the answer they are about. */
  draining: boolean;
  /** How long a connection may be idle. */
  idleLimitMs: number;
}

/** What `node:http` answers where a request breaks off in the middle. */
const BAD_REQUEST = 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n';

/** How many bytes may wait behind a request that is being answered before the socket is paused. */
const MAX_AHEAD_BYTES = 65_536;

/** When a connection is to end: after the first answer from this tick on. */
export interface ConnectionTerm {
  endsAt: number;
}

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
  readonly #term: ConnectionTerm;
  readonly #onEnd: (connection: LaneConnection) => void;
  readonly #readIndirectly: () => void;
  readonly #outbox: Outbox;
  #phase: Phase = 'idle';
  /** The tick in which this request, or this idle time, began. */
  #since: number;
  /** What has been read and not been used; a body grows in pieces that are joined once. */
  #pending: Buffer | undefined;
  #pieces: Buffer[] = [];
  #piecesBytes = 0;
  #head: LaneHead | undefined;
  #bodyLength = 0;
  readonly #memo = new HeadMemo<LaneHead>();
  #exchange: LaneExchange | undefined;
  #reading = false;
  /** Whether the client has been told that no further answer comes. */
  #isLast = false;

  constructor(socket: Socket, shared: LaneShared, term: ConnectionTerm, onEnd: (connection: LaneConnection) => void) {
    this.#socket = socket;
    this.#term = term;
    this.#outbox = new Outbox(socket);
    this.#shared = shared;
    this.#onEnd = onEnd;
    this.#since = shared.tick;
    socket.on('data', this.#onData);
    this.#readIndirectly = readDirectly(socket, this.#onData);
    socket.on('end', this.#onSocketEnd);
    socket.on('close', this.#onSocketClose);
    socket.on('error', this.#onSocketError);
    socket.on('drain', this.#onDrain);
  }

  get idle(): boolean {
    return this.#phase === 'idle';
  }

  get remoteAddress(): string | undefined {
    return this.#socket.remoteAddress;
  }

  get isSlow(): boolean {
    return this.#socket.writableNeedDrain;
  }

  commonHeaders(): string {
    return this.#isOver() ? this.#shared.lastCommonHeaders : this.#shared.commonHeaders;
  }

  okHead(): string {
    return this.#isOver() ? this.#shared.lastOkHead : this.#shared.okHead;
  }

  #isOver(): boolean {
    this.#isLast = this.#shared.draining || this.#shared.tick >= this.#term.endsAt;
    return this.#isLast;
  }

  write(text: string, bytes?: Uint8Array, isAscii = false): number {
    return this.#outbox.write(text, bytes, isAscii);
  }

  finished(): void {
    this.#exchange = undefined;
    this.#phase = 'idle';
    this.#since = this.#shared.tick;
    // The head of a stream may have promised more, before the server began to drain: its client may be about to use that.
    if (this.#isLast || (this.#shared.draining && this.#shared.idleLimitMs === 0)) {
      this.end();
      return;
    }
    if (!this.#reading && this.#pending !== undefined) this.#read();
    else if (this.#socket.isPaused() && !this.#socket.writableNeedDrain) this.#socket.resume();
  }

  destroy(): void {
    this.#outbox.flush();
    this.#socket.destroy();
  }

  /** Ends the connection in an orderly way: what the client still sends is passed over. */
  end(lastWords?: string, sent?: () => void): void {
    this.#outbox.flush();
    const socket = this.#socket;
    this.#readIndirectly();
    socket.off('data', this.#onData);
    this.#pending = undefined;
    this.#pieces = [];
    socket.end(lastWords ?? '', 'latin1', sent);
    socket.resume();
  }

  /** Ends the connection when its time is over; called once a second. */
  sweep(): void {
    const { limits, tick, draining, idleLimitMs } = this.#shared;
    const seconds = tick - this.#since;
    if (this.#phase === 'busy') return;
    if (this.#phase === 'idle') {
      if (seconds * 1000 <= idleLimitMs) return;
      if (draining) this.end();
      else this.destroy();
      return;
    }
    const limitMs = this.#phase === 'head' ? limits.headerTimeoutMs : limits.requestTimeoutMs;
    if (seconds * 1000 <= limitMs) return;
    this.end('HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n', () =>
      this.#socket.destroy(),
    );
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#phase === 'body') {
      this.#pieces.push(owned(chunk));
      this.#piecesBytes += chunk.length;
      if (this.#piecesBytes < this.#bodyLength) return;
      this.#pending = Buffer.concat(this.#pieces, this.#piecesBytes);
      this.#pieces = [];
      this.#piecesBytes = 0;
      this.#read();
      return;
    }
    if (this.#phase === 'busy') {
      this.#pending = this.#pending === undefined ? owned(chunk) : Buffer.concat([this.#pending, chunk]);
      if (this.#pending.length > MAX_AHEAD_BYTES) this.#socket.pause();
      return;
    }
    this.#pending = this.#pending === undefined ? chunk : Buffer.concat([this.#pending, chunk]);
    this.#read();
  };

  /** Reads as many whole requests as are there, each after the answer to the one before. */
  #read(): void {
    this.#reading = true;
    let buffer = this.#pending;
    this.#pending = undefined;
    while (buffer !== undefined && this.#phase !== 'busy' && this.#socket.writable) {
      if (this.#socket.writableNeedDrain) {
        this.#socket.pause(); // Until 'drain': a client that does not read its answers may not have more of them.
        break;
      }
      const rest: Buffer | undefined = this.#phase === 'body' ? this.#readBody(buffer, 0) : this.#readHead(buffer);
      if (rest === buffer) break;
      buffer = rest;
    }
    this.#pending = buffer === undefined ? undefined : owned(buffer);
    this.#reading = false;
    if (this.#phase !== 'busy' && this.#socket.isPaused() && !this.#socket.writableNeedDrain) this.#socket.resume();
  }

  /** Takes a header block off the buffer; answers what is left, or the buffer itself while the block is not complete. */
  #readHead(buffer: Buffer): Buffer | undefined {
    const known = this.#memo.match(buffer);
    if (known !== undefined) return this.#startBody(known, this.#memo.bodyLength, buffer, this.#memo.bodyStart);
    const { requestLines, limits, guard } = this.#shared;
    const end = buffer.indexOf('\r\n\r\n', 0, 'latin1');
    if (end === -1 || end > limits.maxHeaderBytes) {
      const start = latin1(buffer, 0, buffer.length);
      const isOurs = requestLines.some((line) => line.startsWith(start) || start.startsWith(line));
      if (!isOurs || buffer.length > limits.maxHeaderBytes) return this.#handOver(buffer);
      if (this.#phase === 'idle') this.#since = this.#shared.tick;
      this.#phase = 'head';
      return buffer;
    }
    const text = latin1(buffer, 0, end);
    const requestLine = requestLines.find((line) => text.startsWith(line));
    const head = requestLine === undefined ? NOT_LANE : parseLaneHead(text, requestLine.length);
    if (head === NOT_LANE || guard.refuse(head.host, head.origin) !== undefined) return this.#handOver(buffer);
    this.#memo.remember(text, head);
    return this.#startBody(head, head.contentLength, buffer, end + 4);
  }

  #startBody(head: LaneHead, length: number, buffer: Buffer, from: number): Buffer | undefined {
    if (length > this.#shared.limits.maxBodyBytes) return this.#handOver(buffer);
    head.contentLength = length; // A remembered head is that of an earlier request.
    this.#head = head;
    this.#bodyLength = length;
    if (buffer.length - from >= length) return this.#readBody(buffer, from);
    if (this.#phase === 'idle') this.#since = this.#shared.tick; // Otherwise the request began with its first byte.
    this.#phase = 'body';
    if (from < buffer.length) this.#pieces.push(owned(buffer.subarray(from)));
    this.#piecesBytes = buffer.length - from;
    return undefined;
  }

  /** Takes a whole body off the buffer and gives the request to the server; answers what is left. */
  #readBody(buffer: Buffer, from: number): Buffer | undefined {
    const head = this.#head as LaneHead;
    const to = from + this.#bodyLength;
    const exchange = new LaneExchange(head, this.#shared, this);
    this.#head = undefined;
    this.#exchange = exchange;
    this.#phase = 'busy';
    this.#shared.acceptor.post(exchange, decodeBody(buffer, from, to));
    return buffer.length === to ? undefined : buffer.subarray(to);
  }

  /** Leaves the socket, with all that has been read of this request, to `node:http`. */
  #handOver(buffer: Buffer): undefined {
    this.#phase = 'busy';
    this.#outbox.flush();
    this.#detach();
    this.#shared.handOver(this.#socket, owned(buffer));
    if (this.#socket.isPaused()) this.#socket.resume(); // A new 'data' listener alone does not wake a paused socket.
    return undefined;
  }

  #detach(): void {
    const socket = this.#socket;
    this.#readIndirectly();
    socket.off('data', this.#onData);
    socket.off('end', this.#onSocketEnd);
    socket.off('close', this.#onSocketClose);
    socket.off('error', this.#onSocketError);
    socket.off('drain', this.#onDrain);
    this.#onEnd(this);
  }

  readonly #onDrain = (): void => {
    if (this.#phase === 'busy') this.#exchange?.onDrain?.();
    else if (this.#pending !== undefined) this.#read();
    else this.#socket.resume();
  };

  readonly #onSocketEnd = (): void => {
    this.#exchange?.disconnected();
    this.#outbox.flush();
    if (this.#phase === 'head' || this.#phase === 'body') this.#socket.end(BAD_REQUEST);
    else this.#socket.end();
  };

  readonly #onSocketClose = (): void => {
    this.#exchange?.disconnected();
    this.#onEnd(this);
  };

  /** A reset connection is the client's own affair; 'close' follows. */
  readonly #onSocketError = (): void => {};
}

import { connect as connectNet, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { readDirectly } from '../../transport/transport.ts';
import type { AnswerHead } from './answer-head.ts';
import { AnswerReader, type AnswerReceiver } from './answer-reader.ts';
import type { CallCarrier, HttpCall } from './http-call.ts';
import { writeRequest } from './request-writer.ts';
import type { UpstreamErrorCode, UpstreamHeaders } from './upstream-call.ts';
import { UpstreamCallError } from './upstream-error.ts';
import type { ResolvedHttpUpstreamOptions } from './upstream-options.ts';

/** What the connections of one upstream share, and tell it. */
export interface ConnectionOwner {
  readonly options: ResolvedHttpUpstreamOptions;
  readonly hostLine: string;
  /** Steps of time since the upstream began, by the sweep, and how long one is. */
  readonly tick: number;
  readonly tickMs: number;
  /** A connection was established. */
  connected(): void;
  /** It can take a call: for the first time, or again. */
  freed(connection: UpstreamConnection): void;
  /** It is closed. `error` says why it never came to be, or why its call fails. */
  gone(connection: UpstreamConnection, wasConnecting: boolean, error: UpstreamCallError | undefined): void;
}

/** A server closes when it said it would: a request must not meet that on the way. */
const KEEP_ALIVE_MARGIN_MS = 1_000;
const TCP_PROBE_MS = 30_000;

let written: UpstreamConnection[] = [];

function flushAll(): void {
  const connections = written;
  written = [];
  for (const connection of connections) connection.flush();
}

/** Opens a socket for {@link UpstreamConnection}; it calls `ready` when bytes can be sent. */
export function openSocket(options: ResolvedHttpUpstreamOptions, ready: () => void, session: TlsSession): Socket {
  const { address, tls } = options;
  const common = { ...address, noDelay: true, keepAlive: true, keepAliveInitialDelay: TCP_PROBE_MS };
  if (tls === undefined) return connectNet(common, ready);
  const known = session.ticket === undefined ? {} : { session: session.ticket };
  const socket = connectTls({ ...common, ...tls, ...known, ALPNProtocols: ['http/1.1'] }, ready);
  socket.on('session', (ticket) => {
    session.ticket = ticket;
  });
  return socket;
}

/** The last TLS session with a server, which spares the next connection half of the handshake. */
export interface TlsSession {
  ticket: Buffer | undefined;
}

type State = 'connecting' | 'free' | 'busy' | 'closed';

/**
 * One connection to a server, with one call at a time.
 *
 * HOT: requests are gathered until the event loop has read from all sockets that were ready, as answers to clients are
 * (decision 0008); guarded by `npm run bench -- scale`.
 */
export class UpstreamConnection implements AnswerReceiver, CallCarrier {
  readonly #owner: ConnectionOwner;
  readonly #socket: Socket;
  readonly #reader: AnswerReader;
  #state: State = 'connecting';
  /** The tick in which the state began. */
  #since: number;
  #idleLimitMs: number;
  #call: HttpCall | undefined;
  #isSent = false;

  /** @param open Makes the socket, and calls back when it can be written to. */
  constructor(owner: ConnectionOwner, open: (ready: () => void) => Socket) {
    this.#owner = owner;
    this.#since = owner.tick;
    this.#idleLimitMs = owner.options.idleTimeoutMs;
    this.#reader = new AnswerReader(this, owner.options.maxHeaderBytes);
    this.#socket = open(() => this.#connected());
    this.#socket.on('error', (error) => this.#onError(error));
    this.#socket.on('close', () => this.#onClose());
  }

  get isConnecting(): boolean {
    return this.#state === 'connecting';
  }

  get isBusy(): boolean {
    return this.#state === 'busy';
  }

  /** Whether a call may be given to it: the server has not closed it, and is not about to. */
  get isUsable(): boolean {
    return this.#state === 'free' && this.#socket.writable && this.#idleMs(1) <= this.#idleLimitMs;
  }

  /** Takes a call; its request leaves at the end of this turn of the event loop. */
  start(call: HttpCall): void {
    this.#enter('busy');
    this.#call = call;
    this.#isSent = false;
    call.connection = this;
    if (call.isPaused) this.pause();
    if (written.push(this) === 1) setImmediate(flushAll);
  }

  flush(): void {
    const call = this.#call;
    if (call === undefined || this.#isSent) return;
    this.#isSent = true;
    this.#reader.expect();
    writeRequest(this.#socket, this.#owner.hostLine, call.request);
  }

  pause(): void {
    this.#reader.pause();
    this.#socket.pause();
  }

  resume(): void {
    this.#reader.resume();
    if (this.#call?.isPaused !== true) this.#socket.resume();
  }

  /** Its call was aborted: the answer may come at any time, so the connection is of no more use once the request is sent. */
  abandon(): void {
    this.#call = undefined;
    if (!this.#isSent) this.#free();
    else this.destroy();
  }

  /** Closes it; a call that it has fails. */
  destroy(code: UpstreamErrorCode = 'UPSTREAM_CLOSED', detail?: string, cause?: unknown): void {
    if (this.#state === 'closed') return;
    const wasConnecting = this.#state === 'connecting';
    const call = this.#call;
    this.#enter('closed');
    this.#call = undefined;
    this.#reader.stop();
    this.#socket.destroy();
    const error =
      wasConnecting || call !== undefined
        ? new UpstreamCallError(code, this.#owner.options.origin, !this.#isSent, { detail, cause })
        : undefined;
    this.#owner.gone(this, wasConnecting, error);
    if (call !== undefined && error !== undefined) call.fail(error);
  }

  /** Ends what has taken too long; called once a tick. */
  sweep(): void {
    const { options } = this.#owner;
    const ms = this.#idleMs(0);
    if (this.#state === 'free') {
      if (!this.isUsable) this.destroy();
    } else if (this.#state === 'connecting') {
      if (ms > options.connectTimeoutMs)
        this.destroy('UPSTREAM_CONNECT_FAILED', `not within ${options.connectTimeoutMs} ms`);
    } else if (ms > options.answerTimeoutMs && this.#reader.awaitsHead && this.#call?.isPaused !== true)
      this.destroy('UPSTREAM_TIMEOUT', `none after ${options.answerTimeoutMs} ms`);
  }

  head(status: number, headers: UpstreamHeaders): void {
    this.#call?.sink.head(status, headers);
  }

  data(chunk: Buffer): void {
    this.#call?.sink.data(chunk);
  }

  /** The connection is free before the sink hears of it: its next call may have it. */
  ended(head: AnswerHead, reusable: boolean): void {
    const call = this.#call as HttpCall;
    this.#call = undefined;
    call.isOver = true;
    const margin = Math.max(0, head.keepAliveMs - KEEP_ALIVE_MARGIN_MS);
    this.#idleLimitMs = Math.min(this.#owner.options.idleTimeoutMs, margin);
    // A server that answers before it has read the whole request may never read the rest.
    if (reusable && this.#isSent && this.#socket.writable && this.#socket.writableLength === 0) this.#free();
    else this.destroy();
    call.sink.ended();
  }

  bad(reason: string): void {
    const code = this.#isSent ? 'UPSTREAM_BAD_ANSWER' : 'UPSTREAM_CONNECTION_LOST';
    this.destroy(code, reason);
  }

  #free(): void {
    if (this.#socket.isPaused()) this.resume();
    this.#enter('free');
    this.#owner.freed(this);
  }

  #enter(state: State): void {
    this.#state = state;
    this.#since = this.#owner.tick;
  }

  #idleMs(further: number): number {
    return (this.#owner.tick - this.#since + further) * this.#owner.tickMs;
  }

  #connected(): void {
    if (this.#state !== 'connecting') return;
    const onData = (chunk: Buffer): void => this.#reader.read(chunk);
    this.#socket.on('data', onData);
    readDirectly(this.#socket, onData);
    this.#socket.on('end', () => this.#onEnd());
    this.#owner.connected();
    this.#free();
  }

  #onEnd(): void {
    if (!this.#reader.finish()) this.destroy('UPSTREAM_CONNECTION_LOST', 'it ended');
  }

  #onError(error: Error): void {
    const code = this.#state === 'connecting' ? 'UPSTREAM_CONNECT_FAILED' : 'UPSTREAM_CONNECTION_LOST';
    this.destroy(code, undefined, error);
  }

  #onClose(): void {
    if (!this.#reader.isBehind) this.destroy('UPSTREAM_CONNECTION_LOST', 'it closed');
  }
}

import type { CancelTimer } from '../../kernel/clock.ts';
import { HttpCall } from './http-call.ts';
import { checkRequest } from './request-writer.ts';
import type { Upstream, UpstreamCall, UpstreamErrorCode, UpstreamRequest, UpstreamSink } from './upstream-call.ts';
import { type ConnectionOwner, openSocket, type TlsSession, UpstreamConnection } from './upstream-connection.ts';
import { UpstreamCallError } from './upstream-error.ts';
import {
  type HttpUpstreamOptions,
  type ResolvedHttpUpstreamOptions,
  resolveHttpUpstreamOptions,
} from './upstream-options.ts';

/** What an upstream's connections do now, and did since it was made. */
export interface HttpUpstreamStatistics {
  /** Established connections. */
  readonly open: number;
  /** Those with a call. */
  readonly inUse: number;
  /** Calls that have no connection yet. */
  readonly waiting: number;
  /** Connections that were established. */
  readonly connects: number;
  /** Calls whose connection ended, or had to be ended, before their answer was complete. */
  readonly lost: number;
}

const MAX_TICK_MS = 1_000;
const CLOSE_MS = 10_000;

/**
 * An HTTP/1.1 client for one address, straight on sockets (decision 0020).
 *
 * Connections are made when no free one is there, up to a bound, and the one that was used last is used next. Calls that
 * find none wait in line. Nothing is pipelined, and nothing is sent twice: whether a call may be made again is for the
 * caller to decide.
 */
export class HttpUpstream implements Upstream, ConnectionOwner {
  readonly options: ResolvedHttpUpstreamOptions;
  readonly hostLine: string;
  readonly tickMs: number;
  tick = 0;
  readonly #connections = new Set<UpstreamConnection>();
  readonly #free: UpstreamConnection[] = [];
  readonly #waiting = new Set<HttpCall>();
  readonly #session: TlsSession = { ticket: undefined };
  readonly #cancelSweep: CancelTimer;
  readonly #leave = (call: HttpCall): void => void this.#waiting.delete(call);
  #connecting = 0;
  #connects = 0;
  #lost = 0;
  #closed: Promise<void> | undefined;
  #whenEmpty: (() => void) | undefined;

  /** @throws {OptionError} */
  constructor(options: HttpUpstreamOptions, name = 'upstream') {
    this.options = resolveHttpUpstreamOptions(options, name);
    this.hostLine = `Host: ${this.options.host}\r\n`;
    const { connectTimeoutMs, idleTimeoutMs, answerTimeoutMs, clock } = this.options;
    this.tickMs = Math.min(MAX_TICK_MS, Math.max(1, Math.min(connectTimeoutMs, idleTimeoutMs, answerTimeoutMs) / 4));
    this.#cancelSweep = clock.every(this.tickMs, () => this.#sweep());
  }

  /** @throws {PeregrineError} `UPSTREAM_REQUEST_INVALID`: path or header lines are not Latin-1. */
  send(request: UpstreamRequest, sink: UpstreamSink): UpstreamCall {
    checkRequest(request);
    const call = new HttpCall(request, sink, this.tick, this.#leave);
    if (this.#closed !== undefined) return this.#refuse(call, 'UPSTREAM_CLOSED');
    for (let free = this.#free.pop(); free !== undefined; free = this.#free.pop()) {
      if (free.isUsable) {
        free.start(call);
        return call;
      }
      free.destroy();
    }
    const { maxConnections, maxWaiting } = this.options;
    const isFull = this.#connections.size >= maxConnections && this.#waiting.size - this.#connecting >= maxWaiting;
    if (isFull) return this.#refuse(call, 'UPSTREAM_UNAVAILABLE');
    this.#waiting.add(call);
    this.#open();
    return call;
  }

  /** Calls that were made, those that wait included, may end in time; after that they fail with `UPSTREAM_CLOSED`. */
  close(deadlineMs = CLOSE_MS): Promise<void> {
    this.#closed ??= this.#close(deadlineMs);
    return this.#closed;
  }

  getStatistics(): HttpUpstreamStatistics {
    let inUse = 0;
    for (const connection of this.#connections) if (connection.isBusy) inUse++;
    return {
      open: this.#connections.size - this.#connecting,
      inUse,
      waiting: this.#waiting.size,
      connects: this.#connects,
      lost: this.#lost,
    };
  }

  connected(): void {
    this.#connecting--;
    this.#connects++;
  }

  freed(connection: UpstreamConnection): void {
    const [next] = this.#waiting;
    if (next !== undefined) {
      this.#waiting.delete(next);
      connection.start(next);
    } else if (this.#closed !== undefined) connection.destroy();
    else this.#free.push(connection);
  }

  gone(connection: UpstreamConnection, wasConnecting: boolean, error: UpstreamCallError | undefined): void {
    this.#connections.delete(connection);
    const at = this.#free.indexOf(connection);
    if (at !== -1) this.#free.splice(at, 1);
    if (wasConnecting) {
      this.#connecting--;
      const [first] = this.#waiting;
      if (first !== undefined && error !== undefined) this.#fail(first, error);
    } else if (error !== undefined) this.#lost++;
    this.#open();
    this.#settle();
  }

  /** Makes a connection for each call that waits, as far as there may be as many. */
  #open(): void {
    while (this.#connecting < this.#waiting.size && this.#connections.size < this.options.maxConnections) {
      this.#connecting++;
      this.#connections.add(new UpstreamConnection(this, (ready) => openSocket(this.options, ready, this.#session)));
    }
  }

  #refuse(call: HttpCall, code: UpstreamErrorCode): HttpCall {
    queueMicrotask(() => call.fail(new UpstreamCallError(code, this.options.origin, true)));
    return call;
  }

  #fail(waiting: HttpCall, error: UpstreamCallError): void {
    this.#waiting.delete(waiting);
    waiting.fail(error);
  }

  #sweep(): void {
    this.tick++;
    for (const connection of this.#connections) connection.sweep();
    const { origin, connectTimeoutMs } = this.options;
    for (const call of this.#waiting) {
      if ((this.tick - call.since) * this.tickMs <= connectTimeoutMs) break;
      const detail = `no connection became free within ${connectTimeoutMs} ms`;
      this.#fail(call, new UpstreamCallError('UPSTREAM_TIMEOUT', origin, true, { detail }));
    }
  }

  async #close(deadlineMs: number): Promise<void> {
    for (const connection of this.#free.splice(0)) connection.destroy();
    if (this.#connections.size > 0) {
      await new Promise<void>((resolve) => {
        const cancel = this.options.clock.after(deadlineMs, resolve);
        this.#whenEmpty = () => {
          cancel();
          resolve();
        };
      });
    }
    for (const call of this.#waiting)
      this.#fail(call, new UpstreamCallError('UPSTREAM_CLOSED', this.options.origin, true));
    for (const connection of this.#connections) connection.destroy();
    this.#cancelSweep();
  }

  #settle(): void {
    if (this.#connections.size === 0) this.#whenEmpty?.();
  }
}

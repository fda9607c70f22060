import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import { type AddressInfo, createServer as createNetServer, type Server as NetServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { CancelTimer, Clock } from '../../kernel/clock.ts';
import { PeregrineError } from '../../kernel/errors.ts';
import { createLoadMeter, type LoadMeter } from '../../kernel/load.ts';
import { type Random, systemRandom } from '../../kernel/random.ts';
import type { EngineSignals } from '../../signal/signal.ts';
import type { Acceptor } from '../exchange.ts';
import type { TransportLimits } from '../limits.ts';
import { endpointUrl, type ResolvedHttpOptions } from './http-options.ts';
import { type ConnectionTerm, LaneConnection, type LaneShared } from './lane.ts';
import { LOAD_HEADER } from './node-exchange.ts';
import { createNodeHandler } from './node-handler.ts';
import { OriginGuard } from './origin-guard.ts';
import { NO_PAGES, type Pages } from './page.ts';

/** What an HTTP endpoint is made of. */
export interface HttpEndpointParts {
  readonly acceptor: Acceptor;
  readonly options: ResolvedHttpOptions;
  readonly limits: TransportLimits;
  readonly clock: Clock;
  readonly signals: EngineSignals;
  /** What is served besides the endpoint, by path. @default nothing */
  readonly pages?: Pages;
  /** @default the system's */
  readonly random?: Random;
  /** Share the port with other listeners, over which the kernel spreads connections. @default false */
  readonly reusePort?: boolean;
}

/** Ages of connections differ by so much of their limit, so that they do not end together. */
const AGE_JITTER = 0.2;

/** The HTTP endpoint: a listening socket, the lane on it, and `node:http` behind the lane. */
export class HttpEndpoint {
  readonly #parts: HttpEndpointParts;
  readonly #lane: LaneShared;
  readonly #listener: NetServer;
  readonly #http: HttpServer;
  readonly #connections = new Set<LaneConnection>();
  readonly #sockets = new Map<Socket, ConnectionTerm>();
  readonly #load: LoadMeter | undefined;
  #paths: readonly string[];
  #cancelSweep: CancelTimer | undefined;
  #cancelGrace: CancelTimer | undefined;
  #loadLine: string | undefined;

  constructor(parts: HttpEndpointParts) {
    const { options, limits, clock, acceptor, pages = NO_PAGES } = parts;
    const guard = new OriginGuard(options);
    this.#parts = parts;
    this.#paths = [options.path];
    this.#load = options.reportLoad ? createLoadMeter() : undefined;
    const isLast = (socket: Socket): boolean =>
      this.#lane.draining || this.#lane.tick >= (this.#sockets.get(socket)?.endsAt ?? 0);
    this.#lane = {
      clock,
      limits,
      acceptor,
      guard,
      requestLines: toRequestLines([options.path]),
      handOver: (socket, bytes) => this.#handOver(socket, bytes),
      commonHeaders: '',
      okHead: '',
      lastCommonHeaders: '',
      lastOkHead: '',
      tick: 0,
      draining: false,
      idleLimitMs: limits.idleTimeoutMs,
    };
    this.#http = createHttpServer({
      maxHeaderSize: limits.maxHeaderBytes,
      headersTimeout: limits.headerTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      keepAliveTimeout: limits.idleTimeoutMs,
      noDelay: true,
    });
    const loadLine = (): string | undefined => this.#loadLine;
    const endsAtOnce = (): boolean => this.#lane.draining && this.#lane.idleLimitMs === 0;
    const hasPath = (path: string): boolean => this.#paths.includes(path);
    this.#http.on(
      'request',
      createNodeHandler({ acceptor, guard, limits, clock, hasPath, pages, isLast, endsAtOnce, loadLine }),
    );
    const accept = (socket: Socket): void => this.#accept(socket);
    const settings = { allowHalfOpen: true, noDelay: true };
    this.#listener =
      options.tls === undefined
        ? createNetServer(settings, accept)
        : createTlsServer({ ...settings, ...options.tls }, accept);
    this.#listener.maxConnections = limits.maxConnections;
    this.#listener.on('drop', () => this.#signal('refused'));
    this.#listener.on('tlsClientError', () => {});
  }

  /** Open connections, those on `node:http` included. */
  get open(): number {
    return this.#sockets.size;
  }

  /**
   * Starts to listen.
   *
   * @returns The endpoint's URL, with the real port.
   * @throws {PeregrineError} `LISTEN_FAILED`: the address cannot be had; `cause` has the system's error.
   */
  async listen(): Promise<string> {
    const { options, clock, reusePort = false } = this.#parts;
    await new Promise<void>((resolve, reject) => {
      this.#listener.once('error', (error: NodeJS.ErrnoException) => reject(toListenError(error, options)));
      this.#listener.listen({ host: options.host, port: options.port, backlog: 4_096, reusePort }, resolve);
    });
    this.#listener.removeAllListeners('error');
    this.#listener.on('error', (error) => this.#parts.signals.fault.emit({ where: 'http listener', error }));
    this.#http.emit('listening'); // It never listens itself: this starts its checks of time limits.
    this.#sweep();
    this.#cancelSweep = clock.every(1_000, () => this.#sweep());
    return endpointUrl(options, (this.#listener.address() as AddressInfo).port);
  }

  /** Answers under these paths from now on, and no other: `head.path` tells which one a request is for. */
  serve(paths: readonly string[]): void {
    this.#paths = [...paths];
    this.#lane.requestLines = toRequestLines(paths);
  }

  /**
   * Stops accepting; connections end after the answers they are about, idle ones after a time of grace in which clients that
   * use theirs learn that it ends.
   */
  drain(idleGraceMs = 0): void {
    if (this.#lane.draining) return;
    this.#lane.draining = true;
    this.#listener.close();
    if (idleGraceMs > 0) this.#http.keepAliveTimeout = idleGraceMs;
    if (idleGraceMs === 0) this.#endIdle(0);
    else this.#cancelGrace = this.#parts.clock.after(idleGraceMs, () => this.#endIdle(idleGraceMs));
  }

  /** Ends a share of the open connections, 0 to 1, each after its next answer: their clients come back wherever there is room. */
  rebalance(share: number): void {
    const { random = systemRandom } = this.#parts;
    for (const term of this.#sockets.values()) if (random() < share) term.endsAt = 0;
  }

  /** @param idleGraceMs How long those that become idle from now on may be it. */
  #endIdle(idleGraceMs: number): void {
    this.#lane.idleLimitMs = idleGraceMs;
    for (const connection of this.#connections) if (connection.idle) connection.end();
    this.#http.closeIdleConnections();
    // Before version 26 Node.js leaves those open that never sent anything.
    if (this.#parts.options.lane) return;
    for (const socket of this.#sockets.keys()) if (socket.bytesRead === 0) socket.destroy();
  }

  /** Resolves when every connection has ended; those that remain after the deadline are cut. */
  async close(deadlineMs: number): Promise<void> {
    this.drain();
    if (this.#sockets.size > 0) {
      await new Promise<void>((resolve) => {
        const cancel = this.#parts.clock.after(deadlineMs, resolve);
        this.#whenEmpty = () => {
          cancel();
          resolve();
        };
      });
    }
    this.#cancelGrace?.();
    for (const connection of this.#connections) connection.destroy();
    for (const socket of this.#sockets.keys()) socket.destroy();
    this.#cancelSweep?.();
    this.#http.close(() => {}); // Ends the checks; its complaint that it does not listen is no news.
  }

  #whenEmpty: (() => void) | undefined;

  #accept(socket: Socket): void {
    const term = { endsAt: this.#lane.tick + this.#maxAgeTicks() };
    this.#sockets.set(socket, term);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      this.#signal('closed');
      if (this.#sockets.size === 0) this.#whenEmpty?.();
    });
    this.#signal('opened');
    if (this.#parts.options.lane)
      this.#connections.add(new LaneConnection(socket, this.#lane, term, (ended) => this.#connections.delete(ended)));
    else this.#http.emit('connection', socket);
  }

  /** How long a connection may be used, in ticks of a second. */
  #maxAgeTicks(): number {
    const { limits, random = systemRandom } = this.#parts;
    return Math.ceil((limits.maxConnectionAgeMs / 1_000) * (1 - AGE_JITTER * random()));
  }

  #handOver(socket: Socket, bytes: Buffer): void {
    this.#signal('handed-over');
    socket.unshift(bytes);
    this.#http.emit('connection', socket);
  }

  #sweep(): void {
    this.#lane.tick++;
    this.#refreshHeaders();
    for (const connection of this.#connections) connection.sweep();
  }

  #refreshHeaders(): void {
    const date = new Date(this.#parts.clock.wallNow()).toUTCString();
    const seconds = Math.floor(this.#parts.limits.idleTimeoutMs / 1_000);
    this.#loadLine = this.#load && toLoadLine(this.#load());
    const common = `Date: ${date}\r\n${this.#loadLine === undefined ? '' : `${LOAD_HEADER}: ${this.#loadLine}\r\n`}`;
    this.#lane.commonHeaders = `${common}Connection: keep-alive\r\nKeep-Alive: timeout=${seconds}\r\n`;
    this.#lane.lastCommonHeaders = `${common}Connection: close\r\n`;
    this.#lane.okHead = `${OK_HEAD}${this.#lane.commonHeaders}Content-Length: `;
    this.#lane.lastOkHead = `${OK_HEAD}${this.#lane.lastCommonHeaders}Content-Length: `;
  }

  #signal(kind: 'opened' | 'closed' | 'refused' | 'handed-over'): void {
    const { connection } = this.#parts.signals;
    if (connection.active) connection.emit({ kind, open: this.#sockets.size });
  }
}

function toRequestLines(paths: readonly string[]): string[] {
  return paths.map((path) => `POST ${path} HTTP/1.1\r\n`);
}

const OK_HEAD = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n';

function toLoadLine({ cpu, memory }: ReturnType<LoadMeter>): string {
  return `cpu=${cpu.toFixed(2)}, memory=${memory.toFixed(2)}`;
}

function toListenError(error: NodeJS.ErrnoException, options: ResolvedHttpOptions): PeregrineError {
  const address = `${options.host}:${options.port}`;
  const reasons: { readonly [code: string]: string } = {
    EADDRINUSE: `${address} is in use by another program`,
    EACCES: `${address} needs more rights than this process has`,
    EADDRNOTAVAIL: `${options.host} is not an address of this machine`,
    ENOTFOUND: `${options.host} is not a known host name`,
  };
  return new PeregrineError(
    'LISTEN_FAILED',
    reasons[error.code ?? ''] ?? `cannot listen on ${address}: ${error.message}`,
    { cause: error },
  );
}

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { FakeClock } from '../../src/testing/testing.ts';
import { resolveHttpOptions } from '../../src/transport/http/http-options.ts';
import { LaneConnection, type LaneShared } from '../../src/transport/http/lane.ts';
import { createNodeHandler } from '../../src/transport/http/node-handler.ts';
import { OriginGuard } from '../../src/transport/http/origin-guard.ts';
import { resolveTransportLimits } from '../../src/transport/limits.ts';
import { MemorySocket } from '../transport/memory-socket.ts';
import { type Later, Recorder } from './recorder.ts';

/** The path of the endpoint under test. */
export const PATH = '/mcp';
/** Limits of the endpoint under test: the real ones, but for a body limit that small inputs can exceed. */
export const LIMITS = resolveTransportLimits({ maxBodyBytes: 4_096 });
const GUARD = new OriginGuard(resolveHttpOptions({ path: PATH }));
const OPEN_GUARD = new OriginGuard(resolveHttpOptions({ path: PATH, allowedHosts: ['*'] }));
const CLOCK = new FakeClock();
/** So long that a few answers are more than may wait for a slow reader. */
const SLOW_PADDING_BYTES = 30_000;
const COMMON_HEADERS = 'Connection: keep-alive\r\n';

/** What `node:http` itself made of one request. */
export interface RawRequest {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly rawHeaders: readonly string[];
}

/** How one connection behaves. */
export interface ConnectionManner {
  readonly lane: boolean;
  /** Turns until the answer of each request, repeated; 0 answers at once. */
  readonly delays: readonly number[];
  /** Whether what the server writes is taken one turn later, and the server is told to wait early. */
  readonly slowReader: boolean;
  /** Whether the endpoint accepts every host name, as one does that listens on all addresses. */
  readonly anyHost: boolean;
}

/** One connection to the endpoint under test, and what came of it. */
export interface Probe {
  readonly socket: MemorySocket;
  readonly recorder: Recorder;
  readonly rawRequests: RawRequest[];
  /** Bytes that the lane gave to `node:http` in one piece; nothing while the lane keeps the connection. */
  handedOverBytes: number | undefined;
  /** Whether that happened after a delayed answer, and not when a piece arrived. */
  handedOverLate: boolean;
}

/** What decides when answers are given. */
export interface Schedule {
  /** Whether delayed answers are being given now. */
  readonly answering: boolean;
  /** Runs something some turns of the event loop later. */
  later(turns: number, run: () => void): void;
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/**
 * The HTTP endpoint put together as in `HttpEndpoint`, but for sockets without a network, so that a test can afford
 * hundreds of thousands of connections. Tests over real sockets hold the two to each other.
 */
export class MemoryEndpoint {
  readonly #schedule: Schedule;
  readonly #http: Server;
  readonly #handlers = new WeakMap<object, Handler>();

  constructor(schedule: Schedule) {
    this.#schedule = schedule;
    this.#http = createServer({
      maxHeaderSize: LIMITS.maxHeaderBytes,
      headersTimeout: LIMITS.headerTimeoutMs,
      requestTimeout: LIMITS.requestTimeoutMs,
      keepAliveTimeout: LIMITS.idleTimeoutMs,
    });
    this.#http.on('request', (request, response) => this.#handlers.get(request.socket)?.(request, response));
  }

  connect({ lane, delays, slowReader, anyHost }: ConnectionManner): Probe {
    const later: Later = (turns, run) => this.#schedule.later(turns, run);
    const slow = { writableHighWaterMark: 200, onWrite: (done: () => void) => later(1, done) };
    const socket = new MemorySocket(slowReader ? slow : {});
    const recorder = new Recorder(delays, later, slowReader ? SLOW_PADDING_BYTES : 0);
    const probe: Probe = { socket, recorder, rawRequests: [], handedOverBytes: undefined, handedOverLate: false };
    const guard = anyHost ? OPEN_GUARD : GUARD;
    const shared = {
      acceptor: recorder,
      guard,
      limits: LIMITS,
      clock: CLOCK,
      hasPath: (path: string) => path === PATH,
      pages: new Map(),
      isLast: () => false,
      endsAtOnce: () => false,
      loadLine: () => undefined,
    };
    const serve = createNodeHandler(shared);
    this.#handlers.set(socket, (request, response) => {
      probe.rawRequests.push({ method: request.method, url: request.url, rawHeaders: request.rawHeaders });
      serve(request, response);
    });
    if (lane) new LaneConnection(socket, this.#laneShared(probe, guard), { endsAt: 1 }, () => {});
    else this.#http.emit('connection', socket);
    return probe;
  }

  #laneShared(probe: Probe, guard: OriginGuard): LaneShared {
    return {
      clock: CLOCK,
      limits: LIMITS,
      guard,
      acceptor: probe.recorder,
      requestLines: [`POST ${PATH} HTTP/1.1\r\n`],
      commonHeaders: COMMON_HEADERS,
      okHead: `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n${COMMON_HEADERS}Content-Length: `,
      lastCommonHeaders: 'Connection: close\r\n',
      lastOkHead: 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: ',
      tick: 0,
      draining: false,
      idleLimitMs: LIMITS.idleTimeoutMs,
      handOver: (socket, bytes) => {
        probe.handedOverBytes = bytes.length;
        probe.handedOverLate = this.#schedule.answering;
        socket.unshift(bytes);
        this.#http.emit('connection', socket);
      },
    };
  }
}

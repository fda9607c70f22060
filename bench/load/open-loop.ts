import { type ConnectionOwner, LatencyHistogram, type LatencySummary, LoadConnection } from '../../src/load/load.ts';
import type { PreparedRequest, RequestSource } from './request-source.ts';

export interface OpenLoopOptions {
  /** @default '127.0.0.1' */
  readonly host?: string;
  readonly port: number;
  /** Connections over which requests go out; one that finds all of them busy waits here, and that counts as latency. */
  readonly connections: number;
  readonly source: RequestSource;
  readonly requestsPerSecond: number;
  readonly ms: number;
  /** An answer that comes later after the intended time of its request is of no use, in milliseconds. */
  readonly deadlineMs: number;
  /** Sent once over each connection before the run: servers accept few connections in a turn, and a busy one has few turns. */
  readonly greeting?: PreparedRequest;
  /** From 0 to 1, for the gaps between requests. @default Math.random */
  readonly random?: () => number;
}

export interface OpenLoopResult {
  /** Requests whose time came. */
  readonly intended: number;
  /** Answers with 200 within the deadline. */
  readonly inTime: number;
  /** Answers with 200. */
  readonly admitted: number;
  /** Answers with 503. */
  readonly shed: number;
  readonly errors: number;
  readonly errorSamples: readonly string[];
  /** Of what was admitted, from the intended time of each request. */
  readonly latency: LatencySummary;
}

interface TimedRequest extends PreparedRequest {
  readonly intendedMs: number;
}

const ERROR_SAMPLES = 5;
const TICK_MS = 1;
/** The intended time of a request that does not count. */
const GREETING = -1;

/** One connection, and the request under way on it. */
class Sender implements ConnectionOwner {
  readonly connection: LoadConnection;
  readonly #loop: OpenLoop;
  #intendedMs = GREETING;

  constructor(loop: OpenLoop, target: { readonly host: string; readonly port: number }) {
    this.#loop = loop;
    this.connection = new LoadConnection(this, { ...target, tls: undefined }, false);
  }

  /** Sends what waits, if something does. */
  send(nowMs: number): void {
    const request = this.#loop.next(this);
    if (request === undefined) return;
    this.#intendedMs = request.intendedMs;
    this.connection.send(request.bytes, nowMs);
  }

  connected({ isBusy }: LoadConnection): void {
    if (!isBusy) this.#loop.connected(this);
  }

  answered({ status }: LoadConnection, nowMs: number): void {
    this.#loop.answered(this.#intendedMs, status, nowMs);
    if (!this.#loop.isOver) this.send(nowMs);
  }

  failed(connection: LoadConnection, reason: string): void {
    this.#loop.failed(reason);
    if (!this.#loop.isOver) connection.open();
  }
}

/** Sends at times that do not depend on the answers: a server that is slow gets no fewer requests. */
class OpenLoop {
  readonly done: Promise<OpenLoopResult>;
  readonly #options: OpenLoopOptions;
  readonly #senders: Sender[] = [];
  readonly #idle: Sender[] = [];
  readonly #greeted = new Set<Sender>();
  readonly #waiting: TimedRequest[] = [];
  readonly #latency = new LatencyHistogram();
  readonly #errorSamples: string[] = [];
  #resolve: (result: OpenLoopResult) => void = () => {};
  #timer: NodeJS.Timeout | undefined;
  #missing: number;
  #startMs = 0;
  #nextMs = 0;
  isOver = false;
  #counts = { intended: 0, inTime: 0, admitted: 0, shed: 0, errors: 0 };

  constructor(options: OpenLoopOptions) {
    this.#options = options;
    this.#missing = options.connections;
    this.done = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  start(): void {
    const { host = '127.0.0.1', port, connections } = this.#options;
    for (let count = 0; count < connections; count++) this.#senders.push(new Sender(this, { host, port }));
    for (const { connection } of this.#senders) connection.open();
  }

  connected(sender: Sender): void {
    if (this.#missing > 0 && this.#options.greeting !== undefined) {
      sender.send(performance.now());
      return;
    }
    this.#idle.push(sender);
    if (this.#missing > 0) this.#ready();
  }

  #ready(): void {
    if (--this.#missing > 0) return;
    this.#startMs = performance.now();
    this.#nextMs = this.#startMs;
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  next(sender: Sender): TimedRequest | undefined {
    const { greeting } = this.#options;
    if (this.#missing > 0 && greeting !== undefined && !this.#greeted.has(sender)) {
      this.#greeted.add(sender);
      return { ...greeting, intendedMs: GREETING } as TimedRequest;
    }
    const request = this.#waiting.shift();
    if (request === undefined) this.#idle.push(sender);
    return request;
  }

  answered(intendedMs: number, status: number, nowMs: number): void {
    if (intendedMs === GREETING) return this.#ready();
    const tookMs = nowMs - intendedMs;
    if (status === 503) this.#counts.shed++;
    else if (status === 200) {
      this.#counts.admitted++;
      this.#latency.record(tookMs * 1e6);
      if (tookMs <= this.#options.deadlineMs) this.#counts.inTime++;
    } else this.failed(`status ${status}`);
  }

  failed(reason: string): void {
    this.#counts.errors++;
    if (this.#errorSamples.length < ERROR_SAMPLES) this.#errorSamples.push(reason);
  }

  /** Requests whose times have come, the gaps between them as those of many independent clients. */
  #tick(): void {
    const { requestsPerSecond, ms, deadlineMs, source, random = Math.random } = this.#options;
    const now = performance.now();
    const endMs = this.#startMs + ms;
    while (this.#nextMs <= now && this.#nextMs < endMs) {
      this.#waiting.push({ ...source(), intendedMs: this.#nextMs });
      this.#counts.intended++;
      this.#nextMs += (-Math.log(1 - random()) * 1_000) / requestsPerSecond;
    }
    while (this.#waiting.length > 0 && this.#idle.length > 0) this.#idle.shift()?.send(now);
    if (now >= endMs + deadlineMs) this.#finish();
  }

  #finish(): void {
    this.isOver = true;
    clearInterval(this.#timer);
    for (const { connection } of this.#senders) connection.close();
    this.#resolve({ ...this.#counts, errorSamples: this.#errorSamples, latency: this.#latency.summary() });
  }
}

/** Sends requests at a rate for a time, and waits for the answers until the deadline of the last has passed. */
export function runOpenLoop(options: OpenLoopOptions): Promise<OpenLoopResult> {
  const loop = new OpenLoop(options);
  loop.start();
  return loop.done;
}

import { type ConnectionOwner, LatencyHistogram, type LatencySummary, LoadConnection } from '../../src/load/load.ts';
import type { PreparedRequest, RequestSource } from './request-source.ts';

/** A phase ends with the first limit reached. */
export interface PhaseLimit {
  /** @default unlimited */
  readonly requests?: number;
  /** In milliseconds. @default unlimited */
  readonly ms?: number;
}

export interface LoadOptions {
  /** @default '127.0.0.1' */
  readonly host?: string;
  readonly port: number;
  /** Kept-alive connections, each with one request under way. */
  readonly connections: number;
  readonly source: RequestSource;
  /** Not counted. @default none */
  readonly warmUp?: PhaseLimit;
  readonly measured: PhaseLimit;
  /** @default 200 */
  readonly expectedStatus?: number;
  /** Sees every answer with its body, and returns what is wrong with it. Costs much: not for a measurement. */
  readonly checkAnswer?: (request: PreparedRequest, status: number, body: string) => string | undefined;
  /** Called at the start and at the end of the measured phase, e.g. to read the server's CPU time. */
  readonly onMeasured?: (edge: 'start' | 'end') => void;
  /** Failed requests after which the run gives up. @default 100 */
  readonly maxErrors?: number;
  /** Longest time without any answer, in milliseconds, before the run gives up. @default 10_000 */
  readonly stallMs?: number;
}

export interface LoadResult {
  /** Answers in the measured phase, wrong ones included. */
  readonly requests: number;
  /** Failed connections and wrong answers, in both phases. */
  readonly errors: number;
  /** The first few, in words. */
  readonly errorSamples: readonly string[];
  /** Why the run ended before its limits. */
  readonly aborted: string | undefined;
  readonly warmUpRequests: number;
  readonly elapsedMs: number;
  readonly requestsPerSecond: number;
  readonly bodyBytes: number;
  readonly latency: LatencySummary;
}

const ERROR_SAMPLES = 5;

function limitOf(limit: PhaseLimit | undefined, fallback: number): Required<PhaseLimit> {
  if (limit === undefined) return { requests: fallback, ms: fallback };
  return { requests: limit.requests ?? Number.POSITIVE_INFINITY, ms: limit.ms ?? Number.POSITIVE_INFINITY };
}

/** A connection, and the request under way on it. */
class Sender {
  readonly connection: LoadConnection;
  request: PreparedRequest | undefined;

  constructor(loop: ClosedLoop, port: number, host: string, keepsBodies: boolean) {
    const owner: ConnectionOwner = {
      connected: ({ isBusy }) => {
        if (!isBusy) loop.connected(this);
      },
      answered: (connection, nowMs) => loop.answered(this, connection, nowMs),
      failed: (_connection, reason) => loop.failed(this, reason),
    };
    this.connection = new LoadConnection(owner, { host, port, tls: undefined }, keepsBodies);
  }

  send(request: PreparedRequest, nowMs: number): void {
    this.request = request;
    this.connection.send(request.bytes, nowMs);
  }
}

class ClosedLoop {
  readonly done: Promise<LoadResult>;
  readonly #options: LoadOptions;
  readonly #expectedStatus: number;
  readonly #warmUp: Required<PhaseLimit>;
  readonly #measured: Required<PhaseLimit>;
  readonly #senders: Sender[] = [];
  readonly #latency = new LatencyHistogram();
  readonly #errorSamples: string[] = [];
  #resolve: (result: LoadResult) => void = () => {};
  #watchdog: NodeJS.Timeout | undefined;
  #phase: 'connecting' | 'warmUp' | 'measured' | 'over' = 'connecting';
  #waiting: number;
  #answers = 0;
  #warmUpAnswers = 0;
  #bodyBytes = 0;
  #errors = 0;
  #phaseStartMs = 0;
  #lastAnswerMs = performance.now();

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#expectedStatus = options.expectedStatus ?? 200;
    this.#warmUp = limitOf(options.warmUp, 0);
    this.#measured = limitOf(options.measured, 0);
    if (this.#measured.requests === Infinity && this.#measured.ms === Infinity) {
      throw new RangeError('measured: needs a limit, requests or ms');
    }
    this.#waiting = options.connections;
    this.done = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  start(): void {
    const { connections, host = '127.0.0.1', port, checkAnswer, stallMs = 10_000 } = this.#options;
    const keepsBodies = checkAnswer !== undefined;
    for (let i = 0; i < connections; i++) this.#senders.push(new Sender(this, port, host, keepsBodies));
    for (const { connection } of this.#senders) connection.open();
    this.#watchdog = setInterval(
      () => {
        if (performance.now() - this.#lastAnswerMs > stallMs) this.#finish(`no answer for ${stallMs} ms`);
      },
      Math.min(1_000, stallMs / 2),
    );
  }

  connected(connected: Sender): void {
    const nowMs = performance.now();
    if (this.#phase !== 'connecting') return this.#send(connected, nowMs);
    if (--this.#waiting > 0) return;
    this.#phase = 'warmUp';
    this.#phaseStartMs = nowMs;
    if (this.#warmUp.requests <= 0 || this.#warmUp.ms <= 0) this.#beginMeasured();
    for (const sender of this.#senders) this.#send(sender, nowMs);
  }

  #send(sender: Sender, nowMs: number): void {
    if (this.#phase !== 'over') sender.send(this.#options.source(), nowMs);
  }

  answered(sender: Sender, connection: LoadConnection, nowMs: number): void {
    this.#judge(sender, connection, nowMs);
    this.#send(sender, nowMs);
  }

  #judge({ request }: Sender, connection: LoadConnection, nowMs: number): void {
    this.#lastAnswerMs = nowMs;
    const wrong = this.#check(request as PreparedRequest, connection);
    if (wrong !== undefined) this.#note(wrong);
    this.#answers++;
    if (this.#phase === 'measured') {
      this.#latency.record((nowMs - connection.sentMs) * 1e6);
      this.#bodyBytes += connection.bodyBytes;
      if (this.#answers >= this.#measured.requests || nowMs - this.#phaseStartMs >= this.#measured.ms) this.#finish();
    } else if (this.#phase === 'warmUp') {
      if (this.#answers >= this.#warmUp.requests || nowMs - this.#phaseStartMs >= this.#warmUp.ms)
        this.#beginMeasured();
    }
  }

  failed({ connection }: Sender, reason: string): void {
    this.#note(reason);
    if (this.#phase !== 'over') connection.open();
  }

  #check(request: PreparedRequest, connection: LoadConnection): string | undefined {
    const { status, bodyBytes } = connection;
    if (status !== this.#expectedStatus) return `status ${status}`;
    if (request.expectedBodyBytes >= 0 && bodyBytes !== request.expectedBodyBytes) {
      return `body of ${bodyBytes} bytes instead of ${request.expectedBodyBytes}`;
    }
    return this.#options.checkAnswer?.(request, status, connection.body().toString());
  }

  #note(reason: string): void {
    this.#errors++;
    if (this.#errorSamples.length < ERROR_SAMPLES) this.#errorSamples.push(reason);
    if (this.#errors > (this.#options.maxErrors ?? 100)) this.#finish('too many errors');
  }

  #beginMeasured(): void {
    this.#warmUpAnswers = this.#answers;
    this.#answers = 0;
    this.#options.onMeasured?.('start');
    this.#phase = 'measured';
    this.#phaseStartMs = performance.now();
  }

  #finish(aborted?: string): void {
    if (this.#phase === 'over') return;
    const elapsedMs = this.#phase === 'measured' ? performance.now() - this.#phaseStartMs : 0;
    if (this.#phase === 'measured') this.#options.onMeasured?.('end');
    this.#phase = 'over';
    clearInterval(this.#watchdog);
    for (const { connection } of this.#senders) connection.close();
    const requests = elapsedMs > 0 ? this.#answers : 0;
    this.#resolve({
      requests,
      errors: this.#errors,
      errorSamples: this.#errorSamples,
      aborted,
      warmUpRequests: this.#warmUpAnswers,
      elapsedMs,
      requestsPerSecond: elapsedMs > 0 ? (requests * 1_000) / elapsedMs : 0,
      bodyBytes: this.#bodyBytes,
      latency: this.#latency.summary(),
    });
  }
}

/** Runs one closed loop to its end. Resolves even when the server fails: see `errors` and `aborted`. */
export function runLoad(options: LoadOptions): Promise<LoadResult> {
  const loop = new ClosedLoop(options);
  loop.start();
  return loop.done;
}

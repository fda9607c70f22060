import { onTestFinished } from 'vitest';
import { createEngineSignals, type EngineSignals } from '../../src/signal/signal.ts';
import { FakeClock } from '../../src/testing/testing.ts';
import type { Acceptor, Exchange, MessageConnection } from '../../src/transport/exchange.ts';
import { resolveHttpOptions } from '../../src/transport/http/http-options.ts';
import { HttpEndpoint } from '../../src/transport/http/http-server.ts';
import { NO_PAGES, type Pages } from '../../src/transport/http/page.ts';
import { resolveTransportLimits, type TransportLimits } from '../../src/transport/limits.ts';
import { RawClient } from './raw-client.ts';

/** One request that a {@link TestAcceptor} took. */
export interface Taken {
  readonly method: string;
  readonly body: string;
  readonly exchange: Exchange;
}

/** A server behind a transport whose answers the test gives. */
export class TestAcceptor implements Acceptor {
  readonly taken: Taken[] = [];
  readonly #answer: (taken: Taken) => void;
  #waiting: (() => void)[] = [];

  /** @param answer What becomes of each request; by default the test answers by hand. */
  constructor(answer: (taken: Taken) => void = () => {}) {
    this.#answer = answer;
  }

  post(exchange: Exchange, body: string): void {
    this.#take({ method: 'POST', body, exchange });
  }

  other(exchange: Exchange, method: string): void {
    this.#take({ method, body: '', exchange });
  }

  connect(): MessageConnection {
    throw new Error('not used over HTTP');
  }

  /** Resolves with the request of that number, counted from 0, when it has come. */
  async request(index: number): Promise<Taken> {
    while (this.taken.length <= index) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return this.taken[index] as Taken;
  }

  #take(taken: Taken): void {
    this.taken.push(taken);
    this.#answer(taken);
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }
}

/** Answers a post with its own body, and everything else with 405. */
export function echo({ method, body, exchange }: Taken): void {
  if (method === 'POST') exchange.respond(200, body);
  else exchange.respond(405, '', undefined, [['Allow', 'POST']]);
}

/** What a test can change of its endpoint. */
export interface TestEndpointOptions {
  readonly http?: Record<string, unknown>;
  readonly limits?: Partial<TransportLimits>;
  /** By default a post is answered with its own body. */
  readonly acceptor?: Acceptor;
  readonly random?: () => number;
  readonly pages?: Pages;
}

/** A real endpoint on a free port of loopback, with a clock that the test moves. */
export interface TestEndpoint {
  readonly endpoint: HttpEndpoint;
  readonly port: number;
  readonly url: string;
  readonly clock: FakeClock;
  readonly signals: EngineSignals;
  readonly limits: TransportLimits;
  /** Opens a connection that is broken at the end of the test. */
  client(ca?: string): Promise<RawClient>;
}

/** Starts an endpoint that is closed at the end of the test. */
export async function startEndpoint(options: TestEndpointOptions = {}): Promise<TestEndpoint> {
  const acceptor = options.acceptor ?? new TestAcceptor(echo);
  const clock = new FakeClock();
  const signals = createEngineSignals();
  const limits = resolveTransportLimits(options.limits);
  const http = resolveHttpOptions({ port: 0, ...options.http });
  const { random, pages = NO_PAGES } = options;
  const parts = { acceptor, clock, signals, limits, pages, options: http };
  const endpoint = new HttpEndpoint({ ...parts, ...(random && { random }) });
  const url = await endpoint.listen();
  const port = Number(new URL(url).port);
  const clients: RawClient[] = [];
  onTestFinished(async () => {
    for (const client of clients) client.break();
    const closing = endpoint.close(0);
    clock.advance(0);
    await closing;
  });
  const client = async (ca?: string): Promise<RawClient> => {
    const opened = await RawClient.open(port, ca === undefined ? {} : { ca });
    clients.push(opened);
    return opened;
  };
  return { endpoint, port, url, clock, signals, limits, client };
}

/** The bytes of a post to the endpoint. */
export function post(body: string, fields: Readonly<Record<string, string>> = {}): string {
  const all = {
    Host: '127.0.0.1',
    'Content-Type': 'application/json',
    'Content-Length': String(Buffer.byteLength(body)),
    ...fields,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `POST /mcp HTTP/1.1\r\n${lines.join('')}\r\n${body}`;
}

/** The bytes of a request without a body. */
export function bare(method: string, path = '/mcp', fields: Readonly<Record<string, string>> = {}): string {
  const lines = Object.entries({ Host: '127.0.0.1', ...fields }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`;
}

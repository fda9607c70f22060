import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { HttpPool, HttpPoolError, type HttpPoolOptions } from '../../../src/pool/pool.ts';

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

export interface TestServer {
  readonly url: string;
  readonly port: number;
  readonly server: Server;
  /** Open connections. */
  readonly sockets: ReadonlySet<Socket>;
  /** Connections since the start, and the most at the same time. */
  readonly counts: { opened: number; peak: number; requests: number };
  /** Answers from now on. */
  answer: Answer;
}

/** A server on a free port that ends with the test. */
export async function startServer(answer: Answer, host = '127.0.0.1'): Promise<TestServer> {
  const sockets = new Set<Socket>();
  const counts = { opened: 0, peak: 0, requests: 0 };
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    counts.requests++;
    test.answer(request, response);
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    counts.opened++;
    counts.peak = Math.max(counts.peak, sockets.size);
    socket.on('close', () => sockets.delete(socket)).on('error', () => {});
  });
  server.listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const test = { url: `http://127.0.0.1:${port}`, port, server, sockets, counts, answer };
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return test;
}

/** A pool that is closed with the test. */
export function poolWith(options: HttpPoolOptions = {}): HttpPool {
  const pool = new HttpPool({ maxSockets: 8, closeTimeout: 0, ...options });
  onTestFinished(() => pool.close());
  return pool;
}

/** An answer that is given when the test says so. */
export class Held {
  readonly #waiting: ServerResponse[] = [];
  #arrived: (() => void) | undefined;

  readonly answer: Answer = (_request, response) => {
    this.#waiting.push(response);
    this.#arrived?.();
  };

  get count(): number {
    return this.#waiting.length;
  }

  async arrived(count: number): Promise<void> {
    while (this.#waiting.length < count) {
      await new Promise<void>((resolve) => {
        this.#arrived = resolve;
      });
    }
  }

  release(text = 'ok'): void {
    for (const response of this.#waiting.splice(0)) response.end(text);
  }
}

/** The pool's error that a call failed with. */
export async function failureOf(call: Promise<unknown>): Promise<HttpPoolError> {
  try {
    await call;
  } catch (error) {
    if (error instanceof HttpPoolError) return error;
    throw error;
  }
  throw new Error('the call did not fail');
}

/** A turn of the event loop, so that sockets and parsers can do what they are about to. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

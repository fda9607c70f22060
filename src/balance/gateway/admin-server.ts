import { createServer, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, isIPv6 } from 'node:net';
import { PeregrineError, toMessage } from '../../kernel/errors.ts';

export interface AdminParts {
  readonly isReady: () => boolean;
  readonly statistics: () => object;
  /** Writes metrics for whoever accepts what. @default none are served */
  readonly metrics?: ((accept: string | undefined) => ExposedMetrics) | undefined;
}

export interface ExposedMetrics {
  readonly text: string;
  readonly contentType: string;
}

/** Tells operators and orchestrators how the gateway does: `/livez`, `/readyz`, `/statistics` and `/metrics`. */
export class AdminServer {
  readonly #address: { readonly host: string; readonly port: number };
  readonly #server: Server;

  constructor(address: { readonly host: string; readonly port: number }, { isReady, statistics, metrics }: AdminParts) {
    this.#address = address;
    this.#server = createServer((request, response) => {
      const path = (request.url ?? '').split('?', 1)[0];
      if (request.method !== 'GET') answer(response, 405, { error: 'Method not allowed' });
      else if (path === '/livez') answer(response, 200, { status: 'ok' });
      else if (path === '/readyz') answer(response, isReady() ? 200 : 503, { status: isReady() ? 'ok' : 'not ready' });
      else if (path === '/statistics') answer(response, 200, statistics());
      else if (path === '/metrics' && metrics !== undefined) write(response, 200, metrics(request.headers.accept));
      else answer(response, 404, { error: 'Not found' });
    });
    this.#server.on('error', () => {}); // One that comes while it listens ends no call; `listen` has its own listener.
  }

  /** @throws {PeregrineError} `LISTEN_FAILED` */
  async listen(): Promise<string> {
    const { host, port } = this.#address;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (cause) => {
        reject(
          new PeregrineError('LISTEN_FAILED', `admin: cannot listen on ${host}:${port}: ${toMessage(cause)}`, {
            cause,
          }),
        );
      });
      this.#server.listen({ host, port }, resolve);
    });
    const bound = this.#server.address() as AddressInfo;
    return `http://${isIPv6(host) ? `[${host}]` : host}:${bound.port}`;
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }
}

function answer(response: ServerResponse, status: number, body: object): void {
  write(response, status, { text: `${JSON.stringify(body)}\n`, contentType: 'application/json' });
}

function write(response: ServerResponse, status: number, { text, contentType }: ExposedMetrics): void {
  response.writeHead(status, { 'Content-Type': contentType, 'Cache-Control': 'no-store' });
  response.end(text);
}

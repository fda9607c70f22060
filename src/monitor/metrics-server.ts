import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Access } from './access.ts';
import { expose } from './exposition.ts';
import type { HealthReport } from './health.ts';
import type { MetricSnapshot } from './metric-family.ts';
import { listenOutlet, type OutletState } from './outlet.ts';

/** What is served, and to whom. */
export interface MetricsServerParts {
  readonly access: Access;
  readonly port: number;
  readonly snapshot: () => MetricSnapshot;
  readonly health: () => Promise<HealthReport>;
  /** Told of what fails while a request is answered. */
  readonly onFault: (error: unknown) => void;
}

interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
  readonly headers?: { readonly [name: string]: string };
}

const MAX_CONNECTIONS = 100;
const REQUEST_TIMEOUT_MS = 5_000;

/** Serves `/metrics` to those who may read them, and `/livez` and `/readyz` to everybody. */
export class MetricsServer {
  readonly #parts: MetricsServerParts;
  readonly #server: Server;

  constructor(parts: MetricsServerParts) {
    this.#parts = parts;
    const settings = { requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS, maxHeaderSize: 8_192 };
    this.#server = createServer(settings, (request, response) => void this.#serve(request, response));
    this.#server.maxConnections = MAX_CONNECTIONS;
  }

  /** Listens, or says what keeps it from that. Never throws. */
  listen(): Promise<OutletState> {
    const { access, port } = this.#parts;
    return listenOutlet('metrics', this.#server, { host: access.host, port });
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { status, contentType, text, headers } = await this.#answer(request).catch((error: unknown) => {
      this.#parts.onFault(error);
      return plain(500, 'internal error');
    });
    response.writeHead(status, {
      'Content-Type': contentType,
      'Content-Length': Buffer.byteLength(text),
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
      ...headers,
    });
    response.end(text); // To HEAD only the headers go.
  }

  async #answer({ method, url = '', headers }: IncomingMessage): Promise<Answer> {
    const [path] = url.split('?', 1);
    if (path !== '/metrics' && path !== '/livez' && path !== '/readyz') return plain(404, 'not found');
    if (method !== 'GET' && method !== 'HEAD') return plain(405, 'only GET and HEAD', { Allow: 'GET, HEAD' });
    if (path === '/livez') return plain(200, 'ok');
    const { access, snapshot, health } = this.#parts;
    if (path === '/readyz') {
      const report = await health();
      const status = report.status === 'ready' ? 200 : 503;
      return { status, contentType: 'application/json', text: `${JSON.stringify(report)}\n` };
    }
    if (access.allows(headers)) return { status: 200, ...expose(snapshot(), headers.accept) };
    return access.needsToken
      ? plain(401, 'a token is needed', { 'WWW-Authenticate': 'Bearer' })
      : plain(403, 'only for this machine, by the name of localhost');
  }
}

function plain(status: number, text: string, headers: Answer['headers'] = {}): Answer {
  return { status, contentType: 'text/plain; charset=utf-8', text: `${text}\n`, headers };
}

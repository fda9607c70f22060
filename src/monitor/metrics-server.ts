import type { IncomingMessage } from 'node:http';
import { expose } from './exposition.ts';
import type { HealthReport } from './health.ts';
import type { MetricSnapshot } from './metric-family.ts';
import type { OutletState } from './outlet.ts';
import { type OutletAnswer, type OutletParts, OutletServer, plain } from './outlet-server.ts';

/** What is served, and to whom. */
export interface MetricsServerParts extends OutletParts {
  readonly snapshot: () => MetricSnapshot;
  readonly health: () => Promise<HealthReport>;
}

/** Serves `/metrics` to those who may read them, and `/livez` and `/readyz` to everybody. */
export class MetricsServer {
  readonly #parts: MetricsServerParts;
  readonly #outlet: OutletServer;

  constructor(parts: MetricsServerParts) {
    this.#parts = parts;
    this.#outlet = new OutletServer(parts, (request) => this.#answer(request));
  }

  /** Listens, or says what keeps it from that. Never throws. */
  listen(): Promise<OutletState> {
    return this.#outlet.listen('metrics');
  }

  close(): Promise<void> {
    return this.#outlet.close();
  }

  async #answer({ method, url = '', headers }: IncomingMessage): Promise<OutletAnswer> {
    const [path] = url.split('?', 1);
    if (path !== '/metrics' && path !== '/livez' && path !== '/readyz') return plain(404, 'not found');
    if (method !== 'GET' && method !== 'HEAD') return plain(405, 'only GET and HEAD', { Allow: 'GET, HEAD' });
    if (path === '/livez') return plain(200, 'ok');
    const { access, snapshot, health } = this.#parts;
    if (path === '/readyz') {
      const report = await health();
      const status = report.status === 'ready' ? 200 : 503;
      return { status, contentType: 'application/json', body: `${JSON.stringify(report)}\n` };
    }
    if (access.allows(headers)) {
      const { text, contentType } = expose(snapshot(), headers.accept);
      return { status: 200, contentType, body: text };
    }
    return access.needsToken
      ? plain(401, 'a token is needed', { 'WWW-Authenticate': 'Bearer' })
      : plain(403, 'only for this machine, by the name of localhost');
  }
}

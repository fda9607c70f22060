import { createHash } from 'node:crypto';
import type { CircuitOptions } from '../../breaker/breaker.ts';
import type { Endpoint } from '../sources/endpoint-source.ts';
import type { Upstream } from '../upstream/upstream-call.ts';
import { BackendCircuits } from './circuits.ts';

/** One replica: its connections, and what is known of its failures. */
export class Backend {
  readonly id: string;
  /** What clients' session ids call it: the same in every gateway, and no address. */
  readonly alias: string;
  readonly url: string;
  readonly host: string | undefined;
  readonly path: string;
  readonly upstream: Upstream;
  readonly circuits: BackendCircuits;

  constructor(endpoint: Endpoint, upstream: Upstream, breaker: CircuitOptions) {
    const { pathname, search } = new URL(endpoint.url);
    this.id = endpoint.id;
    this.alias = createHash('sha256').update(endpoint.id).digest('base64url').slice(0, 16);
    this.url = endpoint.url;
    this.host = endpoint.host;
    this.path = pathname + search;
    this.upstream = upstream;
    this.circuits = new BackendCircuits({ ...breaker, name: endpoint.id });
  }

  isAt({ url, host }: Endpoint): boolean {
    return url === this.url && host === this.host;
  }
}

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Access } from './access.ts';
import { listenOutlet, type OutletState } from './outlet.ts';

/** What all outlets are told. */
export interface OutletParts {
  readonly access: Access;
  readonly port: number;
  /** Told of what fails while a request is answered. */
  readonly onFault: (error: unknown) => void;
}

/** What an outlet answers; to HEAD only the headers go. */
export interface OutletAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string | Buffer;
  readonly headers?: { readonly [name: string]: string };
}

const MAX_CONNECTIONS = 100;
const REQUEST_TIMEOUT_MS = 5_000;
const SETTINGS = {
  requestTimeout: REQUEST_TIMEOUT_MS,
  headersTimeout: REQUEST_TIMEOUT_MS,
  maxHeaderSize: 8_192,
};

/** An HTTP server of the monitor: few connections, short requests, and no fault of it ends the process. */
export class OutletServer {
  /** For what is no request, such as an upgrade. */
  readonly server: Server;
  readonly #parts: OutletParts;

  constructor(parts: OutletParts, answer: (request: IncomingMessage) => Promise<OutletAnswer>) {
    this.#parts = parts;
    this.server = createServer(SETTINGS, (request, response) => {
      void answer(request)
        .catch((error: unknown) => {
          parts.onFault(error);
          return plain(500, 'internal error');
        })
        .then((answered) => send(response, answered));
    });
    this.server.maxConnections = MAX_CONNECTIONS;
  }

  /** Listens, or says what keeps it from that. Never throws. */
  listen(name: OutletState['name']): Promise<OutletState> {
    const { access, port } = this.#parts;
    return listenOutlet(name, this.server, { host: access.host, port });
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.server.close(() => resolve());
      this.server.closeAllConnections();
    });
  }
}

/** An answer of one line. */
export function plain(status: number, text: string, headers: OutletAnswer['headers'] = {}): OutletAnswer {
  return { status, contentType: 'text/plain; charset=utf-8', body: `${text}\n`, headers };
}

function send(response: ServerResponse, { status, contentType, body, headers }: OutletAnswer): void {
  response.writeHead(status, {
    'Content-Type': contentType,
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    ...headers,
  });
  response.end(body);
}

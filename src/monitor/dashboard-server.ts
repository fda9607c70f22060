import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Clock } from '../kernel/clock.ts';
import type { Access } from './access.ts';
import type { LiveSockets } from './adapter/live-sockets.ts';
import { type DashboardFile, readDashboard } from './dashboard-files.ts';
import { loginPage, readToken, sessionOf, setSession } from './dashboard-login.ts';
import type { LiveFeed } from './live-feed.ts';
import { listenOutlet, type OutletState } from './outlet.ts';

/** What is shown, and to whom. */
export interface DashboardServerParts {
  readonly access: Access;
  readonly port: number;
  readonly feed: LiveFeed;
  readonly clock: Clock;
  /** Told of what fails while a request is answered. */
  readonly onFault: (error: unknown) => void;
  /** @default the built page */
  readonly files?: ReadonlyMap<string, DashboardFile>;
}

interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string | Buffer;
  readonly headers?: { readonly [name: string]: string };
}

interface Refusal {
  readonly status: number;
  readonly text: string;
}

const MAX_CONNECTIONS = 100;
const REQUEST_TIMEOUT_MS = 5_000;
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
  "form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
const HEADERS = {
  'Content-Security-Policy': POLICY,
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
};

/** Serves the dashboard's page, and at `/live` what it shows. */
export class DashboardServer {
  readonly #parts: DashboardServerParts;
  readonly #files: ReadonlyMap<string, DashboardFile>;
  #sockets: LiveSockets | undefined;
  readonly #server: Server;

  constructor(parts: DashboardServerParts) {
    this.#parts = parts;
    this.#files = parts.files ?? readDashboard();
    const settings = { requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS, maxHeaderSize: 8_192 };
    this.#server = createServer(settings, (request, response) => void this.#serve(request, response));
    this.#server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
    this.#server.maxConnections = MAX_CONNECTIONS;
  }

  /** Listens, or says what keeps it from that. Never throws. */
  async listen(): Promise<OutletState> {
    const { access, port, feed, clock } = this.#parts;
    // Servers without a dashboard start sooner without it.
    const { LiveSockets: Sockets } = await import('./adapter/live-sockets.ts');
    this.#sockets = new Sockets({ clock, attach: (client, since) => feed.attach(client, since) });
    return listenOutlet('dashboard', this.#server, { host: access.host, port });
  }

  close(): Promise<void> {
    this.#sockets?.close();
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { status, contentType, body, headers } = await this.#answer(request).catch((error: unknown) => {
      this.#parts.onFault(error);
      return plain(500, 'internal error');
    });
    response.writeHead(status, {
      ...HEADERS,
      'Content-Type': contentType,
      'Content-Length': Buffer.byteLength(body),
      'Cache-Control': 'no-store',
      ...headers,
    });
    response.end(body); // To HEAD only the headers go.
  }

  async #answer(request: IncomingMessage): Promise<Answer> {
    const { method = '', headers } = request;
    const { access } = this.#parts;
    const { pathname, searchParams } = toUrl(request);
    if (access.needsToken && pathname === '/login' && method === 'POST')
      return this.#login(await readToken(request).catch(() => ''));
    if (method !== 'GET' && method !== 'HEAD') return plain(405, 'only GET and HEAD', { Allow: 'GET, HEAD' });
    const token = searchParams.get('token');
    if (access.needsToken && token !== null) return this.#login(token);
    const refusal = this.#refuses(headers);
    if (refusal?.status === 401) return page(401, loginPage());
    if (refusal !== undefined) return plain(refusal.status, refusal.text);
    const file = this.#files.get(pathname);
    if (file !== undefined) return fileAnswer(file);
    if (pathname === '/login') return redirect();
    return pathname === '/' ? plain(503, 'the dashboard is not built: npm run build') : plain(404, 'not found');
  }

  /** The right token becomes a cookie, and leaves the address. */
  #login(token: string): Answer {
    const { access } = this.#parts;
    if (!access.isToken(token)) return page(401, loginPage('That is not the token.'));
    return redirect({ 'Set-Cookie': setSession(access.session ?? '') });
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy());
    const { pathname, searchParams } = toUrl(request);
    const refusal = pathname === '/live' ? this.#refusesLive(request) : { status: 404, text: 'Not Found' };
    if (refusal !== undefined) {
      socket.end(`HTTP/1.1 ${refusal.status} ${refusal.text}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    const since = Number(searchParams.get('since') ?? 0);
    this.#sockets?.accept(request, socket, head, Number.isFinite(since) ? since : 0);
  }

  #refusesLive({ headers }: IncomingMessage): Refusal | undefined {
    // Browsers let any page open a WebSocket anywhere, and say truly which page it was.
    if (headers.origin !== undefined && !isOwn(headers.origin, headers.host)) return { status: 403, text: 'Forbidden' };
    return this.#refuses(headers) ?? (this.#sockets?.isFull ? { status: 503, text: 'Too Many Clients' } : undefined);
  }

  #refuses(headers: IncomingMessage['headers']): Refusal | undefined {
    const { access } = this.#parts;
    if (access.allows(headers)) return undefined;
    if (!access.needsToken) return { status: 403, text: 'only for this machine, by the name of localhost' };
    const session = sessionOf(headers.cookie);
    return session !== undefined && access.isSession(session) ? undefined : { status: 401, text: 'Unauthorized' };
  }
}

function toUrl({ url = '/' }: IncomingMessage): { readonly pathname: string; readonly searchParams: URLSearchParams } {
  const [pathname = '/', query] = url.split('?', 2);
  return { pathname, searchParams: new URLSearchParams(query) };
}

/** Whether an origin is that of the pages that are served under this name. */
function isOwn(origin: string, host = ''): boolean {
  const { protocol, host: ofPage } = URL.parse(origin) ?? {};
  return ofPage !== undefined && ofPage !== '' && ofPage === URL.parse(`${protocol}//${host}`)?.host;
}

function fileAnswer({ contentType, bytes, isHashed }: DashboardFile): Answer {
  const caching = isHashed ? 'private, max-age=31536000, immutable' : 'no-cache';
  return { status: 200, contentType, body: bytes, headers: { 'Cache-Control': caching } };
}

function page(status: number, body: string): Answer {
  return { status, contentType: 'text/html; charset=utf-8', body };
}

/** To the page itself; relative, since it may be served below a path. */
function redirect(headers: Answer['headers'] = {}): Answer {
  return { status: 303, contentType: 'text/plain; charset=utf-8', body: '', headers: { Location: './', ...headers } };
}

function plain(status: number, text: string, headers: Answer['headers'] = {}): Answer {
  return { status, contentType: 'text/plain; charset=utf-8', body: `${text}\n`, headers };
}

import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Clock } from '../kernel/clock.ts';
import type { LiveSockets } from './adapter/live-sockets.ts';
import { type DashboardFile, readDashboard } from './dashboard-files.ts';
import { loginPage, readToken, sessionOf, setSession } from './dashboard-login.ts';
import type { LiveFeed } from './live-feed.ts';
import type { OutletState } from './outlet.ts';
import { type OutletAnswer, type OutletParts, OutletServer, plain } from './outlet-server.ts';

/** What is shown, and to whom. */
export interface DashboardServerParts extends OutletParts {
  readonly feed: LiveFeed;
  readonly clock: Clock;
  /** @default the built page */
  readonly files?: ReadonlyMap<string, DashboardFile>;
}

interface Refusal {
  readonly status: number;
  readonly text: string;
}

const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
  "form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
const HEADERS = {
  'Content-Security-Policy': POLICY,
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
};

/** Serves the dashboard's page, and at `/live` what it shows. */
export class DashboardServer {
  readonly #parts: DashboardServerParts;
  readonly #files: ReadonlyMap<string, DashboardFile>;
  #sockets: LiveSockets | undefined;
  readonly #outlet: OutletServer;

  constructor(parts: DashboardServerParts) {
    this.#parts = parts;
    this.#files = parts.files ?? readDashboard();
    this.#outlet = new OutletServer(parts, async (request) => {
      const answer = await this.#answer(request);
      return { ...answer, headers: { ...HEADERS, ...answer.headers } };
    });
    this.#outlet.server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
  }

  /** Listens, or says what keeps it from that. Never throws. */
  async listen(): Promise<OutletState> {
    const { feed, clock } = this.#parts;
    // Servers without a dashboard start sooner without it.
    const { LiveSockets: Sockets } = await import('./adapter/live-sockets.ts');
    this.#sockets = new Sockets({ clock, attach: (client, since) => feed.attach(client, since) });
    return this.#outlet.listen('dashboard');
  }

  close(): Promise<void> {
    this.#sockets?.close();
    return this.#outlet.close();
  }

  async #answer(request: IncomingMessage): Promise<OutletAnswer> {
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
  #login(token: string): OutletAnswer {
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

function fileAnswer({ contentType, bytes, isHashed }: DashboardFile): OutletAnswer {
  const caching = isHashed ? 'private, max-age=31536000, immutable' : 'no-cache';
  return { status: 200, contentType, body: bytes, headers: { 'Cache-Control': caching } };
}

function page(status: number, body: string): OutletAnswer {
  return { status, contentType: 'text/html; charset=utf-8', body };
}

/** To the page itself; relative, since it may be served below a path. */
function redirect(headers: OutletAnswer['headers'] = {}): OutletAnswer {
  return { status: 303, contentType: 'text/plain; charset=utf-8', body: '', headers: { Location: './', ...headers } };
}

import type { Acceptor, ExtraHeaders, RequestHead } from '../exchange.ts';
import { corsHeaders, preflightHeaders } from './cors.ts';
import { FieldHead } from './field-head.ts';
import { HttpExchange, type HttpExchangeShared, STREAM_HEADERS } from './http-exchange.ts';
import { isJsonMediaType } from './lane-head.ts';
import type { OriginGuard } from './origin-guard.ts';
import { NO_PAGES, type Pages } from './page.ts';

/** What the web-standard face needs of its server. */
export interface FetchShared extends HttpExchangeShared {
  readonly acceptor: Acceptor;
  readonly guard: OriginGuard;
  /** What is served besides the endpoint, by path. @default nothing */
  readonly pages?: Pages;
}

/** Answers a web-standard request. The caller has routed it: whatever is the path of no page is for the endpoint. */
export type FetchHandler = (request: Request) => Promise<Response>;

/** Serves the endpoint where the runtime speaks `Request` and `Response`: Bun, Deno, workers, and frameworks on them. */
export function createFetchHandler(shared: FetchShared): FetchHandler {
  const { acceptor, guard, limits, pages = NO_PAGES } = shared;
  return async (request) => {
    const { headers, method } = request;
    const url = new URL(request.url);
    const origin = headers.get('origin') ?? undefined;
    const page = pages.get(url.pathname);
    const refusal = guard.refuse(headers.get('host') ?? url.host, page?.isPublic ? undefined : origin);
    if (refusal !== undefined) return refuse(403, refusal);
    const cors = origin !== undefined && guard.allows(origin) ? corsHeaders(origin) : [];
    if (method === 'OPTIONS' && origin !== undefined) {
      const fields = headers.get('access-control-request-headers') ?? undefined;
      return new Response(null, { status: 204, headers: toHeaders(preflightHeaders(origin, fields)) });
    }
    if (page !== undefined && !page.methods.includes(method))
      return refuse(405, 'Method not allowed', [...cors, ['Allow', page.methods.join(', ')]]);
    let body = '';
    if (method === 'POST') {
      if (!isJsonMediaType(headers.get('content-type') ?? ''))
        return refuse(415, 'Content-Type must be application/json', cors);
      const read = await readBody(request, limits.maxBodyBytes);
      if (read === undefined) return refuse(413, `The body exceeds ${limits.maxBodyBytes} bytes`, cors);
      body = read;
    }
    return exchangeFor(request, shared, cors, (exchange) => {
      if (page !== undefined) page.serve(exchange, { method, query: url.search.slice(1), body });
      else if (method === 'POST') acceptor.post(exchange, body);
      else acceptor.other(exchange, method);
    });
  };
}

/** Settles with the answer, or fails with the reason when the request's signal aborts before there is one. */
function exchangeFor(
  request: Request,
  shared: FetchShared,
  cors: ExtraHeaders,
  serve: (exchange: HttpExchange) => void,
): Promise<Response> {
  const { signal } = request;
  return new Promise((resolve, reject) => {
    const exchange = new FetchExchange(new FetchHead(request.headers), shared, cors, resolve);
    const onAbort = (): void => {
      exchange.disconnected();
      exchange.fail(signal.reason);
      reject(signal.reason);
    };
    if (signal.aborted) {
      onAbort();
      return;
    }
    signal.addEventListener('abort', onAbort, { once: true });
    serve(exchange);
  });
}

/** Reads a body as text, or nothing when it is too large; one that is not UTF-8 becomes a text that is not JSON. */
async function readBody(request: Request, maxBytes: number): Promise<string | undefined> {
  if (request.body === null) return '';
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const reader = (request.body as ReadableStream<Uint8Array>).getReader();
  let text = '';
  let bytes = 0;
  try {
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      bytes += piece.value.byteLength;
      if (bytes > maxBytes) {
        await reader.cancel();
        return undefined;
      }
      text += decoder.decode(piece.value, { stream: true });
    }
    return text + decoder.decode();
  } catch {
    return '\ufffd';
  }
}

function refuse(status: number, message: string, headers: ExtraHeaders = []): Response {
  const text = { jsonrpc: '2.0', error: { code: -32000, message } };
  return Response.json(text, { status, headers: toHeaders(headers) });
}

/** Of several fields of one name the last one counts. */
function toHeaders(fields: ExtraHeaders): Headers {
  const headers = new Headers();
  for (const [name, value] of fields) headers.set(name, value);
  return headers;
}

class FetchHead extends FieldHead {
  readonly #headers: Headers;

  constructor(headers: Headers) {
    super();
    this.#headers = headers;
  }

  all(): Headers {
    return new Headers(this.#headers);
  }

  readonly path = undefined;

  each(visit: (name: string, value: string) => void): void {
    for (const [name, value] of this.#headers) visit(name, value);
  }

  protected entries(): Iterable<[string, string]> {
    return this.#headers.entries();
  }

  field(name: string): string | undefined {
    return this.#headers.get(name) ?? undefined;
  }
}

class FetchExchange extends HttpExchange {
  readonly #resolve: (response: Response) => void;
  readonly #cors: ExtraHeaders;
  readonly #encoder = new TextEncoder();
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #queuedBytes = 0;

  constructor(
    head: RequestHead,
    shared: HttpExchangeShared,
    cors: ExtraHeaders,
    resolve: (response: Response) => void,
  ) {
    super(head, shared);
    this.#cors = cors;
    this.#resolve = resolve;
  }

  protected writeAnswer(
    status: number,
    text: string,
    bytes: Uint8Array | undefined,
    extra: ExtraHeaders | undefined,
  ): void {
    const headers = toHeaders([...this.#cors, ...(extra ?? [])]);
    if (text !== '' || bytes !== undefined) headers.set('Content-Type', 'application/json');
    const body = bytes === undefined ? text : new Blob([text, bytes as Uint8Array<ArrayBuffer>]);
    this.#resolve(new Response(text === '' && bytes === undefined ? null : body, { status, headers }));
  }

  protected openStream(): void {
    this.#open(200, toHeaders([...this.#cors, ...STREAM_HEADERS]));
  }

  protected openRelay(status: number, headerLines: string): void {
    const headers = toHeaders(this.#cors);
    for (const line of headerLines.split('\r\n')) {
      const colon = line.indexOf(':');
      if (colon > 0) headers.append(line.slice(0, colon), line.slice(colon + 1));
    }
    this.#open(status, headers);
  }

  protected relayPiece(piece: Buffer): boolean {
    this.#controller?.enqueue(Uint8Array.from(piece));
    return (this.#controller?.desiredSize ?? 1) > 0;
  }

  protected endRelay(): void {
    this.endStream();
  }

  #open(status: number, headers: Headers): void {
    const stream = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => {
          this.#queuedBytes = 0;
          this.onDrain?.();
        },
        cancel: () => this.disconnected(),
      },
      { highWaterMark: 1 },
    );
    this.#resolve(new Response(stream, { status, headers }));
  }

  protected writeChunk(text: string, bytes?: Uint8Array): number {
    const piece = this.#encoder.encode(text);
    this.#controller?.enqueue(piece);
    if (bytes !== undefined) this.#controller?.enqueue(bytes);
    this.#queuedBytes += piece.byteLength + (bytes?.byteLength ?? 0);
    return this.#queuedBytes;
  }

  protected endStream(): void {
    this.#controller?.close();
  }

  protected destroy(): void {
    this.fail(new Error('the reader is too slow'));
    this.disconnected();
  }

  /** Ends an open stream with an error; without one nothing happens. */
  fail(reason: unknown): void {
    try {
      this.#controller?.error(reason);
    } catch {
      // It has ended already.
    }
  }
}
